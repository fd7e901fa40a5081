/**
 * What each key of a source is for. docs/sources.md is written from here and from the schemas of sources.ts and
 * source-places.ts, whose messages say which values are allowed.
 */
import type { z } from 'zod';
import { FROM } from './source-places.ts';
import { SOURCE } from './sources.ts';

/** One key of a source, or of its `from`. */
export interface SourceKey {
  readonly name: string;
  /** The allowed values, as a configuration error names them. */
  readonly allowed: string;
  readonly default: string;
  /** Whole sentences. */
  readonly description: string;
  /** Keys of a source that set this one. */
  readonly example: Readonly<Record<string, unknown>>;
}

type Facts = Omit<SourceKey, 'name' | 'allowed'>;

const SOURCE_FACTS: Readonly<Record<keyof typeof SOURCE.shape, Facts>> = {
  name: {
    default: 'none: every source has a name',
    description: 'The name of the source and of its table.',
    example: { name: 'web' },
  },
  format: {
    default: 'none: every source has a format',
    description: 'What the lines are. The other keys of the source are options of this format.',
    example: { format: 'nginx' },
  },
  from: {
    default: 'the landing bucket that the stack creates, all of it',
    description: 'Where the logs are: objects in a bucket, or events of log groups.',
    example: { from: { bucket: 'my-logs' } },
  },
  retentionDays: {
    default: 'the param `retentionDays`, which is 400',
    description:
      'How many days the rows of the source stay, and its delivery errors. Rows of `loads` and `rejected_lines` stay as long as the param says.',
    example: { retentionDays: 90 },
  },
  archiveAfterDays: {
    default: 'the param `archiveAfterDays`, which is never',
    description:
      'After how many days the files of the source move to S3 Glacier Instant Retrieval: less to store, more to read.',
    example: { archiveAfterDays: 60 },
  },
  keepRaw: {
    default: 'the param `keepRaw`, which is `on-error`',
    description: 'Which rows keep the line that they came from, in the column `raw`.',
    example: { keepRaw: 'always' },
  },
  streamsPerTable: {
    default: 'the param `streamsPerTable`, which is 1',
    description: 'How many Firehose streams deliver into the table. `lake plan` says how many you need.',
    example: { streamsPerTable: 4 },
  },
  delivery: {
    default: 'the param `delivery`, which is `firehose`',
    description:
      'How the rows get into the table. With `direct`, the lake writes the files itself, each row exactly once and under ' +
      'the day of its event: see [architecture](architecture.md#the-direct-lane-rows-without-firehose). Log groups then ' +
      'write to a Firehose stream that converts nothing, and their rows come after `bufferIntervalSeconds` and some ' +
      'minutes.',
    example: { delivery: 'direct' },
  },
  tableFormat: {
    default: 'the param `tableFormat`, which is `parquet`',
    description:
      'What the rows are in, with `delivery` `direct`. With `iceberg`, they are in an [Iceberg table](iceberg.md) in the ' +
      'database `<database>_iceberg`. What was loaded before stays where it is. Files of Iceberg tables are never archived by ' +
      '`archiveAfterDays`.',
    example: { delivery: 'direct', tableFormat: 'iceberg' },
  },
  fanOut: {
    default: 'none: all rows are in the table of the source',
    description:
      'Has rows with one of the values `allow` in the column `by` in an [Iceberg table of their own]' +
      '(iceberg.md#a-table-for-each-value). All other rows are in the table whose name ends with `other`, or in the ' +
      "source's own.",
    example: {
      columns: { tenant: 'string', time: 'timestamp' },
      delivery: 'direct',
      tableFormat: 'iceberg',
      fanOut: { by: 'tenant', allow: ['acme', 'globex'], other: 'rest' },
    },
  },
  schemaEvolution: {
    default: 'the param `schemaEvolution`, which is `off`',
    description:
      'What becomes of keys that are no columns, of a source with `format` `json`. Their values are in `extra` at once. ' +
      'With `suggest`, [`lake schema`](schema.md) shows which come often; with `auto`, and `delivery` `direct`, these become ' +
      'columns of the table.',
    example: { schemaEvolution: 'suggest' },
  },
  recordKey: {
    default: "the format's own record keys",
    description:
      'The columns that together identify a record, for the duplicate check. It applies to records that have a value in ' +
      'the first of them.',
    example: { recordKey: ['request_id', 'timestamp'] },
  },
  retired: {
    default: 'false',
    description:
      'With `true`, new objects and events are no longer announced to the source. Everything else stays, so that what it ' +
      'has got is still loaded and delivered: see [deploy](deploy.md#removing-a-source).',
    example: { retired: true },
  },
  logGroupRetentionDays: {
    default: 'the param `logGroupRetentionDays`, which is to leave the log groups alone',
    description: "How many days CloudWatch keeps the events of the source's log groups.",
    example: { logGroupRetentionDays: 30, from: { logGroups: ['/ecs/app'] } },
  },
};

const FROM_FACTS: Readonly<Record<keyof typeof FROM.shape, Facts>> = {
  bucket: {
    default: 'the landing bucket that the stack creates',
    description: 'The name of a bucket that exists, in the Region of the stack.',
    example: { from: { bucket: 'my-logs' } },
  },
  prefix: {
    default: 'the whole bucket',
    description:
      'Only objects whose key begins so are loaded. In the landing bucket, it is a folder and ends with `/`.',
    example: { from: { bucket: 'my-logs', prefix: 'alb/' } },
  },
  suffix: {
    default: 'any',
    description: 'Only objects whose key ends so are loaded.',
    example: { from: { bucket: 'my-logs', suffix: '.log.gz' } },
  },
  notifications: {
    default: 's3',
    description:
      'How the bucket announces its objects. With `s3`, the stack sets the notifications of the bucket, in addition to ' +
      'those that it has. With `eventbridge`, it uses the events of a bucket whose EventBridge notifications are on.',
    example: { from: { bucket: 'my-logs', notifications: 'eventbridge' } },
  },
  kmsKeyArn: {
    default: "none: the objects are encrypted with S3's own keys",
    description: 'The key with which the objects of the bucket are encrypted.',
    example: {
      from: {
        bucket: 'my-logs',
        kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012',
      },
    },
  },
  account: {
    default: 'the account of the stack',
    description:
      'The account that owns the bucket. Its owner sends the notifications: with `s3` to the topic that an output of the ' +
      "stack names, with `eventbridge` to the event bus of the stack's account.",
    example: { from: { bucket: 'their-logs', account: '123456789012', notifications: 'eventbridge' } },
  },
  exportedLogs: {
    default: 'false',
    description:
      'Whether CloudWatch has exported the objects, as [`lake archive`](operations.md#lake-archive) has it do. The time ' +
      'before each message is then taken off and fills the column `logged_at`, and a line without one goes on with the ' +
      'message before it.',
    example: { from: { bucket: 'old-logs', prefix: 'cloudwatch/ecs/app/', exportedLogs: true } },
  },
  logGroups: {
    default: 'none: the source reads objects',
    description:
      'The log groups whose events are loaded. Each must exist before the stack is deployed. A source has either log ' +
      'groups or a bucket.',
    example: { from: { logGroups: ['/ecs/app', '/ecs/worker'] } },
  },
  filterPattern: {
    default: 'none: every event',
    description:
      'Only events that match this [pattern of CloudWatch]' +
      '(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html) are loaded; at most 1,024 ' +
      'characters.',
    example: { from: { logGroups: ['/ecs/app'], filterPattern: '{ $.level != "DEBUG" }' } },
  },
};

/** The keys of a source that every format has. */
export const SOURCE_KEYS: readonly SourceKey[] = keysOf(SOURCE.shape, SOURCE_FACTS);

/** The keys of `from`. */
export const FROM_KEYS: readonly SourceKey[] = keysOf(FROM.shape, FROM_FACTS);

function keysOf<Key extends string>(
  schemas: Readonly<Record<Key, z.ZodType>>,
  facts: Readonly<Record<Key, Facts>>,
): SourceKey[] {
  return (Object.keys(facts) as Key[]).map((name) => ({ name, allowed: allowedBy(schemas[name]), ...facts[name] }));
}

/** What a schema says in the error about a value that no schema allows. */
function allowedBy(schema: z.ZodType): string {
  return schema.safeParse(Symbol('no value of a configuration')).error?.issues[0]?.message ?? '';
}
