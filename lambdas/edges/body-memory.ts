/**
 * Memory of request bodies that were sent, for those to come: see `recycle` in core/pack.ts. As many as are under
 * way at once.
 */
const spare = new Set<ArrayBufferLike>();

/** Bodies of full batches are all but alike: a little more makes one fit the next. */
const SPARE_BYTES = 16 * 1024;

/** Memory of `size` bytes at least. */
export function bodyMemory(size: number): Buffer {
  // The last to come is used first, so that no more of them are ever touched than are needed at once.
  for (const memory of [...spare].reverse()) {
    spare.delete(memory);
    if (memory.byteLength >= size) return Buffer.from(memory);
  }
  return Buffer.allocUnsafeSlow(size + SPARE_BYTES);
}

/** Gives the memory of a body back. Only after the service has read all of it: until then the connection may not be through with it. */
export function bodySent({ buffer }: Buffer): void {
  spare.add(buffer);
}
