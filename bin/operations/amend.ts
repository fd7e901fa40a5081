/**
 * Lines that end elsewhere than their load said: a rejected line that became a row after a fix, a row
 * that could not be converted and was rejected. The origin then gets another row in `loads`, of kind
 * `amended`, with the counts as they are now: lines = rows + filtered + rejected goes on to hold, of the
 * latest row of each origin.
 *
 *   begun, in the ledger ─► lines acknowledged ─► loads row acknowledged ─► noted in the ledger
 *
 * What is found begun and not noted is done again: lines that are in their table already are then counted too.
 * The counts are the load's own and the positions noted, never counted on from the last amendment: so
 * what is done again after a death between these comes to the same.
 */
import { type AttributeValue, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { entryIdOf } from '../../lambdas/core/loading/input.ts';
import { loadsRow } from '../../lambdas/core/loading/lake-rows.ts';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import { LOADS_COLUMNS, loadsTable } from '../../lambdas/core/tables/lake-tables.ts';
import { type LakeHandle, once, type ResultRow, sqlText, timeOf } from './lake-handle.ts';
import { sendRows } from './send-rows.ts';

/** `kind` of a row in `loads` that says what an origin came to after its load. */
export const AMENDED = 'amended';

/** What became of an origin's lines after its load. */
export interface Amendment {
  /** Positions of rejected lines that became rows. */
  readonly rows: readonly number[];
  /** Positions of rows that were rejected. */
  readonly rejected: readonly number[];
  readonly fieldErrors: number;
  readonly unknownFields: number;
  /** Milliseconds since the epoch, of the new rows. */
  readonly firstEventTime?: number;
  readonly lastEventTime?: number;
}

export const NO_AMENDMENT: Amendment = { rows: [], rejected: [], fieldErrors: 0, unknownFields: 0 };

/** Origins one query names. */
const MAX_ORIGINS = 1000;

/** The rows of `loads` of the given origins as their loads wrote them, without amendments. */
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

/** What has been noted of an origin since the load that wrote `base`, and the rejected lines whose becoming rows was only begun. */
export async function amendmentOf(
  lake: LakeHandle,
  base: ResultRow,
): Promise<Amendment & { begun: readonly number[] }> {
  const { amendment, begun } = await noted(lake, base);
  return { ...amendment, begun };
}

/**
 * Notes which rejected lines are about to become rows; `amend` ends it.
 *
 * @throws ConditionalCheckFailedException when another operation amends the same origin: run this again
 */
export async function begin(lake: LakeHandle, base: ResultRow, positions: readonly number[]): Promise<void> {
  const { amendment, version, begun } = await noted(lake, base);
  await note(lake, base, { amendment, version, begun: union(begun, positions) });
}

/**
 * Notes what became of lines, which must be acknowledged before, and has `loads` say so.
 *
 * @param base the origin's row in `loads`, as its load wrote it
 * @throws ConditionalCheckFailedException when another operation amends the same origin: run this again
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
  /** Positions of rejected lines that may be rows already, and are not counted as such. */
  readonly begun: readonly number[];
  readonly version: number;
}

/** Positions as ranges, `1-3,7`: what fails together lies together. */
interface Stored extends Omit<Amendment, 'rows' | 'rejected'> {
  /** When the load ended that is amended: a later load of the same object has amendments of its own. */
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

/** The lesser of those there are, or with `sign` -1 the greater. */
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
