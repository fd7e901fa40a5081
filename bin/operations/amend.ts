/**
 * Amendments: corrections of a load's counts, needed when a rejected line becomes a row after a fix, or when a row
 * that Firehose could not convert becomes a rejected line. The origin then gets another row in `loads`, of kind
 * `amended`, with the current counts. So lines = rows + filtered + rejected still holds for the latest row of each
 * origin. Through Firehose (added-rows.ts has the direct lane):
 *
 *   begun, in the ledger ─► lines acknowledged ─► loads row acknowledged ─► recorded in the ledger
 *
 * An amendment that was begun but not recorded is repeated; the repetition also counts the lines that are already in
 * their table. The counts are computed from the load's own counts and the recorded positions, never from the previous
 * amendment, so that a repetition after a crash has the same result.
 */
import { loadsRow } from '../../lambdas/core/loading/lake-rows.ts';
import { LOADS_COLUMNS, loadsTable } from '../../lambdas/core/tables/lake-tables.ts';
import { AMENDED, type Amendment, type Noted, note } from './amendment-notes.ts';
import { type LakeHandle, once, type ResultRow, sqlText, timeOf } from './lake-handle.ts';
import { sendRows } from './send-rows.ts';

/** Limit of origins in one query, which keeps its text well below Athena's limit of 256 KB. */
const MAX_ORIGINS = 1000;

/** The rows that the loads of the given origins wrote to `loads`; amendments are left out. */
export async function loadsOf(lake: LakeHandle, origins: readonly string[]): Promise<ReadonlyMap<string, ResultRow>> {
  const found = new Map<string, ResultRow>();
  for (let at = 0; at < origins.length; at += MAX_ORIGINS) {
    const among = origins
      .slice(at, at + MAX_ORIGINS)
      .map(sqlText)
      .join(', ');
    const rows = once(lake, loadsTable, `kind <> ${sqlText(AMENDED)} AND origin IN (${among})`);
    for await (const row of lake.query(`SELECT * FROM ${rows}`)) found.set(String(row.origin), row);
  }
  return found;
}

/**
 * Notes which rejected lines are about to become rows; `amend` notes that they have.
 *
 * @param before what the ledger has noted of the origin
 * @returns what it has noted now
 * @throws OvertakenError when another operation amends the same origin: run this one again
 */
export function begin(lake: LakeHandle, base: ResultRow, before: Noted, positions: readonly number[]): Promise<Noted> {
  return note(lake, base, { ...before, begun: union(before.begun, positions) });
}

/**
 * Writes the corrected counts to `loads`, then notes the amendment in the ledger. Firehose must have acknowledged the
 * amended lines before.
 *
 * @param base the row that the origin's load wrote to `loads`
 * @throws OvertakenError when another operation amends the same origin: run this one again
 */
export async function amend(lake: LakeHandle, base: ResultRow, before: Noted, more: Amendment): Promise<void> {
  const amendment = merged(before.amendment, more);
  if (!changes(before.amendment, amendment)) return;
  await sendRows(lake, [lake.loadsStream], [amendedRow(base, amendment)]);
  const done = new Set(amendment.rows);
  await note(lake, base, { ...before, amendment, begun: before.begun.filter((position) => !done.has(position)) });
}

/** Whether an amendment amends lines that the one before does not. */
export function changes(before: Amendment, { rows, rejected }: Amendment): boolean {
  return rows.length + rejected.length !== before.rows.length + before.rejected.length;
}

/** The row of `loads` with an origin's counts after all of its amendments. */
export function amendedRow(base: ResultRow, amendment: Amendment): string {
  const [rows, rejected] = [amendment.rows.length, amendment.rejected.length];
  return loadsRow(String(base.origin), {
    ...Object.fromEntries(Object.keys(LOADS_COLUMNS).map((name) => [name, columnValue(name, base[name])])),
    kind: AMENDED,
    rows: Number(base.rows) + rows - rejected,
    rejected: Number(base.rejected) - rows + rejected,
    field_errors: Number(base.field_errors) + amendment.fieldErrors,
    unknown_fields: Number(base.unknown_fields) + amendment.unknownFields,
    first_event_time: earliest(base.first_event_time, amendment.firstEventTime),
    last_event_time: latest(base.last_event_time, amendment.lastEventTime),
    finished_at: new Date().toISOString(),
  });
}

export function merged(one: Amendment, other: Amendment): Amendment {
  return {
    rows: union(one.rows, other.rows),
    rejected: union(one.rejected, other.rejected),
    fieldErrors: one.fieldErrors + other.fieldErrors,
    unknownFields: one.unknownFields + other.unknownFields,
    firstEventTime: least(one.firstEventTime, other.firstEventTime),
    lastEventTime: least(one.lastEventTime, other.lastEventTime, -1),
  };
}

function union(one: readonly number[], other: readonly number[]): number[] {
  return [...new Set([...one, ...other])].sort((a, b) => a - b);
}

/** The lesser of the two numbers, or the greater if `sign` is -1; a missing number is ignored. */
function least(one: number | undefined, other: number | undefined, sign = 1): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return sign * Math.min(sign * one, sign * other);
}

function columnValue(name: string, value: unknown): string | number | undefined {
  if (value === null || value === undefined) return undefined;
  if (name.endsWith('_at') || name.endsWith('_time')) return timeOf(value).toISOString();
  return typeof value === 'number' ? value : String(value);
}

function earliest(base: unknown, millis: number | undefined): string | undefined {
  return isoText(least(base === null ? undefined : timeOf(base).getTime(), millis));
}

function latest(base: unknown, millis: number | undefined): string | undefined {
  return isoText(least(base === null ? undefined : timeOf(base).getTime(), millis, -1));
}

function isoText(millis: number | undefined): string | undefined {
  return millis === undefined ? undefined : new Date(millis).toISOString();
}
