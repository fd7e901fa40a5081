/**
 * A pool for the memory of pages: memory of pages that were written or counted is used for new ones. Without it, every
 * few MB of new memory make the garbage collector scan the whole heap, which took a twentieth of the check's time.
 */

/** Sizes are rounded up to whole steps, so that a page's memory fits others of about its size. */
const STEP_BYTES = 4096;
/** Most bytes kept: somewhat more than the pages of a batch of objects need. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024;

/** Free memory, by size. */
const spare = new Map<number, Set<ArrayBufferLike>>();
let spareBytes = 0;
/** Memory that this pool has allocated. The pool must not take other memory, whose owner may still use it. */
const allocatedHere = new WeakSet<ArrayBufferLike>();

/** Memory of at least `bytes` bytes, with arbitrary contents. */
export function pageMemory(bytes: number): ArrayBufferLike {
  const size = Math.max(1, Math.ceil(bytes / STEP_BYTES)) * STEP_BYTES;
  const sameSize = spare.get(size);
  const [memory] = sameSize ?? [];
  if (memory) {
    sameSize?.delete(memory);
    spareBytes -= size;
    return memory;
  }
  const fresh = new ArrayBuffer(size);
  allocatedHere.add(fresh);
  return fresh;
}

/** Gives the memory of a page's fingerprints back to the pool. The caller must not use them any more. */
export function pageDone({ buffer }: Uint8Array): void {
  const size = buffer.byteLength;
  if (!allocatedHere.has(buffer) || spare.get(size)?.has(buffer)) return;
  if (spareBytes + size > MAX_SPARE_BYTES) {
    // The pool is full of sizes that are no longer requested: drop them all.
    spare.clear();
    spareBytes = 0;
  }
  spare.set(size, (spare.get(size) ?? new Set()).add(buffer));
  spareBytes += size;
}
