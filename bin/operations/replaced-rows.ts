/** What is known of the rows of a table that are to be read again, before anything is changed: which of them can be. */
import type { AttemptList, MemberResult } from '../../lambdas/core/direct/attempt-list.ts';
import type { BatchLedger } from '../../lambdas/core/direct/ports.ts';
import { type EntryPlaces, entryPlaces } from '../../lambdas/core/loading/input.ts';
import { loadsTable } from '../../lambdas/core/tables/lake-tables.ts';
import { CommandError } from '../output/command-error.ts';
import { type LakeHandle, once, type ResultRow, sqlText } from './lake-handle.ts';
import { type Entry, entriesOf, MAX_BATCH_GET } from './ledger-entries.ts';
import { isThere } from './objects.ts';
import { type BatchPorts, writtenBatches } from './written-batches.ts';

/** Rows that nobody can read again. */
export interface Unreadable {
  /** `s3://bucket/key` of the object, or the name of the batch with which an operation has added them. */
  readonly what: string;
  readonly why: keyof typeof WHY;
  readonly rows: number;
  readonly rejected: number;
}

export const WHY = {
  gone: 'is gone, or has other bytes',
  forgotten: 'was written so long ago that no list of its batch is left, so that it cannot be read again',
  added: 'was added by lake replay-rejected or lake redrive',
} as const;

/** The rows of a table, by the batches that have written them. */
export interface ReplacedRows {
  readonly batches: number;
  readonly objects: number;
  /** That will be read again, as they were read before. */
  readonly rows: number;
  readonly unreadable: readonly Unreadable[];
  /** Uuids of the tables that they were written for. */
  readonly uuids: ReadonlySet<string>;
}

export interface Survey {
  readonly source: string;
  readonly table: string;
  /** Only of tables with these uuids. @default - of all, and of those too that no batch is known of */
  readonly of?: ReadonlySet<string>;
}

const OBJECTS_AT_A_TIME = 32;

/** @throws CommandError if a batch has rows of other tables, too: they would come a second time */
export async function survey(
  lake: LakeHandle,
  { source, table, of }: Survey,
  ports: BatchPorts,
): Promise<ReplacedRows> {
  const uuids = new Set<string>();
  const known = new Set<string>();
  const unreadable: Unreadable[] = [];
  let [batches, objects, rows] = [0, 0, 0];
  for await (const { batch, list } of writtenBatches(lake, source, ports)) {
    for (const { origin } of list.members) known.add(origin);
    const uuid = uuidFor(table, batch.id, list);
    if (uuid === undefined || (of && !of.has(uuid))) continue;
    // Rows that an operation has added are not read again, and are no work that is left of an earlier run.
    if (of && list.members.length === 0) continue;
    uuids.add(uuid);
    batches++;
    if (list.members.length === 0) {
      unreadable.push({ what: `batch ${batch.id}`, why: 'added', rows: rowsIn(list), rejected: 0 });
      continue;
    }
    const loaded = list.members.flatMap(({ candidate, ended }) =>
      ended.outcome === 'loaded' ? [{ candidate, counts: ended.counts }] : [],
    );
    for (let at = 0; at < loaded.length; at += OBJECTS_AT_A_TIME) {
      const some = loaded.slice(at, at + OBJECTS_AT_A_TIME);
      const there = await Promise.all(some.map(({ candidate }) => isThere(lake, candidate)));
      for (const [index, { candidate, counts }] of some.entries()) {
        objects++;
        if (there[index]) rows += counts.rows;
        else unreadable.push({ what: nameOf(candidate), why: 'gone', rows: counts.rows, rejected: counts.rejected });
      }
    }
  }
  if (!of) unreadable.push(...(await forgotten(lake, source, known, ports.ledger)));
  return { batches, objects, rows, unreadable, uuids };
}

/** The table that a batch's rows were written for; undefined if they are in no Iceberg table. */
function uuidFor(table: string, batch: string, { tables = [] }: AttemptList): string | undefined {
  const other = tables.find(({ name }) => name !== table);
  if (other) {
    throw new CommandError(
      `table ${table}: the batch ${batch} has rows of the table ${other.name}, too, which would come a second time if it were ` +
        'read again: --from landing is for sources whose rows were never divided among tables; nothing was changed',
    );
  }
  return tables[0]?.uuid;
}

function rowsIn({ tables = [] }: AttemptList): number {
  return tables.flatMap(({ files }) => files).reduce((sum, file) => sum + file.rows, 0);
}

function nameOf({ bucket, key }: Pick<MemberResult['candidate'], 'bucket' | 'key'>): string {
  return `s3://${bucket}/${key}`;
}

/** Objects whose rows are in an Iceberg table, by `loads` and the ledger, and of whose batches no list is left. */
async function forgotten(
  lake: LakeHandle,
  source: string,
  known: ReadonlySet<string>,
  ledger: BatchPorts['ledger'],
): Promise<Unreadable[]> {
  const batches = new Batches(ledger);
  const found: Unreadable[] = [];
  let some: ResultRow[] = [];
  const look = async (): Promise<void> => {
    const entries = await entriesOf(
      lake,
      some.map((row) => placesOf(source, row)),
    );
    for (const row of some) {
      if (!(await batches.hasTables(entries.get(placesOf(source, row).id)))) continue;
      const what = nameOf({ bucket: String(row.bucket), key: String(row.object_key) });
      found.push({ what, why: 'forgotten', rows: Number(row.rows), rejected: Number(row.rejected) });
    }
    some = [];
  };
  const where = `source = ${sqlText(source)}`;
  const loads = `SELECT origin, bucket, object_key, etag, "rows", rejected FROM ${once(lake, loadsTable, where)} `;
  for await (const row of lake.query(`${loads}WHERE object_key IS NOT NULL AND "rows" > 0`)) {
    if (known.has(String(row.origin))) continue;
    some.push(row);
    if (some.length === MAX_BATCH_GET) await look();
  }
  await look();
  return found;
}

function placesOf(source: string, { bucket, object_key, etag }: ResultRow): EntryPlaces {
  return entryPlaces(source, { bucket: String(bucket), key: String(object_key), etag: String(etag) });
}

/** Batches by their ids, each read once. */
class Batches {
  readonly #ledger: Pick<BatchLedger, 'read'>;
  readonly #hasTables = new Map<string, Promise<boolean>>();

  constructor(ledger: Pick<BatchLedger, 'read'>) {
    this.#ledger = ledger;
  }

  /** Whether the rows of an object are in an Iceberg table. Of what the ledger has forgotten they may be. */
  hasTables(entry: Entry | undefined): Promise<boolean> {
    if (!entry) return Promise.resolve(true);
    if (entry.batch === undefined) return Promise.resolve(false);
    const known = this.#hasTables.get(entry.batch);
    const found = known ?? this.#ledger.read(entry.batch).then((batch) => !batch || batch.tables !== undefined);
    this.#hasTables.set(entry.batch, found);
    return found;
  }
}
