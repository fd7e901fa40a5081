/** Which commits were made to a table, of all that were planned, by the lists in the lake bucket. */
import type { LakeFiles } from './ports.ts';
import { LedgerSetBackError, type MadeCommit } from './set-back.ts';
import { COMMITS_PREFIX, type CommitList } from './table-commits.ts';

/**
 * The lists of the commits from one that is known up to the last one. Of several lists of a number, one was performed: the
 * list of the next commit names it.
 *
 * @param known number of the last commit that is known: its list is among them, because its batches may not know it
 * @throws LedgerSetBackError if the lists do not say it
 */
export async function commitsSince(
  table: string,
  { made, known }: { readonly made: MadeCommit; readonly known: number },
  ports: {
    readonly lake: Pick<LakeFiles, 'findList'>;
    readonly listsOf: (table: string) => Promise<readonly string[]>;
  },
): Promise<CommitList[]> {
  const byNumber = Map.groupBy(await ports.listsOf(table), numberOf);
  const found: CommitList[] = [];
  let key: string | undefined = made.list;
  for (let number = made.number; number >= Math.max(1, known); number--) {
    if (key === undefined || numberOf(key) !== number) {
      // A version that did not name it has made the next commit.
      const [only, ...others] = byNumber.get(number) ?? [];
      if (only === undefined && number === known) break;
      if (only === undefined || others.length > 0)
        throw unknown(table, number, others.length === 0 ? 'no list' : 'lists');
      key = only;
    }
    const list: CommitList | undefined = await ports.lake.findList<CommitList>(key);
    if (!list) throw unknown(table, number, 'no list');
    found.push(list);
    key = list.after;
  }
  return found;
}

/** Number of the commit that a list is of. */
function numberOf(key: string): number {
  return Number(/\/(\d+)-[^/]+$/.exec(key)?.[1] ?? 0);
}

function unknown(table: string, number: number, what: string): LedgerSetBackError {
  return new LedgerSetBackError(
    `Iceberg table ${table}: expected to find out what commit ${number} had, got ${what} of it in ${COMMITS_PREFIX}${table}/`,
  );
}
