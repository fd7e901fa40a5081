import { Duration, RemovalPolicy, Size, Stack, type StackProps } from 'aws-cdk-lib';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { LOADS, loadsTable, rejectedTable } from '../lambdas/core/tables/lake-tables.ts';
import { Alarms } from './alarms/alarms.ts';
import type { Places } from './alarms/places.ts';
import { Catalog } from './catalog.ts';
import type { Config } from './config/config.ts';
import { firehoseBufferMiB } from './config/params.ts';
import { Dashboard } from './dashboard.ts';
import type { Duplicates } from './duplicates.ts';
import { LakeBucket } from './lake-bucket.ts';
import { checkDuplicates } from './lanes/check.ts';
import { type LaneProps, output } from './lanes/lane.ts';
import { loadLogEvents } from './lanes/log-events.ts';
import { loadObjects } from './lanes/objects.ts';
import { payloadsOf } from './lanes/payloads.ts';
import { Ledger } from './ledger.ts';
import { namesIn } from './names-in.ts';
import { namesOf } from './object-notifications.ts';
import { QueryWorkgroup } from './query-workgroup.ts';
import { Readers } from './readers.ts';
import { Streams } from './streams.ts';

/** The properties of the stack. */
export interface TributaryStackProps extends StackProps {
  readonly config: Config;
}

/**
 * The lake. In the order of the data flow, its parts are: buckets and log groups, the functions that load them, the
 * streams, the lake bucket, the tables and the queries. They are created in the reverse order, because each part refers
 * to the next.
 */
export class TributaryStack extends Stack {
  readonly #config: Config;
  readonly #removalPolicy: RemovalPolicy;

  constructor(scope: Construct, id: string, { config, ...props }: TributaryStackProps) {
    super(scope, id, {
      description: 'Tributary: logs as tables, every line accounted for.',
      // The names that no source may have are those of this stack.
      stackName: config.stackName,
      // CloudFormation takes at most 1 MB, of which spaces would be a third.
      suppressTemplateIndentation: true,
      ...props,
    });
    this.#config = config;
    this.#removalPolicy =
      config.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

    const encryptionKey = config.kmsKey ? Key.fromKeyArn(this, 'Key', config.kmsKey) : undefined;
    const lake = new LakeBucket(this, 'Lake', {
      keepFor: Duration.days(config.retentionDays),
      tables: config.sources.map(({ name, retentionDays, archiveAfterDays }) => ({
        name,
        keepFor: Duration.days(retentionDays),
        ...(archiveAfterDays !== undefined && { archiveAfter: Duration.days(archiveAfterDays) }),
      })),
      keepListsFor: Duration.days(config.landingRetentionDays),
      encryptionKey,
      removalPolicy: this.#removalPolicy,
    });
    const { catalog, workgroup } = this.#queries(lake, encryptionKey);
    const streams = new Streams(this, 'Streams', {
      tables: [
        ...config.sources.map(({ table, streamsPerTable, retired, format }) => ({
          table,
          streams: streamsPerTable,
          retired,
          format,
        })),
        // Loads has one row per input (an S3 object or a CloudWatch subscription payload), and rejected_lines at most
        // 1,000: both stay far below the quota of one stream.
        ...[loadsTable, rejectedTable].map((table) => ({ table, streams: 1, retired: false })),
      ],
      lake,
      catalog,
      bufferSize: Size.mebibytes(firehoseBufferMiB(config.bufferSizeMiB)),
      bufferInterval: Duration.seconds(config.bufferIntervalSeconds),
      compression: config.parquetCompression,
      timeZone: config.timeZone,
      encryptionKey,
      removalPolicy: this.#removalPolicy,
      lakeFormation: config.lakeFormation,
    });
    const ledger = new Ledger(this, 'Ledger', {
      rememberFor: Duration.days(config.ledgerRetentionDays),
      pointInTimeRecovery: config.ledgerPointInTimeRecovery,
      encryptionKey,
      removalPolicy: this.#removalPolicy,
    });
    const lane: LaneProps = {
      stack: this,
      config,
      catalog,
      streams,
      ledger,
      lake,
      encryptionKey,
      removalPolicy: this.#removalPolicy,
    };
    const objects = config.sources.filter((source) => source.lane === 'objects');
    const events = config.sources.filter((source) => source.lane === 'events');
    const payloads = payloadsOf(events, lane);
    const announced = objects.length > 0 || payloads ? loadObjects(objects, payloads, lane) : undefined;
    const fromLogs = events.length > 0 ? loadLogEvents(events, payloads, lane) : undefined;
    let duplicates: Duplicates | undefined;
    if (config.duplicates.enabled) {
      duplicates = checkDuplicates(events, payloads, announced ?? {}, lane);
      if (fromLogs) duplicates.grantHandOn(fromLogs.fn);
      duplicates.saveAudits(catalog, workgroup.workgroupName, this.#tables());
    }
    const places: Places = {
      service: namesIn(this).prefix,
      ...(announced && { objects: { ...namesOf(announced.notifications.queue), loader: announced.fn.functionName } }),
      ...(announced?.direct && { direct: announced.direct }),
      ...(fromLogs && {
        events: {
          loader: fromLogs.fn.functionName,
          subscriptions: (source) => fromLogs.subscriptions.filtersOf(source),
        },
      }),
      ...(duplicates && { check: duplicates.places }),
      streams: (table) => streams.namesFor(table),
    };
    new Alarms(this, 'Alarms', { config, places });
    new Dashboard(this, 'Dashboard', { config, places });

    const readers = new Readers(this, 'Readers', { lake, workgroup, encryptionKey });
    output(this, 'ReadersPolicy', readers.policyArn, 'Managed policy for roles and users that query the tables.');
    output(this, 'LakeBucket', lake.bucketName, 'Tables, delivery errors and query results.');
    output(this, 'Database', catalog.databaseName, 'Glue database of the tables.');
    if (config.sources.some(({ tableFormat }) => tableFormat === 'iceberg')) {
      const catalogUrl = `https://glue.${this.region}.${this.urlSuffix}/iceberg`;
      output(this, 'IcebergDatabase', catalog.icebergDatabaseName, 'Glue database of the Iceberg tables.');
      output(this, 'IcebergCatalog', catalogUrl, 'REST catalog of the Iceberg tables, for Spark, Trino and others.');
    }
    output(this, 'Workgroup', workgroup.workgroupName, 'Athena workgroup to query them in.');
    output(
      this,
      'ExampleQuery',
      `SELECT * FROM "${catalog.databaseName}"."${LOADS}" ` +
        `WHERE dt >= date_format(current_date - interval '1' day, '%Y-%m-%d') ORDER BY finished_at DESC LIMIT 20`,
      'What was loaded last: lines, rows, filtered and rejected of each object or payload.',
    );
  }

  #tables() {
    return [...this.#config.sources.map(({ table }) => table), loadsTable, rejectedTable];
  }

  #queries(lake: LakeBucket, encryptionKey: IKey | undefined) {
    const { retentionDays, scanLimitGiB, timeZone } = this.#config;
    const tables = this.#tables();
    const catalog = new Catalog(this, 'Catalog', {
      lake,
      tables,
      iceberg: this.#config.sources.filter(({ tableFormat }) => tableFormat === 'iceberg').map(({ name }) => name),
      divided: new Map(this.#config.sources.flatMap(({ name, fanOut }) => (fanOut ? [[name, fanOut]] : []))),
      retired: this.#config.sources.filter(({ retired }) => retired).map(({ name }) => name),
      retentionDays: new Map(this.#config.sources.map((source) => [source.name, source.retentionDays])),
      otherRetentionDays: retentionDays,
      removalPolicy: this.#removalPolicy,
    });
    return {
      catalog,
      workgroup: new QueryWorkgroup(this, 'Queries', { lake, catalog, tables, timeZone, scanLimitGiB, encryptionKey }),
    };
  }
}
