/**
 * Amendments: corrections of a load's counts, needed when a rejected line becomes a row after a fix, or when a row
 * that Firehose could not convert becomes a rejected line. The origin then gets another row in `loads`, of kind
 * `amended`, with the current counts. So lines = rows + filtered + rejected still holds for the latest row of each
 * origin.
 *
 *   begun, in the ledger ─► lines acknowledged ─► loads row acknowledged ─► recorded in the ledger
 *
 * An amendment that was begun but not recorded is repeated; the repetition also counts the lines that are already in
 * their table. The counts are computed from the load's own counts and the recorded positions, never from the previous
 * amendment, so that a repetition after a crash has the same result.
 */
import { type AttributeValue, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { entryIdOf } from '../../lambdas/core/loading/input.ts';
import { loadsRow } from '../../lambdas/core/loading/lake-rows.ts';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import { LOADS_COLUMNS, loadsTable } from '../../lambdas/core/tables/lake-tables.ts';
import { type LakeHandle, once, type ResultRow, sqlText, timeOf } from './lake-handle.ts';
import { sendRows } from './send-rows.ts';

/** `kind` of a row in `loads` that replaces the counts of an origin's load. */
export const AMENDED = 'amended';

/** How the outcome of an origin's lines changed after its load. */
export interface Amendment {
  /** Positions of rejected lines that became rows. */
  readonly rows: readonly number[];
  /** Positions of rows that were rejected. */
  readonly rejected: readonly number[];
  readonly fieldErrors: number;
  readonly unknownFields: number;
  /** Event times of the new rows, in milliseconds since the epoch. */
  readonly firstEventTime?: number;
  readonly lastEventTime?: number;
}

export const NO_AMENDMENT: Amendment = { rows: [], rejected: [], fieldErrors: 0, unknownFields: 0 };

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
 * What the ledger has recorded about an origin since the load that wrote `base`, and the positions of rejected lines
 * whose replay was started but not confirmed.
 */
export async function amendmentOf(
  lake: LakeHandle,
  base: ResultRow,
): Promise<Amendment & { begun: readonly number[] }> {
  const { amendment, begun } = await noted(lake, base);
  return { ...amendment, begun };
}

/**
 * Records which rejected lines are about to become rows; `amend` records that they have.
 *
 * @throws ConditionalCheckFailedException when another operation amends the same origin: run this one again
 */
export async function begin(lake: LakeHandle, base: ResultRow, positions: readonly number[]): Promise<void> {
  const { amendment, version, begun } = await noted(lake, base);
  await note(lake, base, { amendment, version, begun: union(begun, positions) });
}

/**
 * Writes the corrected counts to `loads`, then records the amendment in the ledger. Firehose must have acknowledged
 * the amended lines before.
 *
 * @param base the row that the origin's load wrote to `loads`
 * @throws ConditionalCheckFailedException when another operation amends the same origin: run this one again
 */
export async function amend(lake: LakeHandle, base: ResultRow, more: Amendment): Promise<void> {
  const before = await noted(lake, base);
  const amendment = merged(before.amendment, more);
  const { length: rows } = amendment.rows;
  const { length: rejected } = amendment.rejected;
  if (rows + rejected === before.amendment.rows.length + before.amendment.rejected.length) return;
  const row = loadsRow(String(base.origin), {
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
  await sendRows(lake, [lake.loadsStream], [row]);
  const done = new Set(amendment.rows);
  await note(lake, base, { ...before, amendment, begun: before.begun.filter((position) => !done.has(position)) });
}

interface Noted {
  readonly amendment: Amendment;
  /** Positions of rejected lines that may already be rows but are not yet counted as rows. */
  readonly begun: readonly number[];
  readonly version: number;
}

/** Positions are stored as ranges, `1-3,7`: lines that fail for one reason often follow one another. */
interface Stored extends Omit<Amendment, 'rows' | 'rejected'> {
  /** When the amended load finished: a later load of the same object has its own amendments. */
  readonly of: string;
  readonly rows: string;
  readonly rejected: string;
  readonly begun: string;
}

async function noted({ dynamodb, ledgerTable }: LakeHandle, base: ResultRow): Promise<Noted> {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: ledgerTable, Key: keyOf(base), ConsistentRead: true }),
  );
  const version = Number(Item?.token?.N ?? 0);
  const stored = Item?.amendment?.S === undefined ? undefined : (JSON.parse(Item.amendment.S) as Stored);
  if (!stored || stored.of !== base.finished_at) return { amendment: NO_AMENDMENT, begun: [], version };
  const { rows, rejected, begun, ...rest } = stored;
  return {
    amendment: { ...rest, rows: positions(rows), rejected: positions(rejected) },
    begun: positions(begun),
    version,
  };
}

const isUnchanged = 'attribute_not_exists(#id) OR #token = :version';

async function note(lake: LakeHandle, base: ResultRow, { amendment, begun, version }: Noted): Promise<void> {
  const { dynamodb, ledgerTable, ledgerDays } = lake;
  const { fieldErrors, unknownFields, firstEventTime, lastEventTime } = amendment;
  const stored: Stored = {
    of: String(base.finished_at),
    rows: ranges(amendment.rows),
    rejected: ranges(amendment.rejected),
    begun: ranges(begun),
    ...{ fieldErrors, unknownFields, firstEventTime, lastEventTime },
  };
  await dynamodb.send(
    new PutItemCommand({
      TableName: ledgerTable,
      Item: {
        ...keyOf(base),
        state: { S: AMENDED },
        source: { S: String(base.source) },
        label: { S: `lines of origin ${base.origin} after its load` },
        token: { N: String(version + 1) },
        amendment: { S: JSON.stringify(stored) },
        [LEDGER.expiry]: { N: String(Math.ceil(Date.now() / 1000) + ledgerDays * 86_400) },
      },
      ConditionExpression: isUnchanged,
      ExpressionAttributeNames: { '#id': LEDGER.key, '#token': 'token' },
      ExpressionAttributeValues: { ':version': { N: String(version) } },
    }),
  );
}

function keyOf({ origin }: ResultRow): Record<string, AttributeValue> {
  return { [LEDGER.key]: { S: entryIdOf([AMENDED, String(origin)]) } };
}

function merged(one: Amendment, other: Amendment): Amendment {
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

function ranges(sorted: readonly number[]): string {
  const found: [number, number][] = [];
  for (const position of sorted) {
    const last = found.at(-1);
    if (last && last[1] === position - 1) last[1] = position;
    else found.push([position, position]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function positions(text: string): number[] {
  if (text === '') return [];
  return text.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
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
