/**
 * The bytes of a page: the number of fingerprints, the lower 32 bits of each, then the step from the upper 16 bits of
 * one fingerprint to those of the next, one byte each. 255 is a continuation byte: add 255 and read on. Integers are
 * little-endian, as on every processor that the functions run on.
 *
 *   count (4 bytes) │ lower 32 bits of each (4 bytes each) │ steps of the upper 16 bits (1 byte or more each)
 *
 * Sorted hashes are close to each other: with 2,000 in a minute, each takes 5 bytes instead of 6; the best possible
 * code takes 4.8 (https://en.wikipedia.org/wiki/Golomb_coding). The bytes written are most of the check's cost.
 */

import { pageMemory } from './page-memory.ts';
import { FINGERPRINT_WORDS, lowerOf, UPPER_VALUES, upperOf } from './record-key.ts';

const COUNT_BYTES = 4;
const LOWER_BYTES = 4;
const STEP_BYTES = 1;
/** The continuation byte, which adds as much to a step. */
const LONGEST_STEP = 255;

/** A page without fingerprints. */
export const EMPTY_PAGE = new Uint8Array(COUNT_BYTES);

/** Largest size in bytes of a page of `count` fingerprints. */
export function mostPackedBytes(count: number): number {
  return COUNT_BYTES + (LOWER_BYTES + STEP_BYTES) * count + Math.floor((UPPER_VALUES - 1) / LONGEST_STEP);
}

/**
 * Average size in bytes of a page of `count` fingerprints: the steps are distributed like waiting times between random
 * events. A sample has only the lowest hashes.
 */
export function packedBytes(count: number, sampleRate = 1): number {
  const long = count / Math.expm1((LONGEST_STEP * (count + 1)) / (UPPER_VALUES * sampleRate));
  return COUNT_BYTES + (LOWER_BYTES + STEP_BYTES) * count + long;
}

/**
 * @param words sorted fingerprints, two words each, the low word first
 * @returns a page of these fingerprints, in memory that `pageDone` takes back
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

/** Iterates over the fingerprints of a page in ascending order. */
export class PackedPage {
  /** Number of fingerprints in the page. */
  readonly count: number;
  /** Number of fingerprints already passed. */
  passed = 0;
  /** Upper 16 bits of the current fingerprint; UPPER_VALUES, which is above all of them, at the end. */
  upper = 0;
  readonly #lower: Uint32Array;
  readonly #steps: Uint8Array;
  #at = 0;

  /** @throws RangeError if the bytes are not a valid page, here or during the iteration */
  constructor(page: Uint8Array) {
    // A Uint32Array must begin at a multiple of 4 bytes.
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

  /** Lower 32 bits of the current fingerprint. */
  get lower(): number {
    return this.#lower[this.passed] as number;
  }

  /** Goes on to the next fingerprint. */
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
