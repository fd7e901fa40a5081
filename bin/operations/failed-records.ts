/** Records that Firehose could not convert: below `errors/<table>/format-conversion-failed/` in the lake bucket. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import { LAKE } from '../../lib/names.ts';
import { isDirect } from './added-rows.ts';
import { amend } from './amend.ts';
import { type BadRow, bisected, type FailedRecord, failedRecord } from './bisect.ts';
import { addFailedRows, type RedrivenRows } from './failed-rows.ts';
import { type LakeHandle, tablesOf } from './lake-handle.ts';
import { type ListedObject, listObjects } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { amendedByBadRows, rejectedRows } from './rejected-rows.ts';
import { sendRecords, sendRows } from './send-rows.ts';

/** Result of redriving failed records. */
export interface FailedRecordCounts {
  /** Error objects with failed conversions. */
  readonly objects: number;
  readonly records: number;
  /** Rows sent to their table's streams again, or written by the direct lane; in a dry run, rows that would have been. */
  readonly rowsSent: number;
  /** Rows that cannot be converted: they become rejected lines with the reason `conversion_failed`. */
  readonly rowsRejected: number;
  /** Objects left in the bucket: their table is not in the lake, or they are not failed conversions. */
  readonly left: number;
}

const FAILED_CONVERSIONS = 'format-conversion-failed';

/**
 * Splits failed records into rows: rows that cannot be converted become rejected lines, and the others are sent
 * again, or written by the direct lane if their source is there by now. An error object is deleted after Firehose has
 * acknowledged all of its rows, or when the ledger has the batch of them. After a crash before that, Firehose gets the
 * rows again, with the same origin and position; the direct lane recognises them.
 */
export async function redriveFailedRecords(
  lake: LakeHandle,
  options: OperationOptions,
  problems: string[],
): Promise<FailedRecordCounts> {
  const counts = { objects: 0, records: 0, rowsSent: 0, rowsRejected: 0, left: 0 };
  const targets = new Map(tablesOf(lake).map((target) => [target.table.name, target]));
  const progress = options.progress('failed records');
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix: LAKE.errors })) {
    for (const object of page) {
      const [table = '', kind] = object.key.slice(LAKE.errors.length).split('/');
      const target = targets.get(table);
      if (!target || kind !== FAILED_CONVERSIONS) {
        counts.left++;
        problems.push(
          `s3://${object.bucket}/${object.key}: not read: ` +
            `expected a table of this lake and ${FAILED_CONVERSIONS} in its key`,
        );
        continue;
      }
      counts.objects++;
      const found = await redriveObject(lake, object, { ...target, options });
      counts.records += found.records;
      counts.rowsSent += found.rowsSent;
      counts.rowsRejected += found.rowsRejected;
      progress.add(found.records);
    }
  }
  progress.end();
  return counts;
}

interface Target {
  readonly table: Table;
  readonly streams: readonly string[];
  readonly source?: Source;
  readonly options: OperationOptions;
}

async function redriveObject(lake: LakeHandle, object: ListedObject, target: Target): Promise<RedrivenRows> {
  const { source, options } = target;
  const counts =
    source && isDirect(source)
      ? await addFailedRows(lake, source, object, () => recordsOf(lake, object), options)
      : await sendFailedRows(lake, object, target);
  if (options.dryRun) return counts;
  await lake.s3.send(new DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }));
  return counts;
}

async function sendFailedRows(
  lake: LakeHandle,
  object: ListedObject,
  { table, streams, options }: Target,
): Promise<RedrivenRows> {
  const counts = { records: 0, rowsSent: 0, rowsRejected: 0 };
  const rejected: BadRow[] = [];
  for await (const record of recordsOf(lake, object)) {
    const { good, pieces, bad } = bisected(table, record);
    counts.records++;
    counts.rowsSent += good.length + pieces.flat().length;
    counts.rowsRejected += bad.length;
    rejected.push(...bad);
    if (options.dryRun) continue;
    await options.rateLimit();
    await sendRows(lake, streams, good);
    await sendRecords(lake, streams, pieces);
  }
  if (!options.dryRun) await reject(lake, table, object, rejected);
  return counts;
}

/** The failed records of an error object: one JSON document per line. */
async function* recordsOf(lake: LakeHandle, { bucket, key }: ListedObject): AsyncGenerator<FailedRecord> {
  const { Body } = await lake.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!Body) return;
  let line = 0;
  for await (const text of createInterface({ input: Body as Readable, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (text.trim() !== '') yield failedRecord(text, `s3://${bucket}/${key} line ${line}`);
  }
}

/** Sends bad rows as rejected lines, then corrects the counts in `loads`. */
async function reject(lake: LakeHandle, table: Table, object: ListedObject, bad: readonly BadRow[]): Promise<void> {
  await sendRows(lake, [lake.rejectedStream], rejectedRows(table, object, bad));
  for (const { base, before, more } of await amendedByBadRows(lake, table, bad)) await amend(lake, base, before, more);
}
