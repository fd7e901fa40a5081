/**
 * What a Parquet file says of itself: the headers of its pages and the footer.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */
import type { ColumnType } from '../tables/table.ts';
import { type StatedBounds, statedBounds } from './bounds.ts';
import type { Bounds } from './encoder.ts';
import { type ThriftFields, thriftStruct } from './thrift.ts';

/** The four bytes that a file begins and ends with. */
export const MAGIC = Buffer.from('PAR1');

const PAGE = { data: 0, dictionary: 2 } as const;
const ENCODING = { plain: 0, rle: 3, dictionary: 8 } as const;
const ZSTD = 6;
const OPTIONAL = 1;
const FORMAT_VERSION = 1;
/** Readers take this form apart to know the mistakes of certain writers. The version is the writer's own. */
const CREATED_BY = 'tributary version 1';

/** A column as the file names it. */
export interface FileColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Id of its field in an Iceberg table. */
  readonly id?: number | undefined;
}

/** A column's part of a row group, written to the file. */
export interface WrittenChunk {
  /** Offset in the file of its first page. */
  readonly offset: number;
  /** Bytes of the dictionary's page with its header; 0 if there is none. */
  readonly dictionaryBytes: number;
  readonly dictionaryPages: number;
  readonly plainPages: number;
  readonly nulls: number;
  /** Bytes of all pages with their headers, and what they would be without compression. */
  readonly bytes: number;
  readonly uncompressedBytes: number;
  readonly bounds: Bounds | undefined;
}

export interface WrittenGroup {
  readonly rows: number;
  readonly chunks: readonly WrittenChunk[];
}

/** @param values rows of the page, nulls among them */
export function dataPageHeader(
  values: number,
  usesDictionary: boolean,
  uncompressed: number,
  compressed: number,
): Buffer {
  return thriftStruct((header) => {
    header.i32(1, PAGE.data);
    header.i32(2, uncompressed);
    header.i32(3, compressed);
    header.struct(5, (page) => {
      page.i32(1, values);
      page.i32(2, usesDictionary ? ENCODING.dictionary : ENCODING.plain);
      page.i32(3, ENCODING.rle);
      page.i32(4, ENCODING.rle);
    });
  });
}

export function dictionaryPageHeader(entries: number, uncompressed: number, compressed: number): Buffer {
  return thriftStruct((header) => {
    header.i32(1, PAGE.dictionary);
    header.i32(2, uncompressed);
    header.i32(3, compressed);
    header.struct(7, (page) => {
      page.i32(1, entries);
      page.i32(2, ENCODING.plain);
    });
  });
}

/** The end of the file. */
export function footer(columns: readonly FileColumn[], groups: readonly WrittenGroup[]): Buffer {
  const metadata = thriftStruct((file) => {
    file.i32(1, FORMAT_VERSION);
    file.structs(2, [undefined, ...columns], (element, column) => {
      if (column) schemaColumn(element, column);
      else {
        element.binary(4, 'schema');
        element.i32(5, columns.length);
      }
    });
    file.i64(3, sum(groups.map(({ rows }) => rows)));
    file.structs(4, [...groups.entries()], (group, [ordinal, { rows, chunks }]) => {
      group.structs(
        1,
        columns.map((column, index) => ({ column, chunk: chunks[index] as WrittenChunk })),
        (fields, { column, chunk }) => columnChunk(fields, column, chunk, rows),
      );
      group.i64(2, sum(chunks.map(({ uncompressedBytes }) => uncompressedBytes)));
      group.i64(3, rows);
      group.i64(5, chunks[0]?.offset ?? 0);
      group.i64(6, sum(chunks.map(({ bytes }) => bytes)));
      group.i16(7, ordinal);
    });
    file.binary(6, CREATED_BY);
    // Bounds are in the order of the column's type. Without this, readers ignore them.
    file.structs(7, columns, (order) => order.struct(1, () => {}));
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([metadata, length, MAGIC]);
}

const PHYSICAL: Readonly<Record<ColumnType, number>> = {
  boolean: 0,
  int: 1,
  bigint: 2,
  timestamp: 2,
  double: 5,
  string: 6,
};
/** Types of before logical types, which some readers know alone. */
const CONVERTED: Partial<Readonly<Record<ColumnType, number>>> = { string: 0, timestamp: 10 };

function schemaColumn(element: ThriftFields, { name, type, id }: FileColumn): void {
  element.i32(1, PHYSICAL[type]);
  element.i32(3, OPTIONAL);
  element.binary(4, name);
  const converted = CONVERTED[type];
  if (converted !== undefined) element.i32(6, converted);
  if (id !== undefined) element.i32(9, id);
  if (type === 'string') element.struct(10, (logical) => logical.struct(1, () => {}));
  if (type === 'timestamp') element.struct(10, (logical) => logical.struct(8, timestampType));
}

/**
 * Microseconds since the epoch, which are not adjusted to UTC: a time as it would be written, without a zone, which is
 * what `timestamp` means in Hive's tables. Athena and Trino read it for such a column, as they do Hive's own INT96, which
 * Parquet has deprecated: https://docs.aws.amazon.com/athena/latest/ug/data-types-timestamps.html and
 * https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#timestamp
 */
function timestampType(timestamp: ThriftFields): void {
  timestamp.boolean(1, false);
  timestamp.struct(2, (unit) => unit.struct(2, () => {}));
}

function columnChunk(fields: ThriftFields, { name, type }: FileColumn, chunk: WrittenChunk, rows: number): void {
  // The offset of the metadata outside the footer, of which there is none.
  fields.i64(2, 0);
  fields.struct(3, (metadata) => {
    const { dictionaryBytes, dictionaryPages, plainPages } = chunk;
    metadata.i32(1, PHYSICAL[type]);
    metadata.i32s(2, [ENCODING.plain, ENCODING.rle, ...(dictionaryPages > 0 ? [ENCODING.dictionary] : [])]);
    metadata.strings(3, [name]);
    metadata.i32(4, ZSTD);
    metadata.i64(5, rows);
    metadata.i64(6, chunk.uncompressedBytes);
    metadata.i64(7, chunk.bytes);
    metadata.i64(9, chunk.offset + dictionaryBytes);
    if (dictionaryBytes > 0) metadata.i64(11, chunk.offset);
    metadata.struct(12, (statistics) => {
      statistics.i64(3, chunk.nulls);
      if (chunk.bounds) bounds(statistics, statedBounds(type, chunk.bounds));
    });
    // By these a reader knows that every value is in the dictionary.
    const pages = [
      { page: PAGE.dictionary, encoding: ENCODING.plain, count: dictionaryBytes > 0 ? 1 : 0 },
      { page: PAGE.data, encoding: ENCODING.dictionary, count: dictionaryPages },
      { page: PAGE.data, encoding: ENCODING.plain, count: plainPages },
    ].filter(({ count }) => count > 0);
    metadata.structs(13, pages, (stats, { page, encoding, count }) => {
      stats.i32(1, page);
      stats.i32(2, encoding);
      stats.i32(3, count);
    });
  });
}

function bounds(statistics: ThriftFields, { least, greatest }: StatedBounds): void {
  if (greatest) statistics.binary(5, greatest.bytes);
  statistics.binary(6, least.bytes);
  if (greatest) statistics.boolean(7, greatest.isExact);
  statistics.boolean(8, least.isExact);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
