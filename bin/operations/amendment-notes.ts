/** What the ledger notes of the lines of an origin after its load: one item for each origin. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { ListedAmendment } from '../../lambdas/core/direct/attempt-list.ts';
import { entryIdOf } from '../../lambdas/core/loading/input.ts';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import { CommandError } from '../output/command-error.ts';
import type { LakeHandle, ResultRow } from './lake-handle.ts';
import { itemsOf } from './ledger-entries.ts';

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

/** What the amendment will be if the batch is sealed with this attempt. */
export interface PendingAmendment {
  readonly batch: string;
  /** Key of the attempt's list. */
  readonly attempt: string;
  readonly amendment: Amendment;
}

export interface Noted {
  readonly amendment: Amendment;
  /** Through Firehose: positions of rejected lines that may already be rows but are not yet counted as rows. */
  readonly begun: readonly number[];
  /** On the direct lane. */
  readonly pending?: PendingAmendment | undefined;
  readonly version: number;
}

/** Positions are stored as ranges, `1-3,7`: lines that fail for one reason often follow one another. */
interface StoredAmendment extends Omit<Amendment, 'rows' | 'rejected'> {
  readonly rows: string;
  readonly rejected: string;
}

interface Stored extends StoredAmendment {
  /** When the amended load finished: a later load of the same object has its own amendments. */
  readonly of: string;
  readonly begun: string;
  readonly pending?: Omit<PendingAmendment, 'amendment'> & { readonly amendment: StoredAmendment };
}

export async function noted({ dynamodb, ledgerTable }: LakeHandle, base: ResultRow): Promise<Noted> {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: ledgerTable, Key: keyOf(String(base.origin)), ConsistentRead: true }),
  );
  const version = Number(Item?.token?.N ?? 0);
  const stored = Item?.amendment?.S === undefined ? undefined : (JSON.parse(Item.amendment.S) as Stored);
  if (!stored || stored.of !== base.finished_at) return { amendment: NO_AMENDMENT, begun: [], version };
  const { of: _, begun, pending, ...amendment } = stored;
  return {
    amendment: read(amendment),
    begun: positions(begun),
    ...(pending && { pending: { ...pending, amendment: read(pending.amendment) } }),
    version,
  };
}

/** Whether lines of any of the origins changed after their loads, or may have. */
export async function anyAmended(lake: LakeHandle, origins: readonly string[]): Promise<boolean> {
  const items = await itemsOf(lake, origins.map(noteIdOf));
  return items.some(({ amendment }) => {
    const { rows, rejected, begun, pending } = JSON.parse(amendment?.S ?? '{}') as Partial<Stored>;
    return Boolean(rows || rejected || begun || pending);
  });
}

/** Another operation changes lines of the same origins. */
export class OvertakenError extends CommandError {
  override readonly name: string = 'OvertakenError';
}

const isUnchanged = 'attribute_not_exists(#id) OR #token = :version';

/**
 * Notes what has changed since `noted` read it.
 *
 * @returns what is noted now
 * @throws OvertakenError when another operation has noted something since
 */
export async function note(
  lake: LakeHandle,
  base: ResultRow,
  { amendment, begun, pending, version }: Noted,
): Promise<Noted> {
  const { dynamodb, ledgerTable, ledgerDays } = lake;
  const stored: Stored = {
    of: String(base.finished_at),
    ...written(amendment),
    begun: ranges(begun),
    ...(pending && { pending: { ...pending, amendment: written(pending.amendment) } }),
  };
  const put = new PutItemCommand({
    TableName: ledgerTable,
    Item: {
      ...keyOf(String(base.origin)),
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
  });
  await dynamodb.send(put).catch((error: unknown) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    throw new OvertakenError(`origin ${base.origin}: another operation amends its lines; run this one again`);
  });
  return { amendment, begun, pending, version: version + 1 };
}

/** What the list of a batch says of an amendment that it makes. */
export function listed({ origin, source, finished_at: of }: ResultRow, amendment: Amendment): ListedAmendment {
  const own = { origin: String(origin), source: String(source), of: String(of) };
  return { ...own, amendment: JSON.stringify(written(amendment)) };
}

/**
 * Notes amendments of batches that a ledger which was set back has forgotten, as far as it does not know as much of them. They add
 * up: each has what those before it have.
 */
export async function noteAgain(lake: LakeHandle, amendments: readonly ListedAmendment[]): Promise<void> {
  for (const { origin, source, of, amendment: text } of amendments) {
    const base: ResultRow = { origin, source, finished_at: of };
    const before = await noted(lake, base);
    const amendment = read(JSON.parse(text) as StoredAmendment);
    const lines = ({ rows, rejected }: Amendment) => rows.length + rejected.length;
    if (lines(amendment) > lines(before.amendment))
      await note(lake, base, { ...before, amendment, pending: undefined });
  }
}

function keyOf(origin: string): Record<string, AttributeValue> {
  return { [LEDGER.key]: { S: noteIdOf(origin) } };
}

function noteIdOf(origin: string): string {
  return entryIdOf([AMENDED, origin]);
}

function written({ rows, rejected, ...rest }: Amendment): StoredAmendment {
  return { rows: ranges(rows), rejected: ranges(rejected), ...rest };
}

function read({ rows, rejected, ...rest }: StoredAmendment): Amendment {
  return { rows: positions(rows), rejected: positions(rejected), ...rest };
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
