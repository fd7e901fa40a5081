import { createHash } from 'node:crypto';

/**
 * Bytes of the hash an origin keeps. 72 bits: at 160,000 objects a day for a year, the chance that any
 * two share an origin is below one in a million. Twelve characters in every row.
 */
const ORIGIN_BYTES = 9;

/** InputKey of one version of an object, the same at every delivery of its notification. */
export interface ObjectId {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
}

/** InputKey of one subscription payload, the same at every retry of its invocation. */
export interface PayloadId {
  readonly owner: string;
  readonly logGroup: string;
  readonly logStream: string;
  readonly filter: string;
  readonly firstEventId: string;
  readonly lastEventId: string;
  readonly events: number;
}

/** What makes a thing to load itself and no other, in order; both its origin and its ledger entry derive from it. */
export type InputKey = readonly (string | number)[];

export function objectInputKey(source: string, { bucket, key, etag }: ObjectId): InputKey {
  return [source, bucket, key, etag];
}

export function payloadInputKey(source: string, id: PayloadId): InputKey {
  const { owner, logGroup, logStream, filter, firstEventId, lastEventId, events } = id;
  return [source, filter, owner, logGroup, logStream, firstEventId, lastEventId, events];
}

/** The short id that rows carry. */
export function originOf(inputKey: InputKey): string {
  return digest(inputKey).subarray(0, ORIGIN_BYTES).toString('base64url');
}

/** The ledger's key: a whole SHA-256, because a collision there would skip an object. */
export function entryIdOf(inputKey: InputKey): string {
  return digest(inputKey).toString('base64url');
}

function digest(inputKey: InputKey): Buffer {
  // JSON and not a join: no two lists of parts give one text.
  return createHash('sha256').update(JSON.stringify(inputKey)).digest();
}
