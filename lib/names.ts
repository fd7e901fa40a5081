/** Names the stack gives, where CloudFormation does not make one up. */

/** Of the stack and its construct. */
export const STACK = 'Tributary';

/** Of the Glue database and the Athena workgroup. */
export const DATABASE = 'tributary';
export const WORKGROUP = 'tributary';

/** Log groups of the stack's functions and streams begin so. */
export const LOG_GROUPS = '/tributary/';

/** Where things lie in the lake bucket. */
export const LAKE = {
  data: 'data/',
  errors: 'errors/',
  queryResults: 'athena-results/',
  /** Lambda's own choice: an on-failure destination in S3 takes no prefix. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  failedEvents: 'aws/lambda/async/',
} as const;

/**
 * Buckets named so are the stack's own: CloudFormation makes a bucket's name of the stack's, the
 * bucket's and something random.
 */
export const OWN_BUCKETS = { landing: 'tributary-landing', lake: 'tributary-lake' } as const;

/** Log groups named so are the stack's own: its functions and streams, and what CDK brings along. */
export const OWN_LOG_GROUPS = [LOG_GROUPS, '/aws/lambda/Tributary-'] as const;
