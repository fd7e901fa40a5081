/** Names that the stack sets, instead of leaving them to CloudFormation. */

/** Name of the stack and its construct. */
export const STACK = 'Tributary';

/** Names of the Glue database and the Athena workgroup. */
export const DATABASE = 'tributary';
export const WORKGROUP = 'tributary';

/** Prefix of the log groups of the stack's functions and streams. */
export const LOG_GROUPS = '/tributary/';

/** Prefixes in the lake bucket. */
export const LAKE = {
  data: 'data/',
  errors: 'errors/',
  queryResults: 'athena-results/',
  /**
   * Chosen by Lambda: an on-failure destination in S3 has no prefix option.
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
   */
  failedEvents: 'aws/lambda/async/',
} as const;

/**
 * Buckets whose names begin like this are the stack's own: CloudFormation generates a bucket's name from the stack's
 * name, the bucket's id and a random ending.
 */
export const OWN_BUCKETS = { landing: 'tributary-landing', lake: 'tributary-lake' } as const;

/**
 * Log groups whose names begin like this are the stack's own: those of its functions and streams, and of functions that
 * CDK adds.
 */
export const OWN_LOG_GROUPS = [LOG_GROUPS, '/aws/lambda/Tributary-'] as const;
