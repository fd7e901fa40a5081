/** Reads the bytes of an object into a LineBatcher. */
import { decompress } from '../lines/decompress.ts';
import { UnreadableError } from '../lines/unreadable.ts';
import type { LineBatcher } from './line-batcher.ts';
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

/**
 * Reads an object to its end. If it was received completely but its compression is broken, or is a decompression bomb,
 * it ends with one rejected line; so does an object without lines of text, such as an archive.
 *
 * @param open opens the object again, if its bytes must be read from the start once more
 * @param taken is awaited after each chunk; false ends reading
 * @returns false if `taken` ended it
 */
export async function readObject(
  batcher: LineBatcher,
  body: AsyncIterable<Uint8Array>,
  open: OpenObject,
  taken: () => Promise<boolean>,
): Promise<boolean> {
  try {
    for await (const chunk of decompress(body, open, () => batcher.verified())) {
      batcher.push(chunk);
      if (!(await taken())) return false;
    }
    batcher.end();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    batcher.breakOff(error.reason, error.message, error.raw);
  }
  return true;
}
