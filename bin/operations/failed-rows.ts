/** Rows that Firehose could not convert, of a source that is on the direct lane by now: the lake writes them itself. */
import { BATCH } from '../../lambdas/core/direct/batch.ts';
import { originOf } from '../../lambdas/core/loading/input.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { openParquetFile } from '../../lambdas/core/parquet/file.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import { AddedRows, batchesOf } from './added-rows.ts';
import { type BadRow, badRow, type FailedRecord } from './bisect.ts';
import { type LakeHandle, tableOf } from './lake-handle.ts';
import type { ListedObject } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { amendedByBadRows, CONVERSION_FAILED, rejectedRows } from './rejected-rows.ts';

/** What came of the rows of an error object. */
export interface RedrivenRows {
  records: number;
  rowsSent: number;
  rowsRejected: number;
}

/**
 * Adds the rows of an error object to their table; rows that a file cannot have become rejected lines. The batch has its
 * id from the error object, so that its rows are added once, however often the operation is run: a batch that is there
 * has them. If another operation has closed it, so that it will never be there, the next id is tried.
 *
 * @param records reads the failed records, each time it is called
 */
export async function addFailedRows(
  lake: LakeHandle,
  source: Source,
  object: ListedObject,
  records: () => AsyncIterable<FailedRecord>,
  options: OperationOptions,
): Promise<RedrivenRows> {
  const table = tableOf(source);
  const counts = { records: 0, rowsSent: 0, rowsRejected: 0 };
  const bad: BadRow[] = [];
  for await (const { rows } of records()) {
    const found = divided(table, rows);
    counts.records++;
    counts.rowsSent += found.good.length;
    counts.rowsRejected += found.bad.length;
    bad.push(...found.bad);
  }
  if (options.dryRun) return counts;
  // This may close a batch that an earlier run has begun, so the id is chosen after it.
  const amended = await amendedByBadRows(lake, table, bad);
  const id = await idFor(lake, object);
  if (id === undefined) return counts;
  await AddedRows.write(lake, source, id, async (added) => {
    for await (const { rows } of records()) {
      await options.rateLimit();
      await added.append(divided(table, rows).good, object.lastModified);
    }
    await added.reject(rejectedRows(table, object, bad));
    for (const each of amended) added.amend(each);
  });
  return counts;
}

/** Id of the batch that is to have the rows of an error object; undefined if a batch has them. */
async function idFor(lake: LakeHandle, { bucket, key, etag }: ListedObject): Promise<string | undefined> {
  const name = originOf([CONVERSION_FAILED, bucket, key, etag]);
  for (let round = 0; ; round++) {
    const id = `redriven-${name}-${round}`;
    const batch = await batchesOf(lake).read(id);
    if (!batch) return id;
    if (batch.state !== BATCH.failed) return undefined;
  }
}

/** Divides rows by whether a file can have them: halves of rows that it cannot have are tried alone. */
function divided(
  table: Table,
  rows: readonly string[],
): { readonly good: readonly string[]; readonly bad: readonly BadRow[] } {
  const problem = rows.length === 0 ? undefined : problemOf(table, rows);
  if (problem === undefined) return { good: rows, bad: [] };
  const [only = ''] = rows;
  if (rows.length === 1) return { good: [], bad: [badRow(table, only, problem)] };
  const middle = Math.ceil(rows.length / 2);
  const [first, second] = [divided(table, rows.slice(0, middle)), divided(table, rows.slice(middle))];
  return { good: [...first.good, ...second.good], bad: [...first.bad, ...second.bad] };
}

function problemOf({ columns }: Table, rows: readonly string[]): string | undefined {
  const file = openParquetFile(columns, { compress: (page) => page });
  try {
    file.append(Buffer.from(rows.join('')));
    file.finish();
    if (file.rows !== rows.length) return `expected a row, got ${file.rows}`;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
