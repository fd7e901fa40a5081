/** What functions of the direct lane may do in the lake bucket. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { LISTS_PREFIX } from '../lambdas/core/direct/batch.ts';
import { acknowledgeKeys } from './acknowledge.ts';
import type { LogFunction } from './log-function.ts';

export const LISTS = 'The lists of batches, whose names are made when they are planned.';

/** Lets `fn` write and read the lists of batches and of commits, and use the key that they are encrypted with. */
export function grantLists(fn: LogFunction, lake: IBucket, encryptionKey: IKey | undefined): void {
  const lists = `${LISTS_PREFIX}*`;
  fn.addToRolePolicy(
    new PolicyStatement({ actions: ['s3:GetObject', 's3:PutObject'], resources: [lake.arnForObjects(lists)] }),
  );
  if (encryptionKey) {
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] }),
    );
  }
  if (fn.role) acknowledgeKeys(fn.role, lake, lists, LISTS);
}

/** Lets `fn` use files below a prefix of the lake bucket, and distinguish a missing file from a forbidden one. */
export function grantFiles(
  fn: LogFunction,
  lake: IBucket,
  {
    prefix,
    actions,
    reason,
  }: { readonly prefix: string; readonly actions: readonly string[]; readonly reason: string },
): void {
  const files = `${prefix}*`;
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: actions.map((action) => `s3:${action}`),
      resources: [lake.arnForObjects(files)],
    }),
  );
  if (fn.role) acknowledgeKeys(fn.role, lake, files, reason);
  // Without this permission, S3 answers "forbidden" for a file that is not there.
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [lake.bucketArn] }));
}
