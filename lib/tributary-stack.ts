import { CfnOutput, Duration, RemovalPolicy, Size, Stack, type StackProps } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { InputPlace, ObjectsIn } from '../lambdas/core/settings.ts';
import { LOADS, loadsTable, rejectedTable } from '../lambdas/core/tables/lake-tables.ts';
import { acknowledgeKeys } from './acknowledge.ts';
import { Alarms } from './alarms/alarms.ts';
import { hasDirectLane, type Places } from './alarms/places.ts';
import { Catalog } from './catalog.ts';
import type { Config } from './config/config.ts';
import { firehoseBufferMiB } from './config/params.ts';
import type { EventSource, ObjectSource, Source } from './config/sources.ts';
import { Dashboard } from './dashboard.ts';
import { DirectLane } from './direct-lane.ts';
import { Duplicates } from './duplicates.ts';
import { LakeBucket } from './lake-bucket.ts';
import { LandingBucket } from './landing-bucket.ts';
import { Ledger } from './ledger.ts';
import { LogFunction } from './log-function.ts';
import { LogSubscriptions } from './log-subscriptions.ts';
import { namesIn } from './names-in.ts';
import { namesOf, ObjectNotifications } from './object-notifications.ts';
import { PayloadStream, payloadsPrefix } from './payload-stream.ts';
import { QueryWorkgroup } from './query-workgroup.ts';
import { Readers } from './readers.ts';
import { eventsPlace, loadingSettings, objectsPlace, recordSettings } from './source-settings.ts';
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
    const objects = config.sources.filter((source) => source.lane === 'objects');
    const events = config.sources.filter((source) => source.lane === 'events');
    const destinations: Destinations = { streams, ledger, lake, encryptionKey };
    const payloads = this.#payloads(events, destinations);
    const announced = objects.length > 0 || payloads ? this.#loadObjects(objects, payloads, destinations) : undefined;
    const fromLogs = events.length > 0 ? this.#loadLogEvents(events, payloads, destinations) : undefined;
    let duplicates: Duplicates | undefined;
    if (config.duplicates.enabled) {
      duplicates = this.#checkDuplicates(events, payloads, announced, encryptionKey);
      if (fromLogs) duplicates.grantHandOn(fromLogs.fn);
      duplicates.saveAudits(catalog.databaseName, workgroup.workgroupName, this.#tables());
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
    this.#output('ReadersPolicy', readers.policyArn, 'Managed policy for roles and users that query the tables.');
    this.#output('LakeBucket', lake.bucketName, 'Tables, delivery errors and query results.');
    this.#output('Database', catalog.databaseName, 'Glue database of the tables.');
    this.#output('Workgroup', workgroup.workgroupName, 'Athena workgroup to query them in.');
    this.#output(
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

  /** Log groups of the direct lane → streams → a landing bucket of their own, which may have a KMS key. */
  #payloads(events: readonly EventSource[], { streams, encryptionKey }: Destinations): Payloads | undefined {
    const { keepDirectLane, landingRetentionDays } = this.#config;
    const sources = events.filter(({ delivery }) => keepDirectLane || delivery === 'direct');
    if (sources.length === 0) return undefined;
    // Not the landing bucket of the objects: S3 refuses notifications of prefixes that overlap, and a source may have all of
    // that bucket.
    const bucket = new LandingBucket(this, 'LandingPayloads', {
      elbSources: [],
      keepFor: Duration.days(landingRetentionDays),
      encryptionKey,
      removalPolicy: this.#removalPolicy,
    });
    const arns = sources.map(({ name, retired }): [string, string] => {
      const removalPolicy = retired ? RemovalPolicy.DESTROY : this.#removalPolicy;
      const of = { source: name, bucket, logs: streams.logs, encryptionKey, removalPolicy };
      return [name, new PayloadStream(this, `Payloads-${name}`, of).arn];
    });
    return { sources, bucket, arns: new Map(arns) };
  }

  /** Buckets → topic → queue → function → streams, or → batches → files. */
  #loadObjects(
    sources: readonly ObjectSource[],
    payloads: Payloads | undefined,
    { streams, ledger, lake, encryptionKey }: Destinations,
  ): Announced & WithFunction & Pick<Places, 'direct'> {
    const timeout = Duration.seconds(this.#config.timeoutSeconds);
    const notifications = new ObjectNotifications(this, 'Notifications', {
      functionTimeout: timeout,
      maxConcurrency: this.#config.maxConcurrency,
    });
    const buckets = this.#buckets(sources, notifications);
    if (payloads) {
      if (!buckets.has('')) notifications.allowLandingBuckets();
      const prefixes = payloads.sources.map(({ name }) => ({ prefix: payloadsPrefix(name) }));
      payloads.bucket.notify(notifications, prefixes);
    }
    const inputs: ObjectInput[] = [
      ...sources.map((source) => {
        const bucket = bucketOf(source, buckets);
        return { source, bucket, prefix: source.prefix, place: objectsPlace(source, bucket), kmsKey: source.kmsKeyArn };
      }),
      ...(payloads?.sources ?? []).map((source) => ({
        source,
        bucket: (payloads as Payloads).bucket,
        prefix: payloadsPrefix(source.name),
        place: eventsPlace(source, placeOf(payloads, source)),
        kmsKey: encryptionKey?.keyArn,
      })),
    ];
    const fn = new LogFunction(this, 'LoadObjects', {
      entry: 'load-objects',
      description: 'Loads log objects from S3 into the tables of their sources.',
      memoryMiB: this.#config.memoryMiB,
      timeout,
      continuesThroughItsQueue: true,
    });
    // Objects of payloads are only announced here: the direct lane reads them.
    for (const input of inputs) if (input.source.lane === 'objects') grantRead(fn, input);
    this.#output('ReadingRole', roleArnOf(fn), 'Reads the objects: for policies of buckets and keys of others.');
    this.#outputAfterNewColumns(sources, buckets);
    streams.grantLoad(fn, tablesOf(sources));
    ledger.grantUse(fn);
    const settings = inputs.map(({ source, place }) => ({
      ...loadingSettings(source, streams.namesFor(source.name)),
      ...place,
      // The environment of a function has little room: only what differs.
      ...(source.retentionDays !== this.#config.retentionDays && { retentionDays: source.retentionDays }),
    }));
    fn.setSources(settings);
    notifications.deliverTo(fn);
    const config = this.#config;
    let direct: Places['direct'];
    if (hasDirectLane(config)) {
      const { write, places } = new DirectLane(this, 'Direct', {
        sources: settings,
        tables: [...tablesOf(inputs.map(({ source }) => source)), loadsTable, rejectedTable],
        lake,
        ledger,
        notifications,
        memoryMiB: config.memoryMiB,
        maxConcurrency: config.maxConcurrency,
        fileSize: Size.mebibytes(config.bufferSizeMiB),
        wait: Duration.seconds(config.bufferIntervalSeconds),
        timeZone: config.timeZone,
        retention: Duration.days(config.retentionDays),
        encryptionKey,
        removalPolicy: this.#removalPolicy,
      });
      direct = places;
      ledger.grantAnnounce(fn);
      for (const input of inputs) grantRead(write, input);
      this.#output(
        'WritingRole',
        roleArnOf(write),
        'Reads the objects of batches: for policies of buckets and keys of others.',
      );
    }
    return { notifications, inputs, fn, ...(direct && { direct }) };
  }

  /** The buckets of the sources by name, each set to notify. The landing bucket's name is ''. */
  #buckets(sources: readonly ObjectSource[], notifications: ObjectNotifications): ReadonlyMap<string, IBucket> {
    const buckets = new Map<string, IBucket>();
    const landing = sources.filter(({ bucket }) => bucket === undefined);
    if (landing.length > 0) {
      const bucket = new LandingBucket(this, 'Landing', {
        elbSources: landing,
        keepFor: Duration.days(this.#config.landingRetentionDays),
        removalPolicy: this.#removalPolicy,
      });
      notifications.allowLandingBuckets();
      bucket.notify(
        notifications,
        landing.filter(({ retired }) => !retired),
      );
      buckets.set('', bucket);
      this.#output('LandingBucket', bucket.bucketName, 'Deliver logs here, e.g. those of a load balancer.');
    }
    for (const source of sources) {
      if (source.bucket === undefined) continue;
      const bucket =
        buckets.get(source.bucket) ?? Bucket.fromBucketName(this, `Bucket-${source.bucket}`, source.bucket);
      buckets.set(source.bucket, bucket);
      if (!source.retired) notifications.listenTo(bucket, source);
    }
    return buckets;
  }

  /**
   * Log groups → function → streams; events that could not be loaded go to the lake bucket. The function stays when log
   * groups change to the direct lane: it may have got events that Lambda tries again, and redrives failed ones.
   */
  #loadLogEvents(
    sources: readonly EventSource[],
    payloads: Payloads | undefined,
    { streams, ledger, lake, encryptionKey }: Destinations,
  ): WithFunction & { readonly subscriptions: LogSubscriptions } {
    const fn = new LogFunction(this, 'LoadLogEvents', {
      entry: 'load-log-events',
      description: 'Loads events of CloudWatch log groups into the tables of their sources.',
      memoryMiB: this.#config.logEventsMemoryMiB,
      timeout: Duration.seconds(this.#config.timeoutSeconds),
      reservedConcurrency: this.#config.logEventsConcurrency,
    });
    streams.grantLoad(fn, tablesOf(sources));
    ledger.grantUse(fn);
    fn.setSources(
      sources.map((source) => ({
        ...loadingSettings(source, streams.namesFor(source.name)),
        ...eventsPlace(source, placeOf(payloads, source)),
      })),
    );
    const subscriptions = new LogSubscriptions(this, 'Subscriptions', {
      sources,
      fn,
      streamOf: (name) => (isDirect(sources, name) ? payloads?.arns.get(name) : undefined),
      lake,
      encryptionKey,
    });
    return { fn, subscriptions };
  }

  /** The same objects and log events → a function beside the loading ones → a table → counts. */
  #checkDuplicates(
    events: readonly EventSource[],
    payloads: Payloads | undefined,
    { notifications, inputs = [] }: Partial<Announced> = {},
    encryptionKey: IKey | undefined,
  ): Duplicates {
    const { memoryMiB, logEventsMemoryMiB, maxConcurrency, duplicates } = this.#config;
    const objects = inputs.filter(({ source }) => source.lane === 'objects');
    const duplicateCheck = new Duplicates(this, 'Duplicates', {
      sources: [
        ...objects.map(({ source, place }) => ({ ...recordSettings(source), ...place })),
        ...events.map((source) => ({ ...recordSettings(source), ...eventsPlace(source, placeOf(payloads, source)) })),
      ],
      sampleRate: duplicates.sampleRate,
      window: Duration.hours(duplicates.windowHours),
      memoryMiB,
      logEventsMemoryMiB,
      encryptionKey,
      removalPolicy: this.#removalPolicy,
    });
    const { track } = duplicateCheck;
    if (track) {
      for (const input of inputs) grantRead(track, input);
      const description = 'Reads the objects for the duplicate check: for policies of buckets and keys of others.';
      this.#output('CheckingRole', roleArnOf(track), description);
    }
    if (notifications) duplicateCheck.listenTo(notifications, maxConcurrency);
    return duplicateCheck;
  }

  /** Until the stream has the mapping of a deployment, Firehose drops the values of columns that are new in it. */
  #outputAfterNewColumns([source]: readonly ObjectSource[], buckets: ReadonlyMap<string, IBucket>): void {
    if (!source) return;
    const place = `s3://${bucketOf(source, buckets).bucketName}/${source.prefix}`;
    this.#output(
      'AfterNewColumns',
      `npm run lake -- backfill ${place} --stack ${this.stackName} --since 1h --reload`,
      `After a deployment with new columns, for each source that has them: loads again what came meanwhile (${source.name}).`,
    );
  }

  #output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}

/** Where rows go, and what is known of them. */
interface Destinations {
  readonly streams: Streams;
  readonly ledger: Ledger;
  readonly lake: LakeBucket;
  readonly encryptionKey: IKey | undefined;
}

/** The function of a lane. */
interface WithFunction {
  readonly fn: LogFunction;
}

/** How the objects of sources are announced, and where they are. */
interface Announced {
  readonly notifications: ObjectNotifications;
  readonly inputs: readonly ObjectInput[];
}

/** A source whose inputs come as objects, and where. */
interface ObjectInput {
  readonly source: Source;
  readonly bucket: IBucket;
  readonly prefix: string;
  readonly place: InputPlace;
  /** ARN of the key that the objects are encrypted with, if it is not S3's own. */
  readonly kmsKey: string | undefined;
}

/** The log groups of the direct lane: the bucket of their payloads, and the ARN of each source's stream. */
interface Payloads {
  readonly sources: readonly EventSource[];
  readonly bucket: LandingBucket;
  readonly arns: ReadonlyMap<string, string>;
}

function placeOf(payloads: Payloads | undefined, { name }: EventSource): ObjectsIn | undefined {
  return payloads?.arns.has(name) ? { bucket: payloads.bucket.bucketName, prefix: payloadsPrefix(name) } : undefined;
}

function isDirect(sources: readonly EventSource[], name: string): boolean {
  return sources.some((source) => source.name === name && source.delivery === 'direct');
}

function tablesOf(sources: readonly Source[]) {
  return sources.map(({ table }) => table);
}

function bucketOf(source: ObjectSource, buckets: ReadonlyMap<string, IBucket>): IBucket {
  const bucket = buckets.get(source.bucket ?? '');
  if (!bucket) throw new Error(`source ${source.name}: its bucket was not made`);
  return bucket;
}

function roleArnOf(fn: LogFunction): string {
  if (!fn.role) throw new Error(`${fn.node.path}: has no role`);
  return fn.role.roleArn;
}

/** Lets `fn` read the source's objects, and distinguish a missing object from a forbidden one. */
function grantRead(fn: LogFunction, { source: { name }, bucket, prefix, kmsKey }: ObjectInput): void {
  const keys = `${prefix}*`;
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects(keys)] }));
  // Without this permission, S3 answers "forbidden" for a missing object.
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  if (kmsKey) fn.addToRolePolicy(new PolicyStatement({ actions: ['kms:Decrypt'], resources: [kmsKey] }));
  if (fn.role) acknowledgeKeys(fn.role, bucket, keys, `Reads the objects of the source ${name}, whatever their names.`);
}
