/** Pages of columns from rows: lambdas/kernel/columns as seen from TypeScript. */

import type { Column, ColumnType } from '../tables/table.ts';
import { wasmExports, wasmModule } from '../web-assembly.ts';
import { COLUMNS_WASM } from './columns-wasm.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  begin(columns: number, rows: number): void;
  column(type: number, key: number): void;
  place(bytes: number): number;
  read(bytes: number): number;
  encode(column: number): number;
  clearPage(): void;
  dictionaryEntries(column: number): number;
  dictionaryAt(column: number): number;
  dictionaryBytes(column: number): number;
  hasBounds(column: number): number;
  numberBoundsAt(column: number): number;
  textBoundAt(column: number, greatest: boolean): number;
  textBoundLength(column: number, greatest: boolean): number;
  textBoundIsWhole(column: number, greatest: boolean): number;
  endChunk(column: number): void;
  readonly failedAt: Value;
  readonly jsonBytes: Value;
  readonly rowCount: Value;
  readonly nulls: Value;
  readonly usesDictionary: Value;
  readonly badRow: Value;
  readonly pageAt: Value;
}

interface Value {
  readonly value: number;
}

/** The types by their numbers in lambdas/kernel/columns/column.ts. */
const TYPES: readonly ColumnType[] = ['string', 'int', 'bigint', 'double', 'boolean', 'timestamp'];

/** Rows of a page at most. Fewer where there are many columns: each has eight bytes for each row. */
const MAX_PAGE_ROWS = 20_480;
const MAX_VALUES_BYTES = 8 * 1024 * 1024;
/** A page has at least one byte of levels, so a multiple of 8. */
const ROWS_STEP = 8;

/** A page of one column that is not compressed. */
export interface Page {
  /** Valid until the next call of the encoder. */
  readonly bytes: Uint8Array;
  readonly nulls: number;
  readonly usesDictionary: boolean;
}

/** The dictionary of a column within a row group, as in its page. */
export interface Dictionary {
  /** Valid until the next call of the encoder. */
  readonly bytes: Uint8Array;
  readonly entries: number;
}

/** The least or the greatest value of a column within a row group, as in a page; of a text its first bytes. */
export interface Bound {
  readonly bytes: Buffer;
  /** False if the text has more bytes. */
  readonly isWhole: boolean;
}

export interface Bounds {
  readonly least: Bound;
  readonly greatest: Bound;
}

/** The pages of one column of a file. */
export interface ColumnPages {
  /** @throws Error for a value that does not fit the column */
  page(): Page;
  dictionary(): Dictionary;
  /** Of the open row group; undefined if the column has no value. */
  bounds(): Bounds | undefined;
  /** Ends the row group's part of the column. */
  endChunk(): void;
}

const module = wasmModule(COLUMNS_WASM);

export class ColumnEncoder {
  readonly #columns: readonly Column[];
  readonly #exports: Exports;
  #memory = Buffer.alloc(0);

  /** @throws RangeError for a key that no row has */
  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    const double = (at: number, length: number) => Number(this.#bytes().toString('latin1', at, at + length));
    this.#exports = wasmExports(module, { double }) as Exports;
    const rows = Math.min(MAX_PAGE_ROWS, MAX_VALUES_BYTES / 8 / columns.length);
    this.#exports.begin(columns.length, Math.max(ROWS_STEP, rows - (rows % ROWS_STEP)));
    for (const { type, key } of columns) this.#exports.column(TYPES.indexOf(type), keyNumber(key));
  }

  /** Rows of the open page. */
  get rows(): number {
    return this.#exports.rowCount.value;
  }

  /** Bytes of JSON of the open page. */
  get jsonBytes(): number {
    return this.#exports.jsonBytes.value;
  }

  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Adds rows to the open page.
   *
   * @returns bytes of the rows that were added: less than all if the page has no room for more
   * @throws Error for bytes that are no row
   */
  add(rows: Uint8Array): number {
    const at = this.#exports.place(rows.length);
    this.#bytes().set(rows, at);
    const taken = this.#exports.read(rows.length);
    const failedAt = this.#exports.failedAt.value;
    if (failedAt < 0) return taken;
    const excerpt = Buffer.from(rows).toString('utf8', taken, taken + 80);
    throw new Error(`parquet: expected a row with the keys of the table, got ${excerpt} (byte ${failedAt - taken})`);
  }

  /** One of the columns, by its place. */
  column(column: number): ColumnPages {
    return {
      page: () => this.#page(column),
      dictionary: () => this.#dictionary(column),
      bounds: () => this.#bounds(column),
      endChunk: () => this.#exports.endChunk(column),
    };
  }

  /** Begins another page. */
  clearPage(): void {
    this.#exports.clearPage();
  }

  #page(column: number): Page {
    const { encode, nulls, usesDictionary, badRow, pageAt } = this.#exports;
    const length = encode(column);
    if (badRow.value >= 0) {
      const { name, type } = this.#columns[column] as Column;
      throw new Error(`parquet: column ${name}: row ${badRow.value + 1} of the page has no ${type}`);
    }
    return {
      bytes: this.#bytes().subarray(pageAt.value, pageAt.value + length),
      nulls: nulls.value,
      usesDictionary: usesDictionary.value !== 0,
    };
  }

  #dictionary(column: number): Dictionary {
    const at = this.#exports.dictionaryAt(column);
    const bytes = this.#bytes().subarray(at, at + this.#exports.dictionaryBytes(column));
    return { bytes, entries: this.#exports.dictionaryEntries(column) };
  }

  #bounds(column: number): Bounds | undefined {
    if (!this.#exports.hasBounds(column)) return undefined;
    const { type } = this.#columns[column] as Column;
    if (type === 'string') return { least: this.#textBound(column, false), greatest: this.#textBound(column, true) };
    const at = this.#exports.numberBoundsAt(column);
    const width = type === 'int' ? 4 : type === 'boolean' ? 1 : 8;
    const [least, greatest] = [at, at + 8].map((from) => Buffer.from(this.#bytes().subarray(from, from + width)));
    return {
      least: { bytes: least as Buffer, isWhole: true },
      greatest: { bytes: greatest as Buffer, isWhole: true },
    };
  }

  #textBound(column: number, greatest: boolean): Bound {
    const at = this.#exports.textBoundAt(column, greatest);
    const length = this.#exports.textBoundLength(column, greatest);
    const isWhole = this.#exports.textBoundIsWhole(column, greatest) !== 0;
    return { bytes: Buffer.from(this.#bytes().subarray(at, at + length)), isWhole };
  }

  /** The memory, whose views become invalid when it grows. */
  #bytes(): Buffer {
    const { buffer } = this.#exports.memory;
    if (this.#memory.buffer !== buffer) this.#memory = Buffer.from(buffer);
    return this.#memory;
  }
}

const MAX_KEY_BYTES = 3;

/** A column's key as a number, its first byte lowest. */
function keyNumber(key: string): number {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY_BYTES || /["\\]/.test(key)) {
    throw new RangeError(`parquet: expected a key of one to ${MAX_KEY_BYTES} ASCII characters, got ${key}`);
  }
  return Buffer.alloc(4, 0).fill(key, 0, key.length, 'latin1').readUInt32LE();
}
