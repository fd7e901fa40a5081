import { REGION } from '../account.ts';
import { type Caller, requireAccess } from '../iam/caller.ts';

/**
 * Which permissions the operations need, by method, what the path names, and the query that selects them. DeleteObjects needs
 * one for each key (delete-objects.ts).
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
const ACTIONS: Readonly<Record<string, string>> = {
  'HEAD bucket': 's3:ListBucket',
  'GET bucket': 's3:ListBucket',
  'HEAD object': 's3:GetObject',
  'GET object': 's3:GetObject',
  'PUT object': 's3:PutObject',
  'DELETE object': 's3:DeleteObject',
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
  'POST object?uploads': 's3:PutObject',
  'PUT object?uploadId': 's3:PutObject',
  'POST object?uploadId': 's3:PutObject',
  'DELETE object?uploadId': 's3:AbortMultipartUpload',
  'GET object?uploadId': 's3:ListMultipartUploadParts',
  'GET bucket?uploads': 's3:ListBucketMultipartUploads',
};

/**
 * What operations that write need of the key that a bucket is encrypted with. Whoever reads an object needs `kms:Decrypt`.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
const KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'PUT object': ['kms:GenerateDataKey'],
  'POST object?uploads': ['kms:GenerateDataKey'],
  'PUT object?uploadId': ['kms:GenerateDataKey', 'kms:Decrypt'],
  'POST object?uploadId': ['kms:Decrypt'],
};

/** The keys of AWS KMS that buckets are encrypted with, by bucket; S3's own need no permission. */
export type BucketKeys = ReadonlyMap<string, string>;

/** Someone who asks S3. */
export interface S3Caller {
  /** @throws AccessDenied if the caller may not do what the request asks for */
  require(operation: string, bucket: string, key: string): void;
  /** @throws AccessDenied if the caller may not decrypt the objects of a bucket */
  requireDecrypt(bucket: string): void;
  /** @throws AccessDenied if the caller may not delete an object */
  requireDelete(bucket: string, key: string): void;
  /**
   * S3 says that an object is missing only to those who may list the bucket.
   *
   * @throws AccessDenied if the caller may not
   */
  requireMissing(bucket: string): void;
}

export function s3Caller(caller: Caller, keys: BucketKeys): S3Caller {
  const require = (action: string, bucket: string, key = '') =>
    requireAccess(caller, { action, resource: `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}` });
  const requireKey = (action: string, bucket: string) => {
    const resource = keys.get(bucket);
    if (resource === undefined) return;
    requireAccess(caller, { action, resource, context: { 'kms:ViaService': `s3.${REGION}.amazonaws.com` } });
  };
  return {
    require: (operation, bucket, key) => {
      const action = ACTIONS[operation];
      if (action !== undefined) require(action, bucket, key);
      for (const keyAction of KEY_ACTIONS[operation] ?? []) requireKey(keyAction, bucket);
    },
    requireDecrypt: (bucket) => requireKey('kms:Decrypt', bucket),
    requireDelete: (bucket, key) => require('s3:DeleteObject', bucket, key),
    requireMissing: (bucket) => require('s3:ListBucket', bucket),
  };
}
