/** What an Iceberg table says of the columns of a file. */
import { type FileMetrics, MAX_METRICS } from '../iceberg/data-file.ts';
import { icebergBounds, joinedBounds } from './bounds.ts';
import type { FileColumn, WrittenChunk, WrittenGroup } from './footer.ts';

/** @throws Error if the columns have no ids */
export function fileMetrics(columns: readonly FileColumn[], groups: readonly WrittenGroup[]): FileMetrics {
  const rows = sum(groups.map((group) => group.rows));
  const columnSizes: Record<number, number> = {};
  const valueCounts: Record<number, number> = {};
  const nullCounts: Record<number, number> = {};
  const lower: Record<number, string> = {};
  const upper: Record<number, string> = {};
  for (const [index, { name, type, id }] of columns.slice(0, MAX_METRICS).entries()) {
    if (id === undefined) throw new Error(`parquet: column ${name}: expected the id of its field, got none`);
    const chunks = groups.map((group) => group.chunks[index] as WrittenChunk);
    columnSizes[id] = sum(chunks.map(({ bytes }) => bytes));
    valueCounts[id] = rows;
    nullCounts[id] = sum(chunks.map(({ nulls }) => nulls));
    const bounds = joinedBounds(
      type,
      chunks.flatMap((chunk) => chunk.bounds ?? []),
    );
    if (!bounds) continue;
    const { least, greatest } = icebergBounds(type, bounds);
    lower[id] = Buffer.from(least.bytes).toString('base64');
    if (greatest) upper[id] = Buffer.from(greatest.bytes).toString('base64');
  }
  const splitOffsets = groups.flatMap(({ chunks: [first] }) => first?.offset ?? []);
  return { columnSizes, valueCounts, nullCounts, lower, upper, splitOffsets };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
