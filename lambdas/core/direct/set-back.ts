/** How a ledger that was set back to an earlier time shows: a table has more commits than the ledger knows. */
import type { TableMetadata } from '../iceberg/metadata.ts';
import { COMMIT } from '../iceberg/properties.ts';
import type { LakeFiles } from './ports.ts';
import type { CommitList, TableRecord } from './table-commits.ts';

/** The ledger says less than a table does of the commits to it. */
export class LedgerSetBackError extends Error {
  override readonly name = 'LedgerSetBackError';
}

/** The last commit of a committer, as a table says it. */
export interface MadeCommit {
  readonly committer: string;
  readonly number: number;
  /** Key of its list. */
  readonly list: string;
}

/** The last commits of all committers that a table has had. */
export function madeCommits({ properties = {} }: Pick<TableMetadata, 'properties'>): MadeCommit[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const [number = '', list = ''] = value.split(' ');
    return name.startsWith(COMMIT) ? [{ committer: name.slice(COMMIT.length), number: Number(number), list }] : [];
  });
}

/** The last commit of a committer, with when the newest of its batches was planned: yyyyMMddHHmmss. */
export type OtherCommit = MadeCommit & { readonly newest: string };

/** The newest commit of a committer that the ledger does not know, of those whose lists are in the lake bucket. */
export async function newestOther(
  { committer }: Pick<TableRecord, 'committer'>,
  metadata: Pick<TableMetadata, 'properties'>,
  lake: Pick<LakeFiles, 'findList'>,
): Promise<OtherCommit | undefined> {
  const found: OtherCommit[] = [];
  for (const other of madeCommits(metadata)) {
    const list = other.committer === committer ? undefined : await lake.findList<CommitList>(other.list);
    if (list) found.push({ ...other, newest: newestOf(list) });
  }
  return found.toSorted((a, b) => (a.newest < b.newest ? -1 : 1)).at(-1);
}

/**
 * Whether a committer that the ledger does not know has committed since one of the ledger's own batches was planned. A new
 * ledger over an old table knows no committer of before either, but all of its batches are younger than their commits.
 *
 * @param since when the batch was planned, ISO 8601
 */
export function isSince({ newest }: OtherCommit, since: string): boolean {
  return newest >= digitsOf(since);
}

const SECOND_DIGITS = 14;

/** When the newest batch of a list was planned, as its id says. */
function newestOf({ batches }: CommitList): string {
  const times = batches.map(({ batch }) => batch.slice(0, SECOND_DIGITS)).filter((time) => /^\d{14}$/.test(time));
  return times.toSorted().at(-1) ?? '';
}

function digitsOf(iso: string): string {
  return iso.replace(/\D/g, '').slice(0, SECOND_DIGITS);
}

/** What a committer says that stops at such a table. */
export function setBackMessage({ table, source, number }: TableRecord, made: MadeCommit): string {
  return (
    `Iceberg table ${table}: it has commit ${made.number} of ${made.committer} (${made.list}), and the ledger knows ${number}: ` +
    'the ledger was set back to an earlier time; nothing is committed to this table until ' +
    `\`lake reconcile ${source}\` has told the ledger what the table has`
  );
}
