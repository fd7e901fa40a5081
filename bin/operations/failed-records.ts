/** Records that Firehose could not convert: below `errors/<table>/format-conversion-failed/` in the lake bucket. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { originOf } from '../../lambdas/core/loading/input.ts';
import { rejectedRow } from '../../lambdas/core/loading/lake-rows.ts';
import { OWN, type Table } from '../../lambdas/core/tables/table.ts';
import { LAKE } from '../../lib/names.ts';
import { amend, loadsOf, NO_AMENDMENT } from './amend.ts';
import { type BadRow, bisected, type FailedRecord, failedRecord } from './bisect.ts';
import { type LakeHandle, tablesOf } from './lake-handle.ts';
import { type ListedObject, listObjects } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { sendRecords, sendRows } from './send-rows.ts';

/** Result of redriving failed records. */
export interface FailedRecordCounts {
  /** Error objects with failed conversions. */
  readonly objects: number;
  readonly records: number;
  /** Rows sent to their table's streams again; in a dry run, rows that would have been sent. */
  readonly rowsSent: number;
  /** Rows that cannot be converted: they become rejected lines with the reason `conversion_failed`. */
  readonly rowsRejected: number;
  /** Objects left in the bucket: their table is not in the lake, or they are not failed conversions. */
  readonly left: number;
}

/** Rejection reason of a line whose row Firehose could not convert. */
export const CONVERSION_FAILED = 'conversion_failed';

const FAILED_CONVERSIONS = 'format-conversion-failed';

/**
 * Splits failed records into rows: rows that cannot be converted become rejected lines, and the others are sent
 * again. An error object is deleted after Firehose has acknowledged all of its rows. After a crash before that, the
 * rows are sent again, with the same origin and position.
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
  readonly options: OperationOptions;
}

async function redriveObject(lake: LakeHandle, object: ListedObject, { table, streams, options }: Target) {
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
  if (options.dryRun) return counts;
  await reject(lake, table, object, rejected);
  await lake.s3.send(new DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }));
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
  const now = new Date();
  // A row without a readable origin gets the origin of its error object.
  const here = originOf([CONVERSION_FAILED, object.bucket, object.key, object.etag]);
  const lines = bad.map(({ origin = here, position, raw, detail }, index) =>
    rejectedRow(origin, position ?? index + 1, { source: table.name, reason: CONVERSION_FAILED, detail, raw }, now),
  );
  await sendRows(lake, [lake.rejectedStream], lines);
  if (!table.columns.some(({ name }) => name === OWN.position.name)) return;
  const byOrigin = Map.groupBy(
    bad.filter(({ origin, position }) => origin !== undefined && position !== undefined),
    ({ origin = '' }) => origin,
  );
  for (const [origin, base] of await loadsOf(lake, [...byOrigin.keys()])) {
    // A failed row of rejected_lines has the origin of its source's object, but is not a row of that source.
    if (base.source !== table.name) continue;
    const positions = (byOrigin.get(origin) ?? []).flatMap(({ position }) => position ?? []);
    await amend(lake, base, { ...NO_AMENDMENT, rejected: positions });
  }
}
