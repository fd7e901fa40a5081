import { Duration, type RemovalPolicy, Size } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { LISTS_PREFIX } from '../lambdas/core/direct/batch.ts';
import {
  type DirectSettings,
  ENV,
  FAN_OUT_FILE,
  type FanOutValues,
  type SourceSettings,
} from '../lambdas/core/settings.ts';
import { DATA_PREFIX, type Table } from '../lambdas/core/tables/table.ts';
import type { Places } from './alarms/places.ts';
import { grantFiles, grantLists, LISTS } from './lake-grants.ts';
import type { Ledger } from './ledger.ts';
import { LogFunction } from './log-function.ts';
import { namesOf, type ObjectNotifications } from './object-notifications.ts';

export interface DirectLaneProps {
  /** All sources with objects: those that have another lane now may have batches that are not written. */
  readonly sources: readonly SourceSettings[];
  /** Their tables and those of the lake itself. */
  readonly tables: readonly Table[];
  /** The values by which sources divide their rows. */
  readonly fanOutValues: FanOutValues;
  readonly lake: Bucket;
  readonly ledger: Ledger;
  readonly notifications: ObjectNotifications;
  readonly memoryMiB: number;
  /** Batches that are written at a time, 2-1,000. */
  readonly maxConcurrency: number;
  readonly fileSize: Size;
  /** After this time an object waits no longer for others. */
  readonly wait: Duration;
  readonly timeZone: string;
  readonly retention: Duration;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Lambda's maximum: a batch is written within one invocation. */
const WRITE_TIMEOUT = Duration.minutes(15);

/** Longer than the timeout, as Lambda requires. The planner sends a batch again long before that would help. */
const VISIBILITY = Duration.minutes(16);

const PLAN_TIMEOUT = Duration.minutes(5);
const PLAN_MEMORY_MIB = 512;

/** Room for the rows of a batch whose events are of more days than files can be open. */
const DISK = Size.gibibytes(4);
/** Room for nearly all rows of a batch, where they belong to more tables than files can be open: Lambda's maximum. */
const FAN_OUT_DISK = Size.gibibytes(10);

/** Batches of a source that may be open, for each one that is written: the next ones wait for a writer. */
const OPEN_PER_WRITER = 2;

/** Bytes of `IcebergSettings` in an environment. */
const ICEBERG_ENVIRONMENT_BYTES = 250;

/** The direct lane: a function that plans batches, a queue that names them, and a function that writes them. */
export class DirectLane extends Construct {
  /** Reads the objects. */
  readonly write: LogFunction;
  /** What alarms watch of the lane. */
  readonly places: Omit<NonNullable<Places['direct']>, 'commit' | 'promote'>;
  readonly #props: DirectLaneProps;
  readonly #queue: Queue;

  constructor(scope: Construct, id: string, props: DirectLaneProps) {
    super(scope, id);
    this.#props = props;
    const { ledger, notifications, memoryMiB, maxConcurrency } = props;
    const queue = new Queue(this, 'Queue', {
      visibilityTimeout: VISIBILITY,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      deadLetterQueue: {
        // Three attempts end a batch, so only what is wrong with the services or with us comes here. The planner sends
        // the batch again.
        maxReceiveCount: 10,
        queue: new Queue(this, 'DeadLetters', {
          retentionPeriod: Duration.days(14),
          encryption: QueueEncryption.SQS_MANAGED,
          enforceSSL: true,
        }),
      },
    });
    this.#queue = queue;
    const plan = new LogFunction(this, 'Plan', {
      entry: 'plan-batches',
      description: 'Cuts the objects that wait into batches, and finishes what is open.',
      memoryMiB: PLAN_MEMORY_MIB,
      timeout: PLAN_TIMEOUT,
    });
    // A failed run is not retried: the next one finds what it has left.
    plan.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'EachMinute', {
      description: 'Plans the batches of the direct lane.',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(plan, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    const dividesRows = Object.keys(props.fanOutValues).length > 0;
    this.write = new LogFunction(this, 'Write', {
      entry: 'write-batch',
      files: dividesRows ? { [FAN_OUT_FILE]: JSON.stringify(props.fanOutValues) } : {},
      description: 'Reads the objects of a batch and writes them as files of their tables.',
      memoryMiB,
      timeout: WRITE_TIMEOUT,
      diskSize: dividesRows ? FAN_OUT_DISK : DISK,
    });
    this.write.addEventSource(
      new SqsEventSource(queue, { batchSize: 1, reportBatchItemFailures: true, maxConcurrency }),
    );
    for (const fn of [plan, this.write]) this.#tell(fn);
    ledger.grantPlan(plan);
    // Looks for uploads that a seal names and that nobody has completed; and S3 answers "forbidden" for a list that is not there
    // to those who may not list the bucket, which would keep the planner from renewing others.
    plan.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
        resources: [props.lake.bucketArn],
      }),
    );
    ledger.grantWrite(this.write);
    for (const table of props.tables) grantFilesOf(this.write, props.lake, table);
    notifications.grantDeadLetters(this.write);
    this.places = { plan: plan.functionName, write: this.write.functionName, deadLetters: namesOf(queue).deadLetters };
  }

  /** Lets `fn` see in the lists of attempts which versions of an object were loaded. */
  grantVersions(fn: LogFunction): void {
    const { lake, encryptionKey } = this.#props;
    fn.addEnvironment(ENV.lakeBucket, lake.bucketName);
    grantFiles(fn, lake, { prefix: LISTS_PREFIX, actions: ['GetObject'], reason: LISTS });
    if (encryptionKey) {
      fn.addToRolePolicy(new PolicyStatement({ actions: ['kms:Decrypt'], resources: [encryptionKey.keyArn] }));
    }
  }

  /** Lets `fn` commit what batches have stored, and have a writer publish them then. */
  grantCommit(fn: LogFunction): void {
    this.#tell(fn);
    this.#props.ledger.grantCommit(fn);
  }

  /** Tells `fn` of the sources and the lake, and lets it use the lists of batches and tell writers of batches. */
  #tell(fn: LogFunction): void {
    const { sources, lake, encryptionKey } = this.#props;
    fn.setSources(sources, ENV.sources, ICEBERG_ENVIRONMENT_BYTES);
    fn.addEnvironment(ENV.direct, JSON.stringify(settingsOf(this.#props)));
    fn.addEnvironment(ENV.lakeBucket, lake.bucketName);
    fn.addEnvironment(ENV.writeQueueUrl, this.#queue.queueUrl);
    fn.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.#queue.queueArn] }));
    grantLists(fn, lake, encryptionKey);
  }
}

function settingsOf({ fileSize, wait, maxConcurrency, timeZone, retention }: DirectLaneProps): DirectSettings {
  return {
    fileMiB: fileSize.toMebibytes(),
    waitSeconds: wait.toSeconds(),
    maxOpen: maxConcurrency * OPEN_PER_WRITER,
    writeSeconds: WRITE_TIMEOUT.toSeconds(),
    timeZone,
    retentionDays: retention.toDays(),
  };
}

/** Lets `fn` upload files of a table in parts, look at one that was completed before, and delete what a reload has replaced. */
function grantFilesOf(fn: LogFunction, lake: Bucket, { name }: Table): void {
  grantFiles(fn, lake, {
    prefix: `${DATA_PREFIX}${name}/`,
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    actions: ['PutObject', 'AbortMultipartUpload', 'GetObject', 'DeleteObject'],
    reason: `Files of the table ${name}, named by day and batch.`,
  });
}
