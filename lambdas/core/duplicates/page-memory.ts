/**
 * Memory of pages that were written or counted, for those to come. For every few MB of new memory the garbage collector
 * looks through the whole heap, which took a twentieth of the check's time.
 */

/** Sizes are rounded up to whole steps, so that a page's memory fits others of about its size. */
const STEP_BYTES = 4096;
/** Most that is kept: what the pages of a batch of objects have, and then some. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024;

/** By size. */
const spare = new Map<number, Set<ArrayBufferLike>>();
let spareBytes = 0;
/** Handed out here: what came from elsewhere is somebody else's. */
const ours = new WeakSet<ArrayBufferLike>();

/** Memory of `bytes` at least, with anything in it. */
export function pageMemory(bytes: number): ArrayBufferLike {
  const size = Math.max(1, Math.ceil(bytes / STEP_BYTES)) * STEP_BYTES;
  const alike = spare.get(size);
  const [memory] = alike ?? [];
  if (memory) {
    alike?.delete(memory);
    spareBytes -= size;
    return memory;
  }
  const fresh = new ArrayBuffer(size);
  ours.add(fresh);
  return fresh;
}

/** Nobody looks at a page's fingerprints any more: its memory serves another. */
export function pageDone({ buffer }: Uint8Array): void {
  const size = buffer.byteLength;
  if (!ours.has(buffer) || spare.get(size)?.has(buffer)) return;
  if (spareBytes + size > MAX_SPARE_BYTES) {
    // What nobody has asked for must not keep out what somebody will.
    spare.clear();
    spareBytes = 0;
  }
  spare.set(size, (spare.get(size) ?? new Set()).add(buffer));
  spareBytes += size;
}
