/**
 * The memory of one Parquet file that is being written. It grows as it is needed, so that a small file takes little.
 * Every file has an instance of this module, whose memory goes with it.
 *
 * Conventions in all files of this folder: `p` is an address that is read from, `o` an address that is written to, and
 * `end` is exclusive. Reads and writes take 16 bytes or more at a time and may go beyond the text they are for, by less
 * than SLACK bytes.
 */

/** Bytes at the end of each block that are never used: reads and writes may go so far beyond the others. */
export const SLACK: usize = 64;

/** Blocks have a size of 2^12 bytes or more, each a power of two. A released block is the next one of its size. */
const SMALLEST_POWER: u32 = 12;
/** By the power: the address of a free block, which begins with the address of the next one; 0 at the end. */
const FREE: usize = memory.data(32 * 4);
let top: usize = (__heap_base + 63) & ~63;

/** A part of the memory that can grow. Its address changes then. */
@unmanaged
export class Block {
  at: usize;
  size: usize;
}

/** Takes bytes that are never released. They are zeros. */
export function take(bytes: usize): usize {
  const at = top;
  top = (at + bytes + 63) & ~63;
  const pages = <i32>((top + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return at;
}

export function newBlock(): Block {
  return changetype<Block>(take(offsetof<Block>()));
}

/**
 * Makes sure that a block has room for some bytes, besides SLACK.
 *
 * @param kept bytes of its content that are kept if it has to grow
 * @returns the address of the block
 */
// @ts-ignore: decorator
@inline
export function reserve(block: Block, bytes: usize, kept: usize): usize {
  return bytes + SLACK <= block.size ? block.at : grow(block, bytes, kept);
}

function grow(block: Block, bytes: usize, kept: usize): usize {
  const power = max(SMALLEST_POWER, 32 - <u32>clz<u32>(<u32>(bytes + SLACK - 1)));
  const list = FREE + <usize>power * 4;
  let at = <usize>load<u32>(list);
  if (at != 0) store<u32>(list, load<u32>(at));
  else at = take(<usize>1 << power);
  if (block.size > 0) {
    memory.copy(at, block.at, kept);
    release(block);
  }
  block.at = at;
  block.size = <usize>1 << power;
  return at;
}

/** Gives a block's memory back; the block is empty then. */
export function release(block: Block): void {
  if (block.size == 0) return;
  const list = FREE + <usize>ctz<u32>(<u32>block.size) * 4;
  store<u32>(block.at, load<u32>(list));
  store<u32>(list, <u32>block.at);
  block.at = 0;
  block.size = 0;
}
