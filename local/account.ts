/** The account and Region of the local endpoints: AWS's own example account. */
export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';

/** The ARN of a resource of the local account. */
export function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

/** The ARN of a role or a policy of the local account, which is of no Region. */
export function iamArn(kind: 'role' | 'policy', name: string): string {
  return `arn:aws:iam::${ACCOUNT}:${kind}/${name}`;
}

/** The name at the end of an ARN: of a queue, topic, function, stream or bucket. */
export function nameOfArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1);
}
