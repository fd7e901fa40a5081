/** Objects of the sources' buckets, and the queue through which they are loaded. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type _Object,
  HeadObjectCommand,
  type ListObjectsV2CommandInput,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { type EntryPlaces, entryPlaces, type ObjectId } from '../../lambdas/core/loading/input.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { type CreatedObject, continuation } from '../../lambdas/core/loading/notification.ts';
import { sourceOfObject } from '../../lambdas/core/loading/sources.ts';
import { CommandError } from '../output/command-error.ts';
import { quantity } from '../output/render.ts';
import type { LakeHandle } from './lake-handle.ts';

/** An object in a listing of its bucket. */
export interface ListedObject extends CreatedObject {
  readonly lastModified: Date;
  /** In a storage class from which S3 gives an object only after it was restored, and not restored. */
  readonly archived: boolean;
}

/** What to list: the keys after `after`, or all keys. */
export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly after?: string;
}

/** Lists objects in the order of their keys, page by page. */
export async function* listObjects(lake: Pick<LakeHandle, 's3'>, listing: Listing): AsyncGenerator<ListedObject[]> {
  const { bucket, prefix, after } = listing;
  const input: ListObjectsV2CommandInput = {
    Bucket: bucket,
    Prefix: prefix,
    OptionalObjectAttributes: ['RestoreStatus'],
    ...(after !== undefined && { StartAfter: after }),
  };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: lake.s3 }, input)) {
    yield Contents.map((object) => {
      const { Key = '', ETag = '', Size = 0, LastModified = new Date(0) } = object;
      return {
        bucket,
        key: Key,
        // Notifications contain the ETag without quotes.
        etag: ETag.replaceAll('"', ''),
        size: Size,
        lastModified: LastModified,
        modified: LastModified.toISOString(),
        archived: isArchived(object),
      };
    });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html */
function isArchived({ StorageClass, RestoreStatus }: _Object): boolean {
  if (StorageClass !== 'GLACIER' && StorageClass !== 'DEEP_ARCHIVE') return false;
  return RestoreStatus?.RestoreExpiryDate === undefined;
}

/** Whether an object is there with the bytes that it had. */
export async function isThere({ s3 }: Pick<LakeHandle, 's3'>, { bucket, key, etag }: ObjectId): Promise<boolean> {
  const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).catch(nothingIfMissing);
  return found?.ETag?.replaceAll('"', '') === etag;
}

/** For a request that asks for an object which may not be there. */
export function nothingIfMissing(error: Error): undefined {
  if (error.name === 'NoSuchKey' || error.name === 'NotFound') return undefined;
  throw error;
}

/** An object that a source loads. */
export interface SourceObject extends EntryPlaces {
  readonly object: ListedObject;
  readonly source: Source;
}

/** The object and the source that loads it; undefined if no source does. */
export function asSourceObject(lake: LakeHandle, object: ListedObject): SourceObject | undefined {
  const match = sourceOfObject(lake.sources, object);
  if (match.outcome === 'skipped') return undefined;
  const { source } = match;
  return { object, source, ...entryPlaces(source.settings.name, object) };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
export const MAX_BATCH_MESSAGES = 10;
const MAX_ATTEMPTS = 6;

/**
 * Announces at most `MAX_BATCH_MESSAGES` objects to the lake's queue, so that they are loaded.
 *
 * @param backfill whether they are asked for even if they are older than the ledger's memory
 */
export function announce(lake: LakeHandle, objects: readonly SourceObject[], backfill: boolean): Promise<void> {
  return sendMessages(
    lake,
    queueOf(lake),
    objects.map(({ object }) => continuation({ ...object, backfill })),
  );
}

/**
 * Sends at most `MAX_BATCH_MESSAGES` messages to a queue. Resolves after SQS has accepted all of them.
 *
 * @throws CommandError if SQS does not accept a message
 */
export async function sendMessages(lake: LakeHandle, QueueUrl: string, bodies: readonly string[]): Promise<void> {
  let left = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  for (let attempt = 1; left.length > 0; attempt++) {
    const { Failed = [] } = await lake.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: left }));
    const failed = new Set(Failed.map(({ Id }) => Id));
    left = left.filter(({ Id }) => failed.has(Id));
    const [first] = Failed;
    if (first && (attempt === MAX_ATTEMPTS || first.SenderFault)) {
      throw new CommandError(
        `queue ${QueueUrl}: ${quantity(left.length, 'message')} not accepted: ${first.Code} ${first.Message ?? ''}`,
      );
    }
    if (left.length > 0) await sleep(100 * 2 ** attempt);
  }
}

/** URL of the lake's queue. @throws CommandError if no source has objects */
function queueOf({ queueUrl }: LakeHandle): string {
  if (queueUrl === undefined)
    throw new CommandError('this lake has no queue, because none of its sources loads objects');
  return queueUrl;
}
