import { LISTS_PREFIX } from '../lambdas/core/direct/batch.ts';
import { icebergDatabaseOf } from '../lambdas/core/tables/lake-tables.ts';
import { DATA_PREFIX, ICEBERG_PREFIX } from '../lambdas/core/tables/table.ts';

/** Names that the stack sets, instead of leaving them to CloudFormation. */

/** Name of the stack and its construct, unless the param `stackName` gives another one. */
export const STACK = 'Tributary';

/** Names that contain the stack's name, so that an account can have several stacks. */
export interface StackNames {
  /** Glue database: Athena takes no hyphens in it without quotes. */
  readonly database: string;
  /** Glue database of the Iceberg tables, which have the names of their sources' other tables. */
  readonly icebergDatabase: string;
  /** Athena workgroup. */
  readonly workgroup: string;
  /** Prefix of the log groups of the stack's functions and streams. */
  readonly logGroups: string;
  /** Prefix of the names of alarms and of statements in policies that the account shares. */
  readonly prefix: string;
  /**
   * Buckets whose names begin like this are the stack's own: CloudFormation generates a bucket's name from the stack's
   * name, the bucket's id and a random ending.
   */
  readonly ownBuckets: { readonly landing: string; readonly lake: string };
  /**
   * Log groups whose names begin like this are the stack's own: those of its functions and streams, and of functions
   * that CDK adds.
   */
  readonly ownLogGroups: readonly string[];
}

export function namesOf(stackName: string): StackNames {
  const prefix = stackName.toLowerCase();
  const logGroups = `/${prefix}/`;
  const database = prefix.replaceAll('-', '_');
  return {
    database,
    icebergDatabase: icebergDatabaseOf(database),
    workgroup: prefix,
    logGroups,
    prefix,
    ownBuckets: { landing: `${prefix}-landing`, lake: `${prefix}-lake` },
    ownLogGroups: [logGroups, `/aws/lambda/${stackName}-`],
  };
}

/** Prefixes in the lake bucket. */
export const LAKE = {
  data: DATA_PREFIX,
  iceberg: ICEBERG_PREFIX,
  errors: 'errors/',
  lists: LISTS_PREFIX,
  queryResults: 'athena-results/',
  /**
   * Chosen by Lambda: an on-failure destination in S3 has no prefix option.
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
   */
  failedEvents: 'aws/lambda/async/',
} as const;
