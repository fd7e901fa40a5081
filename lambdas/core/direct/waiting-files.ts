/** The files of stored batches that wait for their commits, by the lists of the batches. */
import type { AttemptLists, TableFiles } from './attempt-lists.ts';
import type { Batch } from './batch.ts';
import { chunks } from './chunks.ts';
import type { CommittedBatch } from './table-commits.ts';

/** A table that has files to get. */
export interface WaitingTable {
  readonly table: string;
  readonly source: string;
  /** Ids of the batches with files of it. */
  readonly batches: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** ISO 8601: when the oldest of them were stored. */
  readonly since: string;
}

/** Files of a table in a batch that are not committed. */
export interface WaitingFiles extends CommittedBatch {
  readonly table: TableFiles;
  /** When the batch was planned, ISO 8601. */
  readonly since: string;
}

/** Tells of a batch whose files cannot be found out. */
type Fail = (batch: string, error: unknown) => void;

/** Lists that are read at a time, of so many tables together: that of a batch with files of 10,000 tables has 15 MB. */
const LISTS_AT_A_TIME = 16;
const TABLES_AT_A_TIME = 20_000;

/** How long a run looks at lists, and how many tables of batches it looks at: what is left of its time is for commits. */
const LOOKING_MS = 60_000;
const MAX_TABLES = 1_000_000;

/** What waits for each table; if very many batches wait, what the first of them have. */
export async function waitingTables(
  batches: readonly Batch[],
  lists: AttemptLists,
  now: () => Date,
  fail: Fail,
): Promise<WaitingTable[]> {
  const until = now().getTime() + LOOKING_MS;
  const found = new Map<string, WaitingTable & { batches: string[]; files: number; bytes: number; since: string }>();
  let looked = 0;
  for (const some of chunks(batches, { most: LISTS_AT_A_TIME, weighing: tablesOf, atMost: TABLES_AT_A_TIME })) {
    looked += some.reduce((sum, batch) => sum + tablesOf(batch), 0);
    if (now().getTime() > until || (looked > MAX_TABLES && found.size > 0)) break;
    const waiting = await Promise.all(some.map((batch) => waitingIn(batch, lists, fail)));
    for (const [at, { id, source, storedAt = '' }] of some.entries()) {
      for (const { table } of waiting[at] ?? []) {
        let known = found.get(table.name);
        if (!known) {
          known = { table: table.name, source, batches: [], files: 0, bytes: 0, since: storedAt };
          found.set(table.name, known);
        }
        known.batches.push(id);
        known.files += table.files;
        known.bytes += table.bytes;
        if (storedAt < known.since) known.since = storedAt;
      }
    }
  }
  return [...found.values()];
}

/** What batches have for some tables, by table: what was stored first comes first. */
export async function waitingFiles(
  batches: readonly Batch[],
  tables: ReadonlySet<string>,
  lists: AttemptLists,
  fail: Fail,
): Promise<Map<string, WaitingFiles[]>> {
  const found = new Map<string, WaitingFiles[]>();
  for (const batch of batches.toSorted(byStoredAt)) {
    for (const files of await waitingIn(batch, lists, fail)) {
      const { name } = files.table;
      if (!tables.has(name)) continue;
      const known = found.get(name);
      if (known) known.push(files);
      else found.set(name, [files]);
    }
  }
  return found;
}

function byStoredAt({ storedAt: a = '' }: Batch, { storedAt: b = '' }: Batch): number {
  return a < b ? -1 : Number(a > b);
}

async function waitingIn(batch: Batch, lists: AttemptLists, fail: Fail): Promise<Iterable<WaitingFiles>> {
  const { id, attempt = '', uncommitted = [] } = batch;
  try {
    const tables = await lists.tablesOf(attempt);
    const missing = uncommitted.find((index) => tables[index] === undefined);
    if (missing === undefined) return filesAt(batch, tables);
    throw new Error(`batch ${id}: expected table ${missing} in ${attempt}, got ${tables.length} tables`);
  } catch (error) {
    fail(id, error);
    return [];
  }
}

function* filesAt({ id, since, attempt = '', uncommitted = [] }: Batch, tables: readonly TableFiles[]) {
  for (const index of uncommitted) yield { batch: id, attempt, index, table: tables[index] as TableFiles, since };
}

function tablesOf({ tables = 1 }: Batch): number {
  return tables;
}
