import { createHash } from 'node:crypto';

/**
 * Bytes of the hash an origin keeps. 72 bits: at 160,000 objects a day for a year, the chance that any
 * two share an origin is below one in a million. Twelve characters in every row.
 */
const ORIGIN_BYTES = 9;

/** Identity of one version of an object, the same at every delivery of its notification. */
export interface ObjectId {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
}

/** Identity of one subscription payload, the same at every retry of its invocation. */
export interface PayloadId {
  readonly owner: string;
  readonly logGroup: string;
  readonly logStream: string;
  readonly filter: string;
  readonly firstEventId: string;
  readonly lastEventId: string;
  readonly events: number;
}

export function objectOrigin(source: string, { bucket, key, etag }: ObjectId): string {
  return origin([source, bucket, key, etag]);
}

export function payloadOrigin(source: string, id: PayloadId): string {
  const { owner, logGroup, logStream, filter, firstEventId, lastEventId, events } = id;
  return origin([source, filter, owner, logGroup, logStream, firstEventId, lastEventId, events]);
}

function origin(parts: readonly (string | number)[]): string {
  // JSON and not a join: no two lists of parts give one text.
  return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, ORIGIN_BYTES).toString('base64url');
}
