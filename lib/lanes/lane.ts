import { CfnOutput, type RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { InputPlace } from '../../lambdas/core/settings.ts';
import { acknowledgeKeys } from '../acknowledge.ts';
import type { Catalog } from '../catalog.ts';
import type { Config } from '../config/config.ts';
import type { Source } from '../config/sources.ts';
import type { LakeBucket } from '../lake-bucket.ts';
import type { Ledger } from '../ledger.ts';
import type { LogFunction } from '../log-function.ts';
import type { Streams } from '../streams.ts';

/** The stack, and what its lanes share: where rows go, and what is known of them. */
export interface LaneProps {
  readonly stack: Stack;
  readonly config: Config;
  readonly catalog: Catalog;
  readonly streams: Streams;
  readonly ledger: Ledger;
  readonly lake: LakeBucket;
  readonly encryptionKey: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** A source whose inputs come as objects, and where. */
export interface ObjectInput {
  readonly source: Source;
  readonly bucket: IBucket;
  readonly prefix: string;
  readonly place: InputPlace;
  /** ARN of the key that the objects are encrypted with, if it is not S3's own. */
  readonly kmsKey: string | undefined;
}

/** An output of the stack. */
export function output(stack: Stack, id: string, value: string, description: string): void {
  new CfnOutput(stack, id, { value, description });
}

/** The tables of sources. */
export function tablesOf(sources: readonly Source[]) {
  return sources.map(({ table }) => table);
}

/** The ARN of a function's role. */
export function roleArnOf(fn: LogFunction): string {
  if (!fn.role) throw new Error(`${fn.node.path}: has no role`);
  return fn.role.roleArn;
}

/** Lets `fn` read the source's objects, and distinguish a missing object from a forbidden one. */
export function grantRead(fn: LogFunction, { source: { name }, bucket, prefix, kmsKey }: ObjectInput): void {
  const keys = `${prefix}*`;
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects(keys)] }));
  // Without this permission, S3 answers "forbidden" for a missing object.
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  if (kmsKey) fn.addToRolePolicy(new PolicyStatement({ actions: ['kms:Decrypt'], resources: [kmsKey] }));
  if (fn.role) acknowledgeKeys(fn.role, bucket, keys, `Reads the objects of the source ${name}, whatever their names.`);
}
