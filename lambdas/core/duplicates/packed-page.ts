/**
 * The bytes of a page: how many fingerprints it holds, the lower 32 bits of each, and how far its upper 16 are from those
 * of the one before, in a byte; a byte of 255 stands for as much and for no fingerprint. Bytes are little-endian, as
 * those of every processor the functions run on.
 *
 *   count (4 bytes) │ lower 32 bits of each (4 bytes each) │ steps of the upper 16 (1 byte each, and those that are 255)
 *
 * Sorted hashes come close to each other: of 2,000 in a minute each is told by 5 bytes instead of 6, where 4.8
 * could tell them at best (https://en.wikipedia.org/wiki/Golomb_coding). What is written is what the check costs.
 */

import { pageMemory } from './page-memory.ts';
import { FINGERPRINT_WORDS, lowerOf, UPPER_VALUES, upperOf } from './record-key.ts';

const COUNT_BYTES = 4;
const LOWER_BYTES = 4;
const STEP_BYTES = 1;
/** Further than that takes another byte. */
const LONGEST_STEP = 255;

/** A page of none. */
export const EMPTY_PAGE = new Uint8Array(COUNT_BYTES);

/** Bytes of so many fingerprints at most. */
export function mostPackedBytes(count: number): number {
  return COUNT_BYTES + (LOWER_BYTES + STEP_BYTES) * count + Math.floor((UPPER_VALUES - 1) / LONGEST_STEP);
}

/** And on average: steps are as long as waits for chance events are. A sample has the lowest hashes only. */
export function packedBytes(count: number, sampleRate = 1): number {
  const long = count / Math.expm1((LONGEST_STEP * (count + 1)) / (UPPER_VALUES * sampleRate));
  return COUNT_BYTES + (LOWER_BYTES + STEP_BYTES) * count + long;
}

/**
 * @param words sorted fingerprints, two words of each, the low one first
 * @returns a page of them, in memory that `pageDone` takes back
 */
export function pack(words: Uint32Array): Uint8Array {
  const count = words.length / FINGERPRINT_WORDS;
  const memory = pageMemory(mostPackedBytes(count));
  const lower = new Uint32Array(memory, 0, 1 + count);
  const bytes = new Uint8Array(memory);
  lower[0] = count;
  let put = lower.byteLength;
  let upper = 0;
  for (let index = 0, at = 0; index < count; index++, at += FINGERPRINT_WORDS) {
    lower[index + 1] = lowerOf(words, at);
    const next = upperOf(words, at);
    let step = next - upper;
    for (; step >= LONGEST_STEP; step -= LONGEST_STEP) bytes[put++] = LONGEST_STEP;
    bytes[put++] = step;
    upper = next;
  }
  return bytes.subarray(0, put);
}

/** A page's fingerprints, one after the other, the least first. */
export class PackedPage {
  /** How many there are. */
  readonly count: number;
  /** How many were passed. */
  passed = 0;
  /** Upper 16 bits of the one that is come to; above all of them at the end. */
  upper = 0;
  readonly #lower: Uint32Array;
  readonly #steps: Uint8Array;
  #at = 0;

  /** @throws RangeError where the bytes are no page, here or when it is gone through */
  constructor(page: Uint8Array) {
    // What an array of words looks at begins at a whole one.
    const { buffer, byteOffset, byteLength } = page.byteOffset % LOWER_BYTES === 0 ? page : Uint8Array.from(page);
    const [count = 0] = byteLength < COUNT_BYTES ? [] : new Uint32Array(buffer, byteOffset, 1);
    const from = COUNT_BYTES + count * LOWER_BYTES;
    if (byteLength < from + count * STEP_BYTES) {
      throw new RangeError(`page: expected ${from + count * STEP_BYTES} bytes at least, got ${byteLength}`);
    }
    this.count = count;
    this.#lower = new Uint32Array(buffer, byteOffset + COUNT_BYTES, count);
    this.#steps = new Uint8Array(buffer, byteOffset + from, byteLength - from);
    this.#step();
  }

  /** Lower 32 bits of the one that is come to. */
  get lower(): number {
    return this.#lower[this.passed] as number;
  }

  /** Goes on to the next. */
  next(): void {
    this.passed++;
    this.#step();
  }

  #step(): void {
    if (this.passed === this.count) {
      this.upper = UPPER_VALUES;
      return;
    }
    const steps = this.#steps;
    let step = steps[this.#at++];
    for (; step === LONGEST_STEP; step = steps[this.#at++]) this.upper += LONGEST_STEP;
    if (step === undefined) throw new RangeError(`page: expected ${this.count} steps, got ${this.passed}`);
    this.upper += step;
    if (this.upper >= UPPER_VALUES)
      throw new RangeError(`page: expected upper bits below ${UPPER_VALUES}, got ${this.upper}`);
  }
}
