/** A column that has one text in every row, such as the partition of a file. */
import type { Bounds, ColumnPages, Page } from './encoder.ts';

/** Of both the levels (1: there is a value) and the indexes (0: the dictionary's first). Some readers know no width of 0. */
const BIT_WIDTH = 1;

export class ConstantColumn implements ColumnPages {
  readonly #text: Buffer;
  readonly #rows: () => number;

  /** @param rows how many rows the open page has */
  constructor(text: string, rows: () => number) {
    this.#text = Buffer.from(text);
    this.#rows = rows;
  }

  page(): Page {
    const levels = run(this.#rows(), 1);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(levels.length);
    const bytes = Buffer.concat([length, levels, Buffer.of(BIT_WIDTH), run(this.#rows(), 0)]);
    return { bytes, nulls: 0, usesDictionary: true };
  }

  dictionary() {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(this.#text.length);
    return { bytes: Buffer.concat([length, this.#text]), entries: 1 };
  }

  bounds(): Bounds {
    const bound = { bytes: this.#text, isWhole: true };
    return { least: bound, greatest: bound };
  }

  endChunk(): void {}
}

/**
 * So many times the same value of at most 8 bits.
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */
function run(times: number, value: number): Buffer {
  const bytes: number[] = [];
  let rest = times * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest, value]);
}
