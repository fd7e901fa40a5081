import { z } from 'zod';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';

const encryption = z.object({
  ServerSideEncryptionByDefault: z.object({ SSEAlgorithm: z.string(), KMSMasterKeyID: z.string().optional() }),
});
const bucketProperties = z.object({
  BucketEncryption: z
    .object({ ServerSideEncryptionConfiguration: z.array(encryption).default([]) })
    .default({ ServerSideEncryptionConfiguration: [] }),
});

/** The keys of AWS KMS that the buckets of a stack are encrypted with, by bucket. Of other buckets nothing is known. */
export function bucketKeysOf(resources: readonly Resource[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const bucket of resources.filter(({ type }) => type === 'AWS::S3::Bucket')) {
    const { BucketEncryption } = propertiesOf(bucket, bucketProperties);
    const [rule] = BucketEncryption.ServerSideEncryptionConfiguration;
    const key = rule?.ServerSideEncryptionByDefault.KMSMasterKeyID;
    if (key !== undefined) keys.set(bucket.localName, key);
  }
  return keys;
}
