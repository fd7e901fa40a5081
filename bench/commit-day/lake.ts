/**
 * The batches of a simulated day, with their lists, and the tables that their files are committed to. Few tables get most of
 * the rows. Files have the same columns and bounds: what is simulated is how many there are, and how long everything takes.
 */
import type { AttemptList, BatchTable } from '../../lambdas/core/direct/attempt-list.ts';
import type { Batch } from '../../lambdas/core/direct/batch.ts';
import type { LoadedTable, TableChange } from '../../lambdas/core/iceberg/ports.ts';
import { Random } from '../../local/sample/random.ts';
import { changed, newTable } from '../../test/helpers/iceberg-table.ts';

export interface Traffic {
  readonly tables: number;
  /** Rows of a day. */
  readonly rows: number;
  /** Seconds from one batch to the next. */
  readonly batchSeconds: number;
  /** How fast the share of tables falls: that of the nth is 1/n to the power of this. */
  readonly skew: number;
}

/** Bytes of a row in a file, and of a file without one. */
const ROW_BYTES = 40;
const FILE_BYTES = 4_000;
/** Bytes of a file in the JSON of an attempt's list: what `npm run bench:fan-out` measures, over its files. */
export const LISTED_FILE_BYTES = 1_500;

const COLUMNS = 10;
/** What the manifests have of a file; the same object for all, as a simulated day has millions of files. */
const METRICS = {
  columnSizes: byColumn(() => 200),
  valueCounts: byColumn(() => 50),
  nullCounts: byColumn(() => 0),
  lower: byColumn((id) => Buffer.from(`lower bound ${id}`).toString('base64')),
  upper: byColumn((id) => Buffer.from(`upper bound ${id}`).toString('base64')),
  splitOffsets: [4],
};

function byColumn<Of>(value: (id: number) => Of): Record<number, Of> {
  return Object.fromEntries(Array.from({ length: COLUMNS }, (_, index) => [index + 1, value(index + 1)]));
}

/** A batch, as the ledger has it, and who has it published. */
export type StoredBatch = { -readonly [Key in keyof Batch]: Batch[Key] } & { uncommitted?: number[] };

const SOURCE = 'app';
const DAY = '2026-11-29';

export class SimulatedLake {
  readonly source = SOURCE;
  readonly batches = new Map<string, StoredBatch>();
  readonly lists = new Map<string, AttemptList>();
  readonly tables = new Map<string, LoadedTable>();
  /** Files that were written, those that were committed, and of these the milliseconds for which the first and the last waited. */
  files = 0;
  committed = 0;
  longestWaitMs = 0;
  waitedMs = 0;
  /** Batches all of whose tables have their files. */
  published = 0;
  readonly #traffic: Traffic;
  readonly #random = new Random('traffic');
  /** The share of each table. */
  readonly #shares: readonly number[];

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    const weights = Array.from({ length: traffic.tables }, (_, index) => (index + 1) ** -traffic.skew);
    const all = weights.reduce((sum, weight) => sum + weight);
    this.#shares = weights.map((weight) => weight / all);
    for (let index = 0; index < traffic.tables; index++) this.tables.set(nameOf(index), tableOf(nameOf(index)));
  }

  /** Stores a batch: some rows of each table, of large ones always, and of small ones by chance. */
  store(now: number): void {
    const { rows, batchSeconds } = this.#traffic;
    const id = `b${this.batches.size + this.published}`;
    const attempt = `direct/${SOURCE}/${id}/attempt-one.json`;
    const perBatch = (rows * batchSeconds) / 86_400;
    const tables: BatchTable[] = [];
    for (const [index, share] of this.#shares.entries()) {
      const mean = share * perBatch;
      if (this.#random.fraction() < Math.exp(-mean)) continue;
      const count = Math.max(1, Math.round(this.#random.logNormal(mean, 0.3)));
      const { metadata } = this.tables.get(nameOf(index)) as LoadedTable;
      const path = `${metadata.location}/data/dt=${DAY}/${id}.one-0.parquet`;
      const file = { path, partition: DAY, rows: count, bytes: FILE_BYTES + count * ROW_BYTES, metrics: METRICS };
      tables.push({ name: nameOf(index), uuid: metadata['table-uuid'], schemaId: 0, files: [file] });
    }
    const storedAt = new Date(now).toISOString();
    this.files += tables.length;
    this.lists.set(attempt, { files: [], members: [], day: DAY, tables });
    this.batches.set(id, {
      ...{ id, source: SOURCE, state: 'stored', since: storedAt, attempts: 1, attempt, generation: 1 },
      ...{ tables: tables.length, storedAt, uncommitted: tables.map((_, index) => index) },
    });
  }

  /** What a catalog does with a commit, whose files are visible from now on. */
  commit(name: string, change: TableChange): LoadedTable {
    const table = changed(this.tables.get(name) as LoadedTable, change);
    this.tables.set(name, table);
    return table;
  }

  /** Notes that a batch knows of tables that have got their files. */
  noteCommitted(id: string, tables: readonly number[], now: number): StoredBatch | undefined {
    const batch = this.batches.get(id);
    if (!batch) return undefined;
    const done = new Set(tables);
    const left = batch.uncommitted?.filter((index) => !done.has(index)) ?? [];
    const count = (batch.uncommitted?.length ?? 0) - left.length;
    const waited = now - Date.parse(batch.storedAt ?? '');
    this.committed += count;
    this.waitedMs += waited * count;
    this.longestWaitMs = Math.max(this.longestWaitMs, count > 0 ? waited : 0);
    if (left.length > 0) batch.uncommitted = left;
    else delete batch.uncommitted;
    return batch;
  }

  /** Takes a batch away that a writer has published, with its list. */
  publish(id: string): void {
    const batch = this.batches.get(id);
    if (!batch || batch.uncommitted) return;
    this.batches.delete(id);
    this.lists.delete(batch.attempt ?? '');
    this.published++;
  }

  /** Since when the oldest files wait that are not committed. */
  oldestWaitMs(now: number): number {
    return Math.max(0, ...[...this.batches.values()].map(({ storedAt = '' }) => now - Date.parse(storedAt)));
  }
}

function nameOf(index: number): string {
  return `${SOURCE}_tenant_${index}`;
}

export function tableOf(name: string): LoadedTable {
  const { metadata } = newTable();
  const fields = Array.from({ length: COLUMNS - 1 }, (_, index) => {
    return { id: index + 1, name: `column_${index + 1}`, required: false, type: 'string' };
  });
  const location = `s3://lake/iceberg/${name}`;
  return {
    metadata: {
      ...{ ...metadata, location, 'table-uuid': `uuid of ${name}`, 'last-column-id': COLUMNS },
      schemas: [
        {
          type: 'struct',
          'schema-id': 0,
          fields: [...fields, { id: COLUMNS, name: 'dt', required: false, type: 'string' }],
        },
      ],
      'partition-specs': [
        { 'spec-id': 0, fields: [{ 'source-id': COLUMNS, 'field-id': 1000, name: 'dt', transform: 'identity' }] },
      ],
    },
    metadataLocation: `${location}/metadata/00000.metadata.json`,
  };
}
