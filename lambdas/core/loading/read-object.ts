/** Reads the bytes of an object. */
import { decompress } from '../lines/decompress.ts';
import { gzipRecords } from '../lines/gzip-records.ts';
import { UnreadableError } from '../lines/unreadable.ts';
import { textOf } from '../lines/utf8.ts';
import type { Lane } from '../tables/table.ts';
import { UnavailableError, type UnavailableReason } from './unavailable.ts';

/**
 * Opens an object; it returns undefined if another object has been written under the key.
 *
 * @throws UnavailableError if S3 does not give the object
 */
export type OpenObject = () => Promise<AsyncIterable<Uint8Array> | undefined>;

/** The object's bytes, or why there are none. */
export async function bodyOf(open: OpenObject): Promise<AsyncIterable<Uint8Array> | 'replaced' | UnavailableReason> {
  try {
    return (await open()) ?? 'replaced';
  } catch (error) {
    if (error instanceof UnavailableError) return error.reason;
    throw error;
  }
}

export function isUnavailable(body: unknown): body is UnavailableReason {
  return body === 'gone' || body === 'archived';
}

/** Takes the bytes of an object: to load its lines, or to check them for duplicates. */
export interface ObjectSink {
  push(chunk: Uint8Array): void;
  end(): void;
  breakOff(reason: string, detail: string, rest?: string): void;
  /** Takes a payload of an object of payloads, and a part of such an object that could not be decompressed. */
  readPayload(json: Buffer): void;
  rejectPart(reason: string, detail: string, shown: string): void;
  /** A checksum has proved right what came so far. */
  verified?(): void;
}

/**
 * Reads an object to its end. If it was received completely but its compression is broken, or is a decompression bomb,
 * it ends with one rejected line; so does an object without lines of text, such as an archive. The objects of a source of
 * log events are gzipped payloads, each of which stands for itself: a broken one is one rejected line, and the others are
 * read.
 *
 * @param open opens the object again, if its bytes must be read from the start once more
 * @param taken is awaited after each chunk or payload; false ends reading
 * @returns false if `taken` ended it
 */
export async function readObject(
  sink: ObjectSink,
  body: AsyncIterable<Uint8Array>,
  open: OpenObject,
  taken: () => Promise<boolean>,
  lane: Lane = 'objects',
): Promise<boolean> {
  try {
    if (lane === 'events') {
      for await (const record of gzipRecords(body)) {
        if (record.kind === 'record') sink.readPayload(record.bytes);
        else sink.rejectPart('broken_gzip', record.detail, textOf(record.shown));
        if (!(await taken())) return false;
      }
    } else {
      for await (const chunk of decompress(body, open, () => sink.verified?.())) {
        sink.push(chunk);
        if (!(await taken())) return false;
      }
    }
    sink.end();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    sink.breakOff(error.reason, error.message, error.raw);
  }
  return true;
}
