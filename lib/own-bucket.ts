import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucketPolicy,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/**
 * What CDK's function calls to empty a bucket, in place of the wildcard actions that CDK allows it. It first denies new
 * objects by the bucket's policy, so that the bucket stays empty until it is deleted.
 */
const EMPTYING = [
  's3:GetBucketTagging',
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:ListBucketVersions',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
];

/**
 * A bucket of the stack, private and reached over TLS only. If the stack's data is to be destroyed, the bucket is emptied
 * and deleted with the stack.
 */
export class OwnBucket extends Bucket {
  constructor(scope: Construct, id: string, props: BucketProps & { readonly removalPolicy: RemovalPolicy }) {
    const destroyed = props.removalPolicy === RemovalPolicy.DESTROY;
    super(scope, id, {
      ...props,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      autoDeleteObjects: destroyed,
    });
    if (destroyed) this.#allowOnlyEmptying();
  }

  /** CDK's own statement allows `s3:List*` and other wildcards. */
  #allowOnlyEmptying(): void {
    const document = this.policy?.document.toJSON() as { readonly Statement: readonly { readonly Action: unknown }[] };
    const index = document.Statement.findIndex(({ Action }) => [Action].flat().includes('s3:DeleteObject*'));
    const policy = this.policy?.node.defaultChild as CfnBucketPolicy;
    policy.addPropertyOverride(`PolicyDocument.Statement.${index}.Action`, EMPTYING);
  }
}

/** How a bucket encrypts its objects: with a key, or with S3's own. */
export function encryptionWith(
  encryptionKey: IKey | undefined,
): Pick<BucketProps, 'encryption' | 'encryptionKey' | 'bucketKeyEnabled'> {
  return encryptionKey
    ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
    : { encryption: BucketEncryption.S3_MANAGED };
}
