import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { CfnNamedQuery } from 'aws-cdk-lib/aws-athena';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { auditQuery } from '../lambdas/core/duplicates/audit.ts';
import { DUPLICATES } from '../lambdas/core/duplicates/store.ts';
import { compiledSources } from '../lambdas/core/loading/sources.ts';
import { ENV, objectsOf, TRACK_BATCH, type TrackedSettings } from '../lambdas/core/settings.ts';
import type { Table as LakeTable } from '../lambdas/core/tables/table.ts';
import type { Places, WatchedQueue } from './alarms/places.ts';
import { COUNT_TIMEOUT_SECONDS } from './alarms/stack-alarms.ts';
import type { Catalog } from './catalog.ts';
import { throughDynamoDb } from './ledger.ts';
import { LogFunction } from './log-function.ts';
import { namesOf, type ObjectNotifications } from './object-notifications.ts';

/** What the duplicate check covers, and how thoroughly. */
export interface DuplicatesProps {
  readonly sources: readonly TrackedSettings[];
  /** Share of the records that are checked, (0, 1]. */
  readonly sampleRate: number;
  /**
   * Records whose time is further away than this, in either direction, are counted as outside the window and not
   * compared.
   */
  readonly window: Duration;
  /** Memory of the functions that read the records of objects, and that count. */
  readonly memoryMiB: number;
  /** Memory of the function that reads log events. */
  readonly logEventsMemoryMiB: number;
  /** @default - a key that AWS owns */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * Lambda's maximum: an object must be read within one invocation, and this limits its size. Reading an object takes as
 * long as loading it.
 */
const TRACK_TIMEOUT = Duration.minutes(15);

const COUNT_TIMEOUT = Duration.seconds(COUNT_TIMEOUT_SECONDS);

/**
 * Counts records that come twice. The check runs beside loading and independently of it: a failure here does not hold
 * up loading. One function stores the fingerprints of records, another one counts them on a schedule.
 */
export class Duplicates extends Construct {
  /** Reads objects; undefined if no source has any. */
  readonly track: LogFunction | undefined;
  /** Reads log events. It is a function of its own because it mostly waits, for which less memory does. */
  readonly #trackLogEvents: LogFunction | undefined;
  readonly #sources: readonly TrackedSettings[];
  readonly #table: Table;
  readonly #count: LogFunction;
  #queue: WatchedQueue | undefined;

  constructor(scope: Construct, id: string, props: DuplicatesProps) {
    super(scope, id);
    const { sources, memoryMiB, encryptionKey, removalPolicy } = props;
    this.#sources = sources;
    this.#table = new Table(this, 'Table', {
      partitionKey: { name: DUPLICATES.partition, type: AttributeType.STRING },
      sortKey: { name: DUPLICATES.sort, type: AttributeType.STRING },
      timeToLiveAttribute: DUPLICATES.expiry,
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
      removalPolicy,
    });
    Validations.of(this.#table).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason: 'Counts of a few days that the tables of the lake can give again; no backup is worth its price.',
    });

    this.track = this.#tracker('Track', 'objects', memoryMiB, props);
    this.#trackLogEvents = this.#tracker('LogEventsTrack', 'events', props.logEventsMemoryMiB, props);

    this.#count = new LogFunction(this, 'Count', {
      entry: 'count-duplicates',
      description: 'Counts the duplicates of each minute when its objects have come.',
      memoryMiB,
      timeout: COUNT_TIMEOUT,
    });
    const count = this.#count;
    this.#grant(count, ['Query', 'BatchGetItem', 'BatchWriteItem', 'PutItem'], encryptionKey);
    // A failed run is not retried: the next run finds the minutes that it has left.
    count.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'Schedule', {
      description: 'Counts the duplicates of the minutes that have come due.',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(count, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }

  #tracker(
    id: string,
    lane: TrackedSettings['lane'],
    memoryMiB: number,
    { sources, sampleRate, window, encryptionKey }: DuplicatesProps,
  ): LogFunction | undefined {
    // Events of log groups come as objects of payloads, too, on the direct lane.
    const ofLane = sources.filter((source) =>
      lane === 'objects' ? objectsOf(source) !== undefined : source.lane === 'events',
    );
    if (ofLane.length === 0) return undefined;
    const fn = new LogFunction(this, id, {
      entry: 'track-duplicates',
      logName: lane === 'objects' ? 'track-duplicates' : 'track-duplicates-of-log-events',
      description: `Notes what tells the records of ${lane === 'objects' ? 'objects' : 'log events'} apart.`,
      memoryMiB,
      timeout: TRACK_TIMEOUT,
    });
    fn.setSources(ofLane, ENV.trackedSources);
    fn.addEnvironment(ENV.duplicatesSampleRate, String(sampleRate));
    fn.addEnvironment(ENV.duplicatesWindowHours, String(window.toHours()));
    this.#grant(fn, ['BatchGetItem', 'BatchWriteItem', 'UpdateItem'], encryptionKey);
    return fn;
  }

  /** Has each object that is announced to the loading function also announced here, through a separate queue. */
  listenTo(notifications: ObjectNotifications, maxConcurrency: number): void {
    if (!this.track) throw new Error(`${this.node.path}: expected a source with objects, got none`);
    const window = Duration.seconds(TRACK_BATCH.windowSeconds);
    const queue = notifications.addQueue('DuplicatesQueue', 'DuplicatesDeadLetters', TRACK_TIMEOUT, window);
    this.#queue = namesOf(queue);
    this.track.addEnvironment(ENV.queueUrl, queue.queueUrl);
    // An object that S3 does not give is announced again.
    this.track.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }));
    this.track.addEventSource(
      // A batch may contain an object that crashes its invocation; `track` keeps it from failing the other objects with
      // it.
      new SqsEventSource(queue, {
        batchSize: TRACK_BATCH.messages,
        maxBatchingWindow: window,
        reportBatchItemFailures: true,
        maxConcurrency,
      }),
    );
  }

  /** Lets `fn` hand log events on: it has the only subscription filter of their log group. */
  grantHandOn(fn: LogFunction): void {
    const track = this.#trackLogEvents;
    if (!track) throw new Error(`${this.node.path}: expected a source with log groups, got none`);
    fn.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [track.functionArn] }));
    fn.addEnvironment(ENV.trackFunction, track.functionName);
  }

  /** What alarms and the dashboard watch of the check. */
  get places(): Places['check'] {
    return {
      count: this.#count.functionName,
      ...(this.track && { track: this.track.functionName }),
      ...(this.#trackLogEvents && { trackLogEvents: this.#trackLogEvents.functionName }),
      ...(this.#queue && { queue: this.#queue }),
    };
  }

  /** Saves a query for each source that counts its duplicates exactly, from its tables. */
  saveAudits(catalog: Catalog, workgroup: string, tables: readonly LakeTable[]): void {
    const { databaseName: database } = catalog;
    for (const { settings, format } of compiledSources(this.#sources)) {
      const table = tables.find(({ name }) => name === settings.name);
      if (!table) throw new Error(`source ${settings.name}: its table was not made`);
      // Equal records may be in any of its tables, which are made when rows come: `lake duplicates --audit` knows them.
      if (catalog.divisionOf(table)) continue;
      const columns = table.columns.map(({ name }) => name);
      const recordKeys = settings.recordKey ? [settings.recordKey] : (format.recordKeys ?? []);
      new CfnNamedQuery(this, `Audit-${settings.name}`, {
        name: `duplicates of ${settings.name}, exactly`,
        description: `Records of ${settings.name} in the last two days, and duplicates in and across objects.`,
        database,
        workGroup: workgroup,
        queryString: auditQuery(
          { source: settings.name, lakeDatabase: database, tables: catalog.placesOf(table), columns, recordKeys },
          "date_format(current_date - interval '1' day, '%Y-%m-%d')",
        ),
      });
    }
  }

  #grant(fn: LogFunction, actions: readonly string[], encryptionKey: IKey | undefined): void {
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [this.#table.tableArn],
      }),
    );
    if (encryptionKey) fn.addToRolePolicy(throughDynamoDb(encryptionKey));
    fn.addEnvironment(ENV.duplicatesTable, this.#table.tableName);
  }
}
