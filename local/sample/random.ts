/**
 * Four hexadecimal digits of every 16-bit number: ids are most of the text, and a table is the fastest way to make
 * them.
 */
const HEX4 = Array.from({ length: 65_536 }, (_, bits) => bits.toString(16).padStart(4, '0'));

/** Random numbers from a seed: the same seed gives the same traffic on every machine. */
export class Random {
  #state: number;

  /** @param seed any text; different texts give unrelated sequences */
  constructor(seed: string) {
    // FNV-1a
    let hash = 0x811c9dc5;
    for (let index = 0; index < seed.length; index++) hash = Math.imul(hash ^ seed.charCodeAt(index), 0x01000193);
    this.#state = hash >>> 0;
  }

  /** A whole number of 32 bits. */
  bits(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  /** A number from 0 (included) to 1 (not included). */
  fraction(): number {
    return this.bits() / 4294967296;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @param list not empty */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** Eight hexadecimal digits. */
  hex8(): string {
    const bits = this.bits();
    return `${HEX4[bits >>> 16]}${HEX4[bits & 0xffff]}`;
  }

  /** Log-normal: half of the values are below `median`; the larger `spread`, the longer the tail. */
  logNormal(median: number, spread: number): number {
    // Close enough to a normal variable, without logarithms and cosines.
    const normal = (this.fraction() + this.fraction() + this.fraction() + this.fraction() - 2) * Math.sqrt(3);
    return median * Math.exp(spread * normal);
  }
}
