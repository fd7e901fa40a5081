/**
 * Tells a ledger that was set back to an earlier time what it has forgotten of the commits to Iceberg tables. The tables
 * say which commit was made last, its list names the one before it, and so on down to the one that the ledger knows:
 *
 *   lists of commits ─► batches whose files are in the tables ─► lists of their attempts ─► objects whose rows are there
 *
 * 0. A record that is younger than commits to its table becomes one of their committer, of which it knows nothing.
 * 1. The entries of these objects are noted as members of these batches, so that nobody loads them again. An entry may be
 *    in another place than before (loading/versions.ts), which the lists of the batch then say.
 * 2. Batches that were made of such objects since are closed. Their other members wait again.
 * 3. Batches whose objects are all their members are put back as stored, without the tables that have their files; they
 *    are published again.
 * 4. When a pass finds nothing of this any more, the records of the tables go on after the last commits.
 *
 * Until the last step the committer commits nothing to the tables, so rows come once, although all other functions may run
 * meanwhile. Each step can be repeated: if the process dies, the command is run again.
 */
import type { IcebergCatalog } from '../iceberg/ports.ts';
import { entryPlaces } from '../loading/input.ts';
import { type AttemptList, loadedIn } from './attempt-list.ts';
import { BATCH, type Batch, type Candidate } from './batch.ts';
import { commitsSince } from './commits-since.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';
import {
  type AmendmentPorts,
  type CommittedBatch,
  type EntriesLedger,
  entriesIn,
  noteEntries,
  unclear,
} from './reconcile-entries.ts';
import { type MadeCommit, madeCommits, newestOther } from './set-back.ts';
import type { CommitLedger, TableRecord } from './table-commits.ts';

/** The ledger, as reconciling uses it. Each write may be repeated. */
export interface ReconcileLedger
  extends Pick<BatchLedger, 'read' | 'committed' | 'waitAgain' | 'advance'>,
    Pick<CommitLedger, 'recordOf'>,
    EntriesLedger {
  /** Puts a batch as stored, if it is still as it was read; undefined: if there is none. */
  putBack(before: Batch | undefined, batch: StoredBatch): Promise<void>;
  /** Has a record go on after a commit of a committer, if it is still as it was read. @param list undefined: there is none */
  adopt(record: TableRecord, made: Omit<MadeCommit, 'list'> & { readonly list?: string }): Promise<void>;
}

export type StoredBatch = Required<
  Pick<Batch, 'id' | 'source' | 'since' | 'attempt' | 'tables' | 'storedAt' | 'uncommitted'>
>;

export interface ReconcilePorts extends AmendmentPorts {
  readonly ledger: ReconcileLedger;
  readonly lake: Pick<LakeFiles, 'getList' | 'findList' | 'putList'>;
  readonly catalog: Pick<IcebergCatalog, 'load'>;
  /** Keys of the lists of all commits that were planned for a table. */
  readonly listsOf: (table: string) => Promise<readonly string[]>;
  readonly now: () => Date;
}

/** What a pass has found, and done unless it was only to look. */
export interface Reconciled {
  /** Tables with commits that the ledger does not know. */
  readonly setBack: readonly string[];
  /** Commits from the last one that the ledger knows on, and batches with their files. */
  readonly commits: number;
  readonly batches: number;
  /** Objects that were noted as loaded, batches that were put back or closed. */
  readonly objects: number;
  readonly putBack: readonly string[];
  readonly closed: readonly string[];
  /** Batches of such objects that are being written: another pass has to look at them later. */
  readonly busy: readonly string[];
  /** Nothing was left to be done, and the records go on after the last commits. */
  readonly isDone: boolean;
}

/** A table with commits that the ledger does not know. */
interface SetBack {
  readonly record: TableRecord;
  readonly made: MadeCommit;
  /** The last commit that the ledger knows. */
  readonly known: number;
}

/** @throws LedgerSetBackError if the lists do not say what was committed, or rows are there twice already */
export async function reconcile(
  source: string,
  tables: readonly string[],
  ports: ReconcilePorts,
  dryRun: boolean,
): Promise<Reconciled> {
  const setBack = await setBackTables(source, tables, ports, dryRun);
  const lists = (await Promise.all(setBack.map((each) => commitsSince(each.record.table, each, ports)))).flat();
  const batches = await committedBatches(
    lists.flatMap((list) => list.batches),
    ports,
  );
  const wrong = await wrongBatches(batches, ports);
  const { unsettled, closing, busy, settled } = await entriesIn(source, batches, ports);
  for (const batch of closing) requireUncommitted(batch);
  const isDone = unsettled.length === 0 && wrong.length === 0 && closing.length === 0 && busy.length === 0;
  const ready = dryRun ? wrong : wrong.filter(([id]) => settled.has(id));
  if (!dryRun) {
    for (const { batch, member, ended } of unsettled) await ports.ledger.settle({ id: batch, source }, member, ended);
    for (const batch of closing) await close(batch, batches, ports);
    for (const [id, before] of ready) {
      const committed = batches.get(id) as CommittedBatch;
      await noteEntries({ id, source }, committed, settled.get(id) ?? new Map(), ports);
      await ports.noteAmendments(committed.list.amendments ?? []);
      await putBack({ id, source }, before, committed, ports);
    }
    if (isDone) for (const { record, made } of setBack) await ports.ledger.adopt(record, made);
  }
  return {
    setBack: setBack.map(({ record }) => record.table),
    ...{ commits: lists.length, batches: batches.size, objects: unsettled.length },
    ...{ putBack: ready.map(([id]) => id), closed: closing.map(({ id }) => id), busy, isDone },
  };
}

async function setBackTables(
  source: string,
  tables: readonly string[],
  ports: ReconcilePorts,
  dryRun: boolean,
): Promise<SetBack[]> {
  const { ledger, catalog, lake } = ports;
  const found: SetBack[] = [];
  for (const table of tables) {
    let record = await ledger.recordOf(table, source);
    const loaded = await catalog.load(table);
    if (!loaded) continue;
    if (record.number === 0) {
      // Also a new ledger over an old table may be told what that has.
      const other = await newestOther(record, loaded.metadata, lake);
      // A record that does not know how to follow these commits must not follow them.
      if (other) await commitsSince(table, { made: other, known: 0 }, ports);
      if (other && dryRun) found.push({ record, made: other, known: 0 });
      if (other && !dryRun) await ledger.adopt(record, { committer: other.committer, number: 0 });
      if (other) record = await ledger.recordOf(table, source);
    }
    const made = madeCommits(loaded.metadata).find(({ committer }) => committer === record.committer);
    const isPlannedOther = made?.number === record.number && record.list !== undefined && made.list !== record.list;
    if (made && (made.number > record.number || isPlannedOther)) found.push({ record, made, known: record.number });
  }
  return found;
}

async function committedBatches(
  committed: readonly { readonly batch: string; readonly attempt: string; readonly index: number }[],
  { lake }: ReconcilePorts,
): Promise<Map<string, CommittedBatch>> {
  const found = new Map<string, CommittedBatch>();
  for (const { batch, attempt, index } of committed) {
    const known = found.get(batch);
    if (known && known.attempt !== attempt) throw unclear(batch, 'two of its attempts were committed');
    const one = known ?? { attempt, list: await lake.getList<AttemptList>(attempt), tables: new Set() };
    one.tables.add(index);
    found.set(batch, one);
  }
  return found;
}

/** Batches that the ledger has otherwise than they were committed, as it has them. */
async function wrongBatches(batches: ReadonlyMap<string, CommittedBatch>, { ledger }: ReconcilePorts) {
  const wrong: [string, Batch | undefined][] = [];
  for (const [id, { attempt, tables }] of batches) {
    const batch = await ledger.read(id);
    const isSame = batch?.attempt === attempt;
    if (isSame && batch.state === BATCH.written) continue;
    if (isSame && batch.state === BATCH.stored && !batch.uncommitted?.some((index) => tables.has(index))) continue;
    if (batch?.state === BATCH.written) throw unclear(id, 'it was written again since');
    if (batch && !isSame) requireUncommitted(batch);
    wrong.push([id, batch]);
  }
  return wrong;
}

/** Has the ledger know a batch as it was committed. */
async function putBack(
  { id, source }: Pick<Batch, 'id' | 'source'>,
  before: Batch | undefined,
  { attempt, list, tables: committed }: CommittedBatch,
  { ledger, now }: ReconcilePorts,
): Promise<void> {
  // The committer may take other tables out of the set meanwhile.
  if (before?.state === BATCH.stored && before.attempt === attempt) {
    await ledger.committed(id, attempt, [...committed]);
    return;
  }
  const tables = list.tables?.length ?? 0;
  const uncommitted = [...Array(tables).keys()].filter((index) => !committed.has(index));
  const at = now().toISOString();
  const { since = at, storedAt = at } = before ?? {};
  await ledger.putBack(before, { id, source, since, attempt, tables, storedAt, uncommitted });
}

function requireUncommitted(batch: Batch): void {
  if (batch.state !== BATCH.stored || batch.uncommitted?.length === batch.tables) return;
  throw unclear(batch.id, 'some of its tables have its files, and some of its objects were committed before');
}

/** Closes a batch. What it has of objects whose rows are nowhere waits again; if the process dies in between, it is closed by the next one. */
async function close(
  { id, source, attempt = '' }: Batch,
  batches: ReadonlyMap<string, CommittedBatch>,
  { ledger, lake, now }: ReconcilePorts,
): Promise<void> {
  const { members } = await lake.getList<AttemptList>(attempt);
  const ownId = (member: Candidate) => entryPlaces(source, member).id;
  const loaded = new Set([...batches.values()].flatMap(({ list }) => loadedIn(list).map(ownId)));
  for (const { candidate } of members) {
    if (!loaded.has(ownId(candidate))) await ledger.waitAgain(id, candidate, { source, since: now().toISOString() });
  }
  await ledger.advance(id, BATCH.stored, BATCH.failed);
}
