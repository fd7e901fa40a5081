import { CfnResource, Stack, Token, Validations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges that `role` may use all keys of `bucket` that `pattern` (ending with `*`) matches: the security rules
 * require a reason for each wildcard.
 */
export function acknowledgeKeys(role: IConstruct, bucket: IBucket, pattern: string, reason: string): void {
  const own = bucket.node.defaultChild;
  const arn = CfnResource.isCfnResource(own)
    ? `<${Token.asString(Stack.of(own).resolve(own.logicalId))}.Arn>`
    : `arn:<AWS::Partition>:s3:::${bucket.bucketName}`;
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${arn}/${pattern}]`, reason });
}
