/** Rows that could not be converted, as rejected lines. */
import { originOf } from '../../lambdas/core/loading/input.ts';
import { rejectedRow } from '../../lambdas/core/loading/lake-rows.ts';
import { OWN, type Table } from '../../lambdas/core/tables/table.ts';
import type { Amended } from './added-rows.ts';
import { decided } from './added-rows.ts';
import { loadsOf } from './amend.ts';
import { NO_AMENDMENT } from './amendment-notes.ts';
import type { BadRow } from './bisect.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { ListedObject } from './objects.ts';

/** Rejection reason of a line whose row Firehose could not convert. */
export const CONVERSION_FAILED = 'conversion_failed';

/** Rows of `rejected_lines` for bad rows of an error object of a table. */
export function rejectedRows(table: Table, { bucket, key, etag }: ListedObject, bad: readonly BadRow[]): string[] {
  const now = new Date();
  // A row without a readable origin gets the origin of its error object.
  const here = originOf([CONVERSION_FAILED, bucket, key, etag]);
  return bad.map(({ origin = here, position, raw, detail }, index) =>
    rejectedRow(origin, position ?? index + 1, { source: table.name, reason: CONVERSION_FAILED, detail, raw }, now),
  );
}

/** How the counts of the origins of bad rows change, as far as `loads` has these origins. */
export async function amendedByBadRows(lake: LakeHandle, table: Table, bad: readonly BadRow[]): Promise<Amended[]> {
  if (!table.columns.some(({ name }) => name === OWN.position.name)) return [];
  const byOrigin = Map.groupBy(
    bad.filter(({ origin, position }) => origin !== undefined && position !== undefined),
    ({ origin = '' }) => origin,
  );
  const amended: Amended[] = [];
  for (const [origin, base] of await loadsOf(lake, [...byOrigin.keys()])) {
    // A failed row of rejected_lines has the origin of its source's object, but is not a row of that source.
    if (base.source !== table.name) continue;
    const rejected = (byOrigin.get(origin) ?? []).flatMap(({ position }) => position ?? []);
    amended.push({ base, before: await decided(lake, base, false), more: { ...NO_AMENDMENT, rejected } });
  }
  return amended;
}
