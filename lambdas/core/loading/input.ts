import { createHash } from 'node:crypto';

/**
 * Bytes of the hash that an origin keeps: 72 bits, which are twelve characters in every row. With 160,000 objects a day
 * for a year, the chance that any two of them have the same origin is below one in a million.
 */
const ORIGIN_BYTES = 9;

/** Identifies one version of an S3 object. It is the same in every delivery of the object's notification. */
export interface ObjectId {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
}

/** Identifies one CloudWatch subscription payload. It is the same in every retry of the payload's invocation. */
export interface PayloadId {
  /** AWS account of the log group. */
  readonly owner: string;
  readonly logGroup: string;
  readonly logStream: string;
  /** Name of the subscription filter; several names are separated by commas. */
  readonly filter: string;
  readonly firstEventId: string;
  readonly lastEventId: string;
  /** Number of log events. */
  readonly events: number;
}

/**
 * The values that identify an input (an S3 object or a CloudWatch subscription payload) of a source, in a fixed order.
 * The input's origin and the id of its ledger entry are hashes of this key.
 */
export type InputKey = readonly (string | number)[];

export function objectInputKey(source: string, { bucket, key, etag }: ObjectId): InputKey {
  return [source, bucket, key, etag];
}

/**
 * Id of the ledger's item of a bucket and key for a source, whatever the version of the object (versions.ts). No source
 * can have a name with a space, so it is never the id of an input's own entry.
 */
export function keyItemId(source: string, { bucket, key }: Pick<ObjectId, 'bucket' | 'key'>): string {
  return entryIdOf(['latest version', source, bucket, key]);
}

/** Where the ledger may have the entry of a version of an object (versions.ts). */
export interface EntryPlaces {
  /** Id of an entry of its own. */
  readonly id: string;
  /** Id of the item of its key, which is the entry of one version of the object on the direct lane. */
  readonly keyId: string;
  readonly origin: string;
}

export function entryPlaces(source: string, object: ObjectId): EntryPlaces {
  const inputKey = objectInputKey(source, object);
  return { id: entryIdOf(inputKey), keyId: keyItemId(source, object), origin: originOf(inputKey) };
}

export function payloadInputKey(source: string, id: PayloadId): InputKey {
  const { owner, logGroup, logStream, filter, firstEventId, lastEventId, events } = id;
  return [source, filter, owner, logGroup, logStream, firstEventId, lastEventId, events];
}

/** The short id of an input, which is in every row. */
export function originOf(inputKey: InputKey): string {
  return digest(inputKey).subarray(0, ORIGIN_BYTES).toString('base64url');
}

/** Id of an input's ledger entry: a whole SHA-256 hash, because a collision in the ledger would skip an input. */
export function entryIdOf(inputKey: InputKey): string {
  return digest(inputKey).toString('base64url');
}

function digest(inputKey: InputKey): Buffer {
  // As JSON, different keys always have different texts; joined parts could not guarantee that.
  return createHash('sha256').update(JSON.stringify(inputKey)).digest();
}
