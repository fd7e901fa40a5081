/** The objects under `errors/` in the lake bucket that hold records which Firehose could not convert. */
import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { OWN } from '../../lambdas/core/tables/table.ts';
import { LAKE } from '../../lib/names.ts';
import { type FailedRecord, failedRecord } from '../operations/bisect.ts';
import type { LakeHandle } from '../operations/lake-handle.ts';
import { type ListedObject, listObjects } from '../operations/objects.ts';
import { BAD_POSITION } from './test-rows.ts';

/** An error object and the records in it. */
export interface ErrorObject {
  readonly object: ListedObject;
  readonly records: readonly FailedRecord[];
}

/** The error objects of a table that were written since a time. */
export async function errorObjects(lake: LakeHandle, table: string, since: Date): Promise<ErrorObject[]> {
  const found: ErrorObject[] = [];
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix: `${LAKE.errors}${table}/` })) {
    for (const object of page) {
      if (object.lastModified >= since) found.push({ object, records: await recordsOf(lake, object) });
    }
  }
  return found;
}

async function recordsOf({ s3 }: LakeHandle, { bucket, key }: ListedObject): Promise<FailedRecord[]> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const text = (await Body?.transformToString()) ?? '';
  return text.split('\n').flatMap((line) => (line === '' ? [] : [failedRecord(line, `s3://${bucket}/${key}`)]));
}

/** True if a row of the record has the origin. */
export function hasOrigin({ rows }: FailedRecord, origin: string): boolean {
  return rows.some((row) => row.includes(`"${OWN.origin.key}":"${origin}"`));
}

/** True if this proof or another one has put the record: an earlier one that failed leaves its own, to be looked at. */
export function isOfProof({ rows }: FailedRecord): boolean {
  return rows.some((row) => row.includes(BAD_POSITION));
}

export async function removeErrorObject({ s3 }: LakeHandle, { object }: ErrorObject): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }));
}
