import { arnOf, REGION } from '../account.ts';
import type { Caller } from '../iam/caller.ts';
import { requireDeployable } from '../iam/needs.ts';
import type { BucketKeys } from '../s3/access.ts';
import type { StreamSettings } from './settings.ts';

/**
 * Requires what Firehose's guide asks of the role of a stream. Files are named when they are delivered, so what is asked here
 * is about a file that could be.
 *
 * https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
 * @throws TemplateError naming what the role may not do
 */
export function requireDelivery(caller: Caller, stream: StreamSettings, keys: BucketKeys): void {
  const { name, bucket, conversion, log } = stream;
  const what = `stream ${name}`;
  const arn = `arn:aws:s3:::${bucket}`;
  requireDeployable(caller, what, ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], arn);
  const facts = { arrival: Date.now(), random: 'file' };
  for (const prefix of [stream.prefix(facts), stream.errorPrefix(facts)]) {
    const actions = ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'];
    requireDeployable(caller, what, actions, `${arn}/${prefix}file`);
  }
  const key = keys.get(bucket);
  if (key !== undefined) {
    const context = { 'kms:ViaService': `s3.${REGION}.amazonaws.com` };
    requireDeployable(caller, what, ['kms:Decrypt', 'kms:GenerateDataKey'], key, context);
  }
  if (log) {
    const resource = arnOf('logs', `log-group:${log.LogGroupName}:log-stream:${log.LogStreamName}`);
    requireDeployable(caller, what, ['logs:PutLogEvents'], resource);
  }
  if (!conversion) return;
  const { database, name: table } = conversion.table;
  for (const place of ['catalog', `database/${database}`, `table/${database}/${table}`]) {
    const actions = ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'];
    requireDeployable(caller, what, actions, arnOf('glue', place));
  }
}
