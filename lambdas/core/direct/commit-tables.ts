/**
 * One run of the committer: finds the tables whose files have waited long enough, and commits these. table-commits.ts has
 * the records, and what a crash leaves. It calls no AWS service and reads no clock itself.
 */
import { eachOf } from './at-a-time.ts';
import { AttemptLists } from './attempt-lists.ts';
import type { Batch } from './batch.ts';
import { chunks } from './chunks.ts';
import { type CommitPorts, type Committed, perform } from './commit.ts';
import { type DueOptions, dueOf } from './due.ts';
import { expireDays } from './expire-days.ts';
import { inTurn } from './in-turn.ts';
import { type Done, noteCommits } from './note-commits.ts';
import { isPending, pendingBatches } from './pending-batches.ts';
import { putOffAfter } from './put-off.ts';
import { isSince, LedgerSetBackError, newestOther, setBackMessage } from './set-back.ts';
import { type CommitList, type CommittedBatch, commitKey, type TableRecord } from './table-commits.ts';
import { type WaitingFiles, type WaitingTable, waitingFiles, waitingTables } from './waiting-files.ts';

export interface CommitOptions extends DueOptions {
  readonly sources: readonly string[];
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

/**
 * Tables whose batches are read and told together: each time takes as much as all tables of a batch, of which there may be
 * thousands. If a run ends before the batches know, the next one finds these commits planned, and made.
 */
const TABLES_TOGETHER = 256;
/** Tables that are committed to at a time, and batches that are read or told at a time. */
export const TABLES_AT_A_TIME = 16;
const BATCHES_AT_A_TIME = 16;
/** Tables of which old days are removed at a time: their manifests are read and written. */
const EXPIRING_AT_A_TIME = 4;
/** Files that one commit adds, unless its first batch has more: a manifest of as many is about 1 MB. */
const MAX_FILES = 1_000;
const DAY_MS = 86_400_000;

/** Files whose entries are in memory at a time: about 1.2 KB of JSON each. */
const FILES_IN_MEMORY = 50_000;

export async function commitTables(ports: CommitPorts, options: CommitOptions): Promise<CommitRun> {
  const lists = new AttemptLists(ports.lake);
  const failed: Failed[] = [];
  const bySource: Batch[][] = [];
  for (const source of options.sources) bySource.push(await pendingBatches(ports.ledger, source, options.dueAt));
  // In turn: batches of a source that cannot be committed to must not take up the time of the others.
  const stored = inTurn(bySource);
  const due = dueOf(await waitingTables(stored, lists, ports.now, failing(failed)), options);
  const expiring = await ports.ledger.expiring(timeAt(options.dueAt));
  // A commit that was planned before may not have ended, though no more files have come.
  const dueTables = new Set(due.map(({ table }) => table));
  const others = expiring
    .filter(({ table }) => !dueTables.has(table))
    .map(({ table, source }): Work => ({ table, source, batches: [] }));
  const results: Done[] = [];
  const weighing = (work: Work | WaitingTable) => ('files' in work ? work.files : 0);
  for (const group of chunks([...due, ...others], { weighing, atMost: FILES_IN_MEMORY })) {
    const lake = lists.keeping(group.map(({ table }) => table));
    for (const works of chunks(group, { most: TABLES_TOGETHER })) {
      if (ports.outOfTime()) break;
      results.push(...(await commitSome(works, failed, lists, { ...ports, lake }, options)));
    }
  }
  await eachOf(expiring, EXPIRING_AT_A_TIME, async (record) => {
    if (!ports.outOfTime()) await expire(record, failed, ports, options);
  });
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

/** A table that has files to get, or a commit that may not have ended. */
type Work = Pick<WaitingTable, 'table' | 'source' | 'batches'>;

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
  const records = new Map<string, TableRecord>();
  await eachOf(works, TABLES_AT_A_TIME, async ({ table, source }) => {
    records.set(table, await ledger.recordOf(table, source));
  });
  const batches: Batch[] = [];
  await eachOf(new Set(works.flatMap((work) => work.batches)), BATCHES_AT_A_TIME, async (id) => {
    const batch = await ledger.read(id);
    if (batch && isPending(batch)) batches.push(batch);
  });
  const waiting = await waitingFiles(batches, new Set(records.keys()), lists, failing(failed));
  const done: Done[] = [];
  await eachOf(records.values(), TABLES_AT_A_TIME, async (record) => {
    // What is planned then is left to the next run.
    if (ports.outOfTime()) return;
    const { table, retryAt } = record;
    if (retryAt !== undefined && retryAt > timeAt(options.dueAt)) return;
    let current = record;
    try {
      const planned = await plannedFor(record, waiting.get(table) ?? [], ports, options);
      if (!planned) return;
      current = planned.record;
      done.push({ ...planned, ...(await perform(current, planned.list, ports)) });
    } catch (error) {
      const until = putOffAfter(error, current, ports.now());
      failed.push({ name: table, error, retryAt: until.retryAt });
      await ledger.putOff(current, until).catch((other: unknown) => failed.push({ name: table, error: other }));
    }
  });
  await noteCommits(done, ports);
  await eachOf(done, TABLES_AT_A_TIME, ({ record }) => ledger.endCommit(record));
  return done;
}

type Planned = Pick<Done, 'record' | 'list'>;

/** The commit that is planned, or is planned now. @returns undefined if there is nothing to do, or another run was first */
async function plannedFor(
  record: TableRecord,
  waiting: readonly WaitingFiles[],
  ports: CommitPorts,
  { newId }: CommitOptions,
): Promise<Planned | undefined> {
  const { ledger, lake } = ports;
  if (record.list !== undefined) return { record, list: await lake.getList<CommitList>(record.list) };
  if (waiting.length === 0) return undefined;
  if (record.number === 0) await requireKnown(record, waiting, ports);
  const { table, last } = record;
  const list: CommitList = { table, batches: firstOf(waiting), ...(last !== undefined && { after: last }) };
  const key = commitKey(record, newId());
  await lake.putList(key, list);
  const planned = await ledger.planCommit(record, key);
  return planned && { record: planned, list };
}

/** The first commit of a record: if the ledger was set back to a time before the record, the table says so. */
async function requireKnown(record: TableRecord, waiting: readonly WaitingFiles[], { catalog, lake }: CommitPorts) {
  const loaded = await catalog.load(record.table);
  const other = loaded && (await newestOther(record, loaded.metadata, lake));
  if (other && waiting.some(({ since }) => isSince(other, since))) {
    throw new LedgerSetBackError(setBackMessage(record, other));
  }
}

function failing(failed: Failed[]): (batch: string, error: unknown) => void {
  return (batch, error) => void failed.push({ name: `batch ${batch}`, error });
}

/** The oldest, as many as a commit adds; all of them written for the same table. */
function firstOf(waiting: readonly WaitingFiles[]): CommittedBatch[] {
  const taken: CommittedBatch[] = [];
  let files = 0;
  for (const { batch, attempt, index, table } of waiting) {
    if (table.uuid !== waiting[0]?.table.uuid) continue;
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
