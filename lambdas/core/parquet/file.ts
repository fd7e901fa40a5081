/** Parquet files, written row group by row group. */
import type { FileMetrics } from '../iceberg/data-file.ts';
import { type Column, PARTITION } from '../tables/table.ts';
import { ConstantColumn } from './constant.ts';
import { ColumnEncoder, type ColumnPages } from './encoder.ts';
import {
  dataPageHeader,
  dictionaryPageHeader,
  type FileColumn,
  footer,
  MAGIC,
  type WrittenChunk,
  type WrittenGroup,
} from './footer.ts';
import { fileMetrics } from './metrics.ts';
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
  /** What an Iceberg table says of the file, once it has ended. @throws Error if it is no file of such a table */
  metrics(): FileMetrics;
  /** Rows that were appended. */
  readonly rows: number;
  /** Bytes of the file that are encoded, whether they are finished or not: once it has ended, its size. */
  readonly bytes: number;
  /** Bytes of memory that the file holds at the moment. */
  readonly memoryBytes: number;
}

/** What a file of an Iceberg table has more than one of Hive. */
export interface IcebergPart {
  /** Ids of the fields by the names of the columns, that of `dt` among them. */
  readonly ids: Readonly<Record<string, number>>;
  /** The file's partition: some readers want it as a column, too. */
  readonly day: string;
}

export interface ParquetOptions {
  /** @default - a file of a Hive table, which has neither ids nor the column `dt` */
  readonly iceberg?: IcebergPart | undefined;
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

  readonly #columns: readonly FileColumn[];
  readonly #encoder: ColumnEncoder;
  readonly #pages: readonly ColumnPages[];
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

  constructor(columns: readonly Column[], { iceberg, compress, rowGroupBytes }: ParquetOptions) {
    const encoder = new ColumnEncoder(columns);
    this.#encoder = encoder;
    this.#columns = iceberg ? withIds(columns, iceberg) : columns.map(({ name, type }) => ({ name, type }));
    this.#pages = columns.map((_, index) => encoder.column(index));
    if (iceberg) this.#pages = [...this.#pages, new ConstantColumn(iceberg.day, () => encoder.rows)];
    this.#compress = compress ?? zstd;
    this.#rowGroupBytes = rowGroupBytes ?? ROW_GROUP_BYTES;
    this.#chunks = this.#columns.map(newChunk);
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

  metrics(): FileMetrics {
    return fileMetrics(this.#columns, this.#groups);
  }

  #endPage(): void {
    const { rows } = this.#encoder;
    if (rows === 0) return;
    for (const [index, chunk] of this.#chunks.entries()) {
      const page = (this.#pages[index] as ColumnPages).page();
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
    const chunks = this.#chunks.map((chunk, index) => this.#endChunk(chunk, this.#pages[index] as ColumnPages));
    this.#groups.push({ rows: this.#groupRows, chunks });
    this.#chunks = this.#columns.map(newChunk);
    this.#groupRows = 0;
    this.#heldBytes = 0;
    this.#uncompressedBytes = 0;
  }

  #endChunk(chunk: Chunk, column: ColumnPages): WrittenChunk {
    const offset = this.#offset;
    const dictionaryBytes = chunk.dictionaryPages > 0 ? this.#endDictionary(chunk, column) : 0;
    const { pages, ...written } = chunk;
    for (const part of pages) this.#finish(part);
    const bounds = column.bounds();
    column.endChunk();
    return { ...written, offset, dictionaryBytes, bounds };
  }

  /** The dictionary's page is the chunk's first. */
  #endDictionary(chunk: Chunk, column: ColumnPages): number {
    const { bytes, entries } = column.dictionary();
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

/** @throws Error naming a column that has no id: its values would be in a column that the table does not know */
function withIds(columns: readonly Column[], { ids }: IcebergPart): FileColumn[] {
  return [...columns, { name: PARTITION.name, type: 'string' as const }].map(({ name, type }) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`parquet: column ${name}: expected the id of its field, got none`);
    return { name, type, id };
  });
}

function newChunk(): Chunk {
  return { pages: [], bytes: 0, uncompressedBytes: 0, nulls: 0, dictionaryPages: 0, plainPages: 0 };
}
