/** The key `from` of a source: where its logs are, objects of a bucket or events of log groups. */
import { z } from 'zod';
import type { StackNames } from '../names.ts';
import { ConfigError } from './config-error.ts';
import { filterPatternProblem } from './filter-pattern.ts';
import { boolean, int, list, object, oneOf, pattern } from './values.ts';

/** Objects of a bucket. */
export interface FromObjects {
  readonly lane: 'objects';
  /** Absent: the landing bucket that the stack creates. */
  readonly bucket?: string;
  /** Empty: the whole bucket. */
  readonly prefix: string;
  readonly suffix?: string;
  readonly notifications: 's3' | 'eventbridge';
  /** Key that the objects are encrypted with, if it is not S3's own. */
  readonly kmsKeyArn?: string;
  /** The bucket's owner, if it is not the stack's account. */
  readonly account?: string;
  /** The objects were exported by CloudWatch, with a time before each event. */
  readonly exportedLogs?: boolean;
}

/** Events of CloudWatch log groups. */
export interface FromEvents {
  readonly lane: 'events';
  readonly logGroups: readonly string[];
  /** Empty: every event. */
  readonly filterPattern: string;
  /** Retention of the log groups. Absent: they keep the one they have. */
  readonly logGroupRetentionDays?: number;
}

/**
 * Log-group retentions that CloudWatch accepts, in days.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
const RETENTIONS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const RETENTION_STEPS = `CloudWatch's own steps: ${RETENTIONS.join(', ')}`;
export const LOG_GROUP_DAYS = int(1, 3653).refine((days) => RETENTIONS.includes(days), RETENTION_STEPS);

/** No wildcards: S3 filters do not support them, and IAM would interpret them. */
const KEY_PART = pattern(/^[\w!.'()/=:@+-]{1,512}$/, "part of a key: letters, digits and / _ - . = : @ + ! ' ( )");

export const FROM = object({
  bucket: pattern(
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    'the name of a bucket: 3 to 63 of a-z, 0-9, dots and hyphens',
  ).optional(),
  prefix: KEY_PART.optional(),
  suffix: KEY_PART.optional(),
  notifications: oneOf(['s3', 'eventbridge']).optional(),
  kmsKeyArn: pattern(
    /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
    'the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID)',
  ).optional(),
  account: pattern(/^\d{12}$/, 'an account id of 12 digits, as text').optional(),
  logGroups: list(
    pattern(/^[\w.\-/#]{1,512}$/, 'the exact name of a log group: CloudFormation takes no patterns'),
    'a list of log group names',
  ).optional(),
  filterPattern: z.string('a CloudWatch filter pattern').max(1024, 'at most 1,024 characters').optional(),
  exportedLogs: boolean().optional(),
});

type From = z.output<typeof FROM>;

/** What of a source says where its logs are. */
interface Placed {
  readonly from: From;
  readonly logGroupRetentionDays?: number | undefined;
}

/** Params of the stack that a source with log groups can override. */
export type LogGroupDefaults = Pick<FromEvents, 'logGroupRetentionDays'>;

/**
 * Where the logs of a source are.
 *
 * @param path of the source in the param, for errors
 * @param names of the stack, whose own buckets and log groups no source may read
 * @throws ConfigError naming the key
 */
export function placeOf(
  source: Placed,
  path: string,
  defaults: LogGroupDefaults,
  names: StackNames,
): FromObjects | FromEvents {
  return source.from.logGroups ? eventsFrom(source, path, defaults, names) : objectsFrom(source, path, names);
}

function eventsFrom(
  { from, logGroupRetentionDays }: Placed,
  path: string,
  defaults: LogGroupDefaults,
  { ownLogGroups }: StackNames,
): FromEvents {
  refuseKeys(
    from,
    ['bucket', 'prefix', 'suffix', 'notifications', 'kmsKeyArn', 'account', 'exportedLogs'],
    path,
    'without logGroups',
  );
  const { logGroups = [], filterPattern = '' } = from;
  for (const [index, logGroup] of logGroups.entries()) {
    const param = `${path}.from.logGroups[${index}]`;
    if (ownLogGroups.some((own) => logGroup.startsWith(own))) {
      throw ConfigError.notAllowed(param, logGroup, "any log group but the stack's own, which would feed itself");
    }
    if (logGroups.indexOf(logGroup) < index) throw ConfigError.notAllowed(param, logGroup, 'each log group once');
  }
  const problem = filterPatternProblem(filterPattern);
  if (problem) throw ConfigError.notAllowed(`${path}.from.filterPattern`, filterPattern, problem);
  const retention = logGroupRetentionDays ?? defaults.logGroupRetentionDays;
  return {
    lane: 'events',
    logGroups,
    filterPattern,
    ...(retention !== undefined && { logGroupRetentionDays: retention }),
  };
}

function objectsFrom({ from, logGroupRetentionDays }: Placed, path: string, { ownBuckets }: StackNames): FromObjects {
  refuseKeys(from, ['filterPattern'], path, 'with logGroups');
  if (logGroupRetentionDays !== undefined) {
    throw ConfigError.notAllowed(`${path}.logGroupRetentionDays`, logGroupRetentionDays, 'only with from.logGroups');
  }
  const { bucket, prefix = '', notifications = 's3', ...rest } = from;
  if (bucket === undefined) {
    refuseKeys(from, ['notifications', 'kmsKeyArn', 'account', 'exportedLogs'], path, 'with a bucket of your own');
    if (prefix && !prefix.endsWith('/')) {
      throw ConfigError.notAllowed(`${path}.from.prefix`, prefix, 'a folder of the landing bucket, ending with /');
    }
  }
  if (bucket?.startsWith(ownBuckets.lake)) {
    throw ConfigError.notAllowed(`${path}.from.bucket`, bucket, 'any bucket but the lake, which would feed itself');
  }
  if (bucket?.startsWith(ownBuckets.landing)) {
    throw ConfigError.notAllowed(`${path}.from.bucket`, bucket, 'other buckets; leave it out for the landing bucket');
  }
  return { lane: 'objects', bucket, prefix, notifications, ...rest };
}

function refuseKeys(from: From, keys: readonly (keyof From)[], path: string, only: string): void {
  for (const key of keys) {
    if (from[key] !== undefined) throw ConfigError.notAllowed(`${path}.from.${key}`, from[key], `only ${only}`);
  }
}
