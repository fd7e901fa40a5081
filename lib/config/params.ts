/** The allowed values of each context param, and its default. */
import { z } from 'zod';
import { isTimeZone } from '../../lambdas/core/reading/local-zone.ts';
import { STACK } from '../names.ts';
import { LOG_GROUP_DAYS } from './source-places.ts';
import { DELIVERY, RETENTION_DAYS, SCHEMA_EVOLUTION, SOURCES, STREAMS_PER_TABLE, TABLE_FORMAT } from './sources.ts';
import { boolean, int, number, object, oneOf, pattern, share } from './values.ts';

/**
 * CloudFormation itself takes 128 characters, but shortens them in the names that it generates; a bucket of the stack must
 * be known by the beginning of its name.
 */
const MAX_STACK_NAME = 24;

/**
 * MiB that Firehose can gather with format conversion.
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
 */
export const FIREHOSE_BUFFER_MIB = [64, 128] as const;

/** The buffer of streams in a stack whose `bufferSizeMiB` may be meant for the other lane. */
export function firehoseBufferMiB(bufferSizeMiB: number): number {
  const [minimum, maximum] = FIREHOSE_BUFFER_MIB;
  return Math.min(maximum, Math.max(minimum, bufferSizeMiB));
}

/** Batches are planned each minute. */
export const LEAST_DIRECT_SECONDS = 60;

/**
 * The ledger alone knows what waits on the direct lane and which uploads are to be completed. It must outlast whatever
 * keeps batches from being written, and the uploads themselves, which S3 keeps as long.
 */
export const LEAST_DIRECT_LEDGER_DAYS = 14;

/** The context params, each with its default and its allowed values. */
export const PARAMS = z.strictObject({
  sources: SOURCES,
  /**
   * MiB that Firehose gathers for a file, 64-128: format conversion needs at least 64. On the direct lane, MiB of a finished
   * file that a batch aims at.
   * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
   */
  bufferSizeMiB: int(16, 512).default(128),
  bufferIntervalSeconds: int(0, 900).default(300),
  /** How rows get into their tables: through Firehose, or in files that the lake writes itself. */
  delivery: DELIVERY.default('firehose'),
  /** What the files of the direct lane belong to: folders that Athena lists, or Iceberg tables. */
  tableFormat: TABLE_FORMAT.default('parquet'),
  /** What becomes of keys that come often and are no columns, of sources with lines of JSON. */
  schemaEvolution: SCHEMA_EVOLUTION.default('off'),
  /** Seconds that written files of an Iceberg table wait for others, so that there are not too many snapshots. */
  commitIntervalSeconds: int(60, 3600).default(300),
  /** Keeps the direct lane when no source is on it any more, until its last batch is written. */
  keepDirectLane: boolean().default(false),
  /** Of the files that Firehose writes. GZIP is half the size of SNAPPY, and takes queries some more CPU. */
  parquetCompression: oneOf(['SNAPPY', 'GZIP', 'UNCOMPRESSED']).default('GZIP'),
  timeZone: timeZone().default('UTC'),
  /**
   * Number of Firehose streams into each source's table; a source can override it. Batches are spread over the streams,
   * each of which has a quota of its own.
   */
  streamsPerTable: STREAMS_PER_TABLE.default(1),
  keepRaw: oneOf(['never', 'on-error', 'always']).default('on-error'),
  /**
   * 1,769 MiB is one full CPU; one invocation cannot use a second one.
   * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
   */
  memoryMiB: int(128, 10_240).default(1769),
  timeoutSeconds: int(1, 900).default(300),
  /**
   * Memory of the function that loads log events. It mostly waits for other services, which are billed by memory and not
   * by CPU.
   */
  logEventsMemoryMiB: int(256, 10_240).default(320),
  /** Objects loaded at a time. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
  maxConcurrency: int(2, 1000).default(50),
  /** Log-event invocations at a time, reserved from the account's limit. Absent: as many as are free. */
  logEventsConcurrency: int(1, 1000).optional(),
  /** Days that rows stay; a source can have its own. */
  retentionDays: RETENTION_DAYS.default(400),
  /** Days after which the files of sources move to a storage class for what is seldom read. Absent: never. */
  archiveAfterDays: RETENTION_DAYS.optional(),
  landingRetentionDays: RETENTION_DAYS.default(30),
  /** At least landingRetentionDays: an object that outlives its ledger entry could be loaded twice. */
  ledgerRetentionDays: RETENTION_DAYS.default(400),
  ledgerPointInTimeRecovery: boolean().default(false),
  /** Absent: the log groups named in sources keep the retention they have. */
  logGroupRetentionDays: LOG_GROUP_DAYS.optional(),
  /**
   * GiB that one query may scan; Athena's minimum is 10 MB.
   * https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
   */
  scanLimitGiB: number(0.01, 1_000_000).default(100),
  duplicates: object({
    enabled: boolean().default(true),
    /** Share of the records that are checked. The cost of the check is proportional to it. */
    sampleRate: share(1).default(1),
    /**
     * Records whose time is further away, in either direction, are counted as outside the window and not compared.
     * CloudWatch accepts metrics up to two weeks old.
     */
    windowHours: int(1, 336).default(72),
    /** The alarm's threshold: duplicates per hundred records. Absent: there is no alarm. */
    alarmPercent: share(100).optional(),
  }).prefault({}),
  /** Whom the alarms tell, by e-mail; SNS asks the address first whether it wants to be told. Absent: nobody. */
  alarmEmail: pattern(/^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/, 'an e-mail address').optional(),
  /** An SNS topic that exists already, in the stack's Region, and that lets CloudWatch publish to it. */
  alarmTopicArn: pattern(
    /^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/,
    'the ARN of an SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)',
  ).optional(),
  /** Several stacks in an account need several names: those of database, workgroup and log groups are made of it. */
  stackName: pattern(
    /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/,
    'a name of letters, digits and single hyphens that begins with a letter',
  )
    .max(MAX_STACK_NAME, `at most ${MAX_STACK_NAME} characters`)
    // Its database would be that of the Iceberg tables of the stack whose name is the part before.
    .refine((name) => !/-iceberg$/i.test(name), 'a name that does not end with -iceberg')
    .default(STACK),
  kmsKey: pattern(
    /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
    'the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID)',
  ).optional(),
  /**
   * Grants the delivery roles what Lake Formation asks for, in accounts where it does not leave permissions to IAM.
   * https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html
   */
  lakeFormation: boolean().default(false),
  removalPolicy: oneOf(['retain', 'destroy']).default('retain'),
});

/** Params that are objects of one level: their members can be given by dotted names, such as `duplicates.enabled`. */
export const GROUPS: readonly string[] = ['duplicates'];

/**
 * The characters of a name, and its greatest length, that Firehose accepts: no digits, hyphens, abbreviations or offsets.
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
 */
const FIREHOSE_ZONE = /^[A-Z][a-zA-Z_]+(?:\/[A-Z][a-zA-Z_]+)+$/;
const MAX_ZONE_CHARS = 50;

function isFirehoseZone(zone: string): boolean {
  return zone.length <= MAX_ZONE_CHARS && FIREHOSE_ZONE.test(zone);
}

/** Region/City or UTC, as Firehose accepts it; Intl knows which cities exist. */
function timeZone() {
  const allowed = 'UTC, or an IANA time zone as Region/City without digits and hyphens, e.g. Asia/Seoul';
  return z
    .string(allowed)
    .refine(
      (zone) => zone === 'UTC' || (isFirehoseZone(zone) && !/^Etc\/(?:UTC|GMT)$/.test(zone) && isTimeZone(zone)),
      allowed,
    );
}
