/**
 * One run of the committer: finds the tables whose files have waited long enough, and commits these. table-commits.ts has
 * the records, and what a crash leaves. It calls no AWS service and reads no clock itself.
 */
import { AttemptLists, type TableFiles } from './attempt-lists.ts';
import { BATCH, type Batch } from './batch.ts';
import { type CommitPorts, type Committed, perform } from './commit.ts';
import { expireDays } from './expire-days.ts';
import { inTurn } from './in-turn.ts';
import { isPending, pendingBatches } from './pending-batches.ts';
import { putOffAfter } from './put-off.ts';
import { isSince, LedgerSetBackError, newestOther, setBackMessage } from './set-back.ts';
import { type CommitList, type CommittedBatch, commitKey, type TableRecord } from './table-commits.ts';

export interface CommitOptions {
  readonly sources: readonly string[];
  /** The time of this run, in milliseconds since the epoch: it decides what has waited long enough. */
  readonly dueAt: number;
  /** Milliseconds after which files wait no longer for others. */
  readonly intervalMs: number;
  /** A table that many of its kind share a source with: its few files wait longer. */
  readonly isQuiet: (table: string) => boolean;
  /** The first day that a source's tables keep, yyyy-MM-dd. */
  readonly keepFrom: (source: string) => string;
  /** A name that no other list has. */
  readonly newId: () => string;
}

/** What a run has done. */
export interface CommitRun {
  /** Batches that still wait for a commit. */
  readonly left: number;
  readonly committed: readonly Committed[];
  readonly failed: readonly Failed[];
  /** ISO 8601: since when the oldest files of a source wait that are not committed. */
  readonly waitingSince: ReadonlyMap<string, string>;
}

/** What failed, by the table or, if that cannot be found out, the batch. */
export interface Failed {
  readonly name: string;
  readonly error: unknown;
  /** ISO 8601: not before this time is it tried again. @default - in the next run */
  readonly retryAt?: string;
}

/** Tables that are committed to at a time. */
const TABLES_AT_A_TIME = 16;
/** Tables of which old days are removed at a time: their manifests are read and written. */
const EXPIRING_AT_A_TIME = 4;
/** Files that one commit adds, unless its first batch has more: a manifest of as many is about 1 MB. */
const MAX_FILES = 1_000;
/** Quiet tables wait for so many bytes, or for so long. */
const QUIET_BYTES = 32 * 1024 * 1024;
export const QUIET_MS = 60 * 60_000;
const DAY_MS = 86_400_000;

/** Files whose entries are in memory at a time: about 1.2 KB of JSON each. */
const FILES_IN_MEMORY = 50_000;

/** Lists that are read at a time, and how long a run looks at lists: what is left of its time is for commits. */
const LISTS_AT_A_TIME = 16;
const LOOKING_MS = 60_000;

/** Files of a table in a batch that are not committed. */
interface Pending extends CommittedBatch {
  readonly table: TableFiles;
  readonly source: string;
  /** When the batch was planned, ISO 8601. */
  readonly since: string;
  readonly storedAt: string;
}

export async function commitTables(ports: CommitPorts, options: CommitOptions): Promise<CommitRun> {
  const lists = new AttemptLists(ports.lake);
  const failed: Failed[] = [];
  const bySource: Batch[][] = [];
  for (const source of options.sources) bySource.push(await pendingBatches(ports.ledger, source, options.dueAt));
  // In turn: batches of a source that cannot be committed to must not take up the time of the others.
  const stored = inTurn(bySource);
  const pending = byTable(await pendingOf(stored, failed, lists, ports));
  const due = [...pending.values()].filter((files) => isDue(files, options)).map(workOf);
  const expiring = await ports.ledger.expiring(timeAt(options.dueAt));
  // A commit that was planned before may not have ended, though no more files have come.
  const others = expiring
    .filter(({ table }) => !due.some((work) => work.table === table))
    .map(({ table, source }): Work => ({ table, source, batches: [], files: 0 }));
  const results: Done[] = [];
  for (const group of grouped([...due, ...others])) {
    const lake = lists.keeping(group.map(({ table }) => table));
    for (const works of chunks(group, TABLES_AT_A_TIME)) {
      if (ports.outOfTime()) break;
      results.push(...(await commitSome(works, failed, lists, { ...ports, lake }, options)));
    }
  }
  for (const records of chunks(expiring, EXPIRING_AT_A_TIME)) {
    if (ports.outOfTime()) break;
    await Promise.all(records.map((record) => expire(record, failed, ports, options)));
  }
  const done = new Set(results.flatMap(({ list }) => list.batches.map(({ batch, index }) => `${batch} ${index}`)));
  const left = stored.filter(({ id, uncommitted = [] }) => !uncommitted.every((index) => done.has(`${id} ${index}`)));
  return {
    left: left.length,
    committed: results.map(({ committed }) => committed),
    failed,
    waitingSince: oldest(left),
  };
}

/**
 * Removes the old days of a table, and has it maintained if it was made at its first row. That it was done is noted first: if
 * it fails or the process dies, these rows stay a day longer, and hold up no others.
 */
async function expire(
  { table, source, list }: TableRecord,
  failed: Failed[],
  ports: CommitPorts,
  { dueAt, keepFrom, isQuiet }: CommitOptions,
): Promise<void> {
  try {
    await ports.ledger.expireAgain(table, timeAt(dueAt + DAY_MS));
    // A table that takes no commits may have one planned for longer than S3 keeps lists: see renew-lists.ts.
    if (list !== undefined) await ports.lake.renewList(list);
    // Deployments see to the tables of whole sources.
    if (isQuiet(table)) await ports.maintain?.(table);
    const isDone = await expireDays(table, keepFrom(source), ports);
    if (!isDone) await ports.ledger.expireAgain(table, timeAt(dueAt));
  } catch (error) {
    failed.push({ name: table, error });
  }
}

function timeAt(ms: number): string {
  return new Date(ms).toISOString();
}

/** A table that has files to get. */
interface Work {
  readonly table: string;
  readonly source: string;
  /** Ids of batches with files of it. */
  readonly batches: readonly string[];
  readonly files: number;
}

interface Done {
  readonly record: TableRecord;
  readonly list: CommitList;
  readonly committed: Committed;
}

/** Commits to some tables, and has their batches and records know. A table that fails does not hold up the others. */
async function commitSome(
  works: readonly Work[],
  failed: Failed[],
  lists: AttemptLists,
  ports: CommitPorts,
  options: CommitOptions,
): Promise<Done[]> {
  const { ledger } = ports;
  // The records first: see table-commits.ts.
  const records = await Promise.all(works.map(({ table, source }) => ledger.recordOf(table, source)));
  const ids = new Set(works.flatMap(({ batches }) => batches));
  const batches = await Promise.all([...ids].map((id) => ledger.read(id)));
  const pending = byTable(
    await pendingOf(batches.filter((batch) => batch !== undefined).filter(isPending), failed, lists, ports),
  );
  const tried = await Promise.all(
    works.map(async ({ table }, index) => {
      let record = records[index] as TableRecord;
      if (record.retryAt !== undefined && record.retryAt > timeAt(options.dueAt)) return undefined;
      try {
        const planned = await plannedFor(record, pending.get(table) ?? [], ports, options);
        if (!planned) return undefined;
        ({ record } = planned);
        return { ...planned, committed: await perform(record, planned.list, ports) };
      } catch (error) {
        const until = putOffAfter(error, record, ports.now());
        failed.push({ name: table, error, retryAt: until.retryAt });
        await ledger.putOff(record, until).catch((other: unknown) => failed.push({ name: table, error: other }));
        return undefined;
      }
    }),
  );
  const all = tried.filter((each) => each !== undefined);
  await noteCommitted(all, ports);
  for (const { record } of all) await ledger.endCommit(record);
  return all;
}

type Planned = Pick<Done, 'record' | 'list'>;

/** The commit that is planned, or is planned now. @returns undefined if there is nothing to do, or another run was first */
async function plannedFor(
  record: TableRecord,
  pending: readonly Pending[],
  ports: CommitPorts,
  { newId }: CommitOptions,
): Promise<Planned | undefined> {
  const { ledger, lake } = ports;
  if (record.list !== undefined) return { record, list: await lake.getList<CommitList>(record.list) };
  if (pending.length === 0) return undefined;
  if (record.number === 0) await requireKnown(record, pending, ports);
  const { table, last } = record;
  const list: CommitList = { table, batches: firstOf(pending), ...(last !== undefined && { after: last }) };
  const key = commitKey(record, newId());
  await lake.putList(key, list);
  const planned = await ledger.planCommit(record, key);
  return planned && { record: planned, list };
}

/** The first commit of a record: if the ledger was set back to a time before the record, the table says so. */
async function requireKnown(record: TableRecord, pending: readonly Pending[], { catalog, lake }: CommitPorts) {
  const loaded = await catalog.load(record.table);
  const other = loaded && (await newestOther(record, loaded.metadata, lake));
  if (other && pending.some(({ since }) => isSince(other, since))) {
    throw new LedgerSetBackError(setBackMessage(record, other));
  }
}

/** Tells each batch once of all its tables. Who has the last one committed has the batch published. */
async function noteCommitted(all: readonly Done[], { ledger, send }: CommitPorts): Promise<void> {
  const committed = new Map<string, number[]>();
  for (const { list } of all) {
    for (const { batch, index } of list.batches) committed.set(batch, [...(committed.get(batch) ?? []), index]);
  }
  for (const [id, tables] of committed) {
    const batch = await ledger.committed(id, tables);
    // If the process dies before this, the planner sends the batch.
    if (batch?.state === BATCH.stored && !batch.uncommitted) await send(id);
  }
}

/** What the batches have that is not committed, by their lists; if very many wait, what the first of them have. */
async function pendingOf(
  batches: readonly Batch[],
  failed: Failed[],
  lists: AttemptLists,
  { now }: CommitPorts,
): Promise<Pending[]> {
  const until = now().getTime() + LOOKING_MS;
  const pending: Pending[] = [];
  for (const some of chunks(batches, LISTS_AT_A_TIME)) {
    if (now().getTime() > until) break;
    const found = some.map((batch) =>
      pendingIn(batch, lists).catch((error: unknown) => {
        failed.push({ name: `batch ${batch.id}`, error });
        return [];
      }),
    );
    pending.push(...(await Promise.all(found)).flat());
  }
  return pending;
}

async function pendingIn(
  { id, source, since, attempt = '', uncommitted = [], storedAt = '' }: Batch,
  lists: AttemptLists,
): Promise<Pending[]> {
  const tables = await lists.tablesOf(attempt);
  return uncommitted.map((index) => {
    const table = tables[index];
    if (!table) throw new Error(`batch ${id}: expected table ${index} in ${attempt}, got ${tables.length} tables`);
    return { batch: id, attempt, index, table, source, since, storedAt };
  });
}

function byTable(pending: readonly Pending[]): Map<string, Pending[]> {
  const ordered = pending.toSorted((a, b) => (a.storedAt < b.storedAt ? -1 : Number(a.storedAt > b.storedAt)));
  return Map.groupBy(ordered, ({ table }) => table.name);
}

function isDue(files: readonly Pending[], { dueAt, intervalMs, isQuiet }: CommitOptions): boolean {
  const [first] = files;
  if (!first) return false;
  const waited = dueAt - Date.parse(first.storedAt);
  if (waited < intervalMs) return false;
  if (!isQuiet(first.table.name) || waited >= QUIET_MS) return true;
  return files.reduce((sum, { table }) => sum + table.bytes, 0) >= QUIET_BYTES;
}

function workOf(files: readonly Pending[]): Work {
  const [{ table, source }] = files as [Pending];
  const count = files.reduce((sum, each) => sum + each.table.files, 0);
  return { table: table.name, source, batches: files.map(({ batch }) => batch), files: count };
}

/** The oldest, as many as a commit adds; all of them written for the same table. */
function firstOf(pending: readonly Pending[]): CommittedBatch[] {
  const taken: CommittedBatch[] = [];
  let files = 0;
  for (const { batch, attempt, index, table } of pending) {
    if (table.uuid !== pending[0]?.table.uuid) continue;
    files += table.files;
    if (taken.length > 0 && files > MAX_FILES) break;
    taken.push({ batch, attempt, index });
  }
  return taken;
}

function oldest(batches: readonly Batch[]): Map<string, string> {
  const since = new Map<string, string>();
  for (const { source, storedAt } of batches) {
    const known = since.get(source);
    if (storedAt !== undefined && (known === undefined || storedAt < known)) since.set(source, storedAt);
  }
  return since;
}

/** Tables whose files are in memory together: a source whose rows are divided may have files of thousands. */
function* grouped(works: readonly Work[]): Generator<Work[]> {
  let group: Work[] = [];
  let files = 0;
  for (const work of works) {
    if (group.length > 0 && files + work.files > FILES_IN_MEMORY) {
      yield group;
      group = [];
      files = 0;
    }
    group.push(work);
    files += work.files;
  }
  if (group.length > 0) yield group;
}

function* chunks<Of>(all: readonly Of[], size: number): Generator<Of[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
