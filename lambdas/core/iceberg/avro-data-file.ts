/** Data files as manifests have them. */
import type { DataFile } from './data-file.ts';
import { type AvroDataFile, CONTENT, DAY, type Pair } from './manifest-fields.ts';
import { dayOf } from './manifests.ts';

export function avroDataFile({ path, partition, rows, bytes, metrics }: DataFile): AvroDataFile {
  return {
    content: CONTENT.data,
    file_path: path,
    file_format: 'PARQUET',
    partition: { [DAY]: partition },
    record_count: BigInt(rows),
    file_size_in_bytes: BigInt(bytes),
    column_sizes: pairs(metrics.columnSizes, BigInt),
    value_counts: pairs(metrics.valueCounts, BigInt),
    null_value_counts: pairs(metrics.nullCounts, BigInt),
    lower_bounds: pairs(metrics.lower, fromBase64),
    upper_bounds: pairs(metrics.upper, fromBase64),
    split_offsets: metrics.splitOffsets.map(BigInt),
  };
}

/** @throws RangeError if a number is larger than JavaScript's numbers are exact */
export function dataFileOf(file: AvroDataFile): DataFile {
  return {
    path: file.file_path,
    partition: dayOf(file),
    rows: exact(file.record_count),
    bytes: exact(file.file_size_in_bytes),
    metrics: {
      columnSizes: byId(file.column_sizes, exact),
      valueCounts: byId(file.value_counts, exact),
      nullCounts: byId(file.null_value_counts, exact),
      lower: byId(file.lower_bounds, toBase64),
      upper: byId(file.upper_bounds, toBase64),
      splitOffsets: (file.split_offsets ?? []).map(exact),
    },
  };
}

function pairs<T, U>(values: Readonly<Record<number, T>>, convert: (value: T) => U): Pair<U>[] {
  return Object.entries(values).map(([id, value]) => ({ key: Number(id), value: convert(value as T) }));
}

function byId<T, U>(pairsOf: readonly Pair<T>[] | null | undefined, convert: (value: T) => U): Record<number, U> {
  return Object.fromEntries((pairsOf ?? []).map(({ key, value }) => [key, convert(value)]));
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64');
}

function exact(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`expected a number of at most 53 bits, got ${value}`);
  return number;
}
