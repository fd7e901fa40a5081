/** Cuts what waits into batches. */
import type { Candidate } from './batch.ts';
import type { WaitingObject } from './ports.ts';

export interface CutLimits {
  /** Bytes of a finished file that a batch aims at. */
  readonly fileBytes: number;
  /** Milliseconds after which an object waits no longer for others. */
  readonly ageMs: number;
  /** Milliseconds since the epoch at which the ages are taken. */
  readonly dueAt: number;
}

/** Objects in a batch: their list must be read, and their claims made, within a minute. */
export const MAX_MEMBERS = 1000;

/**
 * Bytes of finished file for each byte of an object, as objects of generated ALB lines have it: `npm run bench` gives the
 * size of the file for each raw byte (0.106), and the gzip ratio (6.4). Files of other formats become larger, by 0.77 to
 * 0.97 for each compressed byte. The figures only decide how large files become.
 */
export const FILE_BYTES = { compressed: 0.68, plain: 0.106 } as const;
const COMPRESSED = /\.(?:gz|gzip|zst|zstd)$/;

/** Bytes that an object will probably take in a file. */
export function fileBytesOf({ key, size }: Candidate): number {
  return size * (COMPRESSED.test(key) ? FILE_BYTES.compressed : FILE_BYTES.plain);
}

/**
 * Full batches, and one of what is left if its oldest object has waited long enough.
 *
 * @param waiting oldest first
 */
export function cut(waiting: readonly WaitingObject[], { fileBytes, ageMs, dueAt }: CutLimits): Candidate[][] {
  const batches: Candidate[][] = [];
  let open: WaitingObject[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length > 0) batches.push(open.map(({ candidate }) => candidate));
    open = [];
    bytes = 0;
  };
  for (const object of waiting) {
    const more = fileBytesOf(object.candidate);
    if (bytes + more > fileBytes || open.length >= MAX_MEMBERS) close();
    open.push(object);
    bytes += more;
    if (bytes >= fileBytes) close();
  }
  const [oldest] = open;
  if (oldest && Date.parse(oldest.since) + ageMs <= dueAt) close();
  return batches;
}
