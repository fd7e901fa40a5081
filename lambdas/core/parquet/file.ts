/** Parquet files, written row group by row group. */
import type { Column } from '../tables/table.ts';
import { ColumnEncoder } from './encoder.ts';
import { dataPageHeader, dictionaryPageHeader, footer, MAGIC, type WrittenChunk, type WrittenGroup } from './footer.ts';
import { zstd } from './zstd.ts';

/** One Parquet file that is being written: rows go in, bytes come out as row groups are full. */
export interface ParquetFile {
  /**
   * Appends whole rows as the core packs them for Firehose: JSON objects with the short keys of the table's columns, one
   * after the other. Some MiB at a time: they are copied as a whole.
   *
   * @throws Error for what is no such row, or for a value that does not fit its column: the file cannot be used then. A
   * value may be looked at only later, by another call of `append`, or by `finish`.
   */
  append(rows: Uint8Array): void;
  /** Bytes that are finished since the last call, in the file's order. */
  take(): Uint8Array[];
  /** Ends the file and returns its last bytes, those that were not taken among them. */
  finish(): Uint8Array[];
  /** Rows that were appended. */
  readonly rows: number;
  /** Bytes of the file that are encoded, whether they are finished or not: once it has ended, its size. */
  readonly bytes: number;
  /** Bytes of memory that the file holds at the moment. */
  readonly memoryBytes: number;
}

export interface ParquetOptions {
  /** Compresses a page to a zstd frame. @default Node's zstd at level 1 */
  readonly compress?: (page: Uint8Array) => Uint8Array;
  /** Bytes of pages, not compressed, at which a row group ends. @default 32 MiB */
  readonly rowGroupBytes?: number;
}

/**
 * Bytes of JSON at which a page ends: pages of all columns have the same rows. More do not fit the processor's cache, and
 * take memory in each open file; fewer compress worse.
 */
const PAGE_JSON_BYTES = 2 * 1024 * 1024 - 64;
const ROW_GROUP_BYTES = 32 * 1024 * 1024;
/** Row groups of few or short columns end at so many rows, so that several readers can share a file. */
const ROW_GROUP_ROWS = 1024 * 1024;

/** @param columns the table's, of which a file needs at least one */
export function openParquetFile(columns: readonly Column[], options: ParquetOptions = {}): ParquetFile {
  return new OpenFile(columns, options);
}

/** A column's part of the open row group. */
interface Chunk {
  pages: Uint8Array[];
  bytes: number;
  uncompressedBytes: number;
  nulls: number;
  dictionaryPages: number;
  plainPages: number;
}

class OpenFile implements ParquetFile {
  rows = 0;
  bytes: number = MAGIC.length;

  readonly #columns: readonly Column[];
  readonly #encoder: ColumnEncoder;
  readonly #compress: (page: Uint8Array) => Uint8Array;
  readonly #rowGroupBytes: number;
  readonly #groups: WrittenGroup[] = [];
  #chunks: readonly Chunk[];
  /** Rows and bytes of the open row group's pages, of these both as they are and without compression. */
  #groupRows = 0;
  #heldBytes = 0;
  #uncompressedBytes = 0;
  #finished: Uint8Array[] = [MAGIC];
  #finishedBytes = MAGIC.length;
  /** Where the next row group begins. */
  #offset = MAGIC.length;

  constructor(columns: readonly Column[], { compress, rowGroupBytes }: ParquetOptions) {
    this.#columns = columns;
    this.#encoder = new ColumnEncoder(columns);
    this.#compress = compress ?? zstd;
    this.#rowGroupBytes = rowGroupBytes ?? ROW_GROUP_BYTES;
    this.#chunks = columns.map(newChunk);
  }

  get memoryBytes(): number {
    return this.#encoder.memoryBytes + this.#heldBytes + this.#finishedBytes;
  }

  append(rows: Uint8Array): void {
    const encoder = this.#encoder;
    for (let rest = rows; rest.length > 0; ) {
      if (encoder.rows > 0 && encoder.jsonBytes + rest.length > PAGE_JSON_BYTES) this.#endPage();
      const before = encoder.rows;
      rest = rest.subarray(encoder.add(rest));
      this.rows += encoder.rows - before;
      if (rest.length > 0) this.#endPage();
    }
  }

  take(): Uint8Array[] {
    const finished = this.#finished;
    this.#finished = [];
    this.#finishedBytes = 0;
    return finished;
  }

  finish(): Uint8Array[] {
    this.#endPage();
    this.#endGroup();
    const end = footer(this.#columns, this.#groups);
    this.bytes += end.length;
    this.#finish(end);
    return this.take();
  }

  #endPage(): void {
    const { rows } = this.#encoder;
    if (rows === 0) return;
    for (const [index, chunk] of this.#chunks.entries()) {
      const page = this.#encoder.page(index);
      const compressed = this.#compress(page.bytes);
      const header = dataPageHeader(rows, page.usesDictionary, page.bytes.length, compressed.length);
      chunk.nulls += page.nulls;
      if (page.usesDictionary) chunk.dictionaryPages++;
      else chunk.plainPages++;
      this.#hold(chunk, header, compressed, page.bytes.length);
      chunk.pages.push(header, compressed);
    }
    this.#encoder.clearPage();
    this.#groupRows += rows;
    if (this.#uncompressedBytes >= this.#rowGroupBytes || this.#groupRows >= ROW_GROUP_ROWS) this.#endGroup();
  }

  #hold(chunk: Chunk, header: Uint8Array, compressed: Uint8Array, uncompressed: number): void {
    const bytes = header.length + compressed.length;
    chunk.bytes += bytes;
    chunk.uncompressedBytes += header.length + uncompressed;
    this.#heldBytes += bytes;
    this.#uncompressedBytes += header.length + uncompressed;
    this.bytes += bytes;
  }

  #endGroup(): void {
    if (this.#groupRows === 0) return;
    const chunks = this.#chunks.map((chunk, index) => this.#endChunk(chunk, index));
    this.#groups.push({ rows: this.#groupRows, chunks });
    this.#chunks = this.#columns.map(newChunk);
    this.#groupRows = 0;
    this.#heldBytes = 0;
    this.#uncompressedBytes = 0;
  }

  #endChunk(chunk: Chunk, index: number): WrittenChunk {
    const offset = this.#offset;
    const dictionaryBytes = chunk.dictionaryPages > 0 ? this.#endDictionary(chunk, index) : 0;
    const { pages, ...written } = chunk;
    for (const part of pages) this.#finish(part);
    const bounds = this.#encoder.bounds(index);
    this.#encoder.endChunk(index);
    return { ...written, offset, dictionaryBytes, bounds };
  }

  /** The dictionary's page is the chunk's first. */
  #endDictionary(chunk: Chunk, index: number): number {
    const { bytes, entries } = this.#encoder.dictionary(index);
    const compressed = this.#compress(bytes);
    const header = dictionaryPageHeader(entries, bytes.length, compressed.length);
    this.#hold(chunk, header, compressed, bytes.length);
    this.#finish(header);
    this.#finish(compressed);
    return header.length + compressed.length;
  }

  #finish(bytes: Uint8Array): void {
    this.#finished.push(bytes);
    this.#finishedBytes += bytes.length;
    this.#offset += bytes.length;
  }
}

function newChunk(): Chunk {
  return { pages: [], bytes: 0, uncompressedBytes: 0, nulls: 0, dictionaryPages: 0, plainPages: 0 };
}
