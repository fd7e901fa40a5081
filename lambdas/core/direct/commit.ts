/** Commits the files of stored batches to their Iceberg tables. table-commits.ts has the records, and what a crash leaves. */
import { buildAppend } from '../iceberg/append.ts';
import type { DataFile } from '../iceberg/data-file.ts';
import { icebergJson } from '../iceberg/metadata.ts';
import { ChangeDeniedError, type IcebergCatalog, type LoadedTable } from '../iceberg/ports.ts';
import { REPLACED, TAKEN_OVER } from '../iceberg/properties.ts';
import type { Making } from '../iceberg/snapshots.ts';
import { UnsupportedTableError } from '../iceberg/unsupported.ts';
import type { AttemptList } from './attempt-list.ts';
import type { LakeFiles } from './ports.ts';
import { LedgerSetBackError, setBackMessage } from './set-back.ts';
import {
  type CommitLedger,
  type CommitList,
  type CommittedBatch,
  commitProperty,
  type TableRecord,
} from './table-commits.ts';

export interface CommitPorts {
  readonly ledger: CommitLedger;
  readonly lake: Pick<LakeFiles, 'putList' | 'getList' | 'findList' | 'renewList'>;
  readonly catalog: IcebergCatalog;
  readonly making: Pick<Making, 'files' | 'newId' | 'snapshotId'>;
  readonly now: () => Date;
  /** Waits before the next try; it knows how long. */
  readonly wait: (tried: number) => Promise<void>;
  /** Has a table maintained, as far as it is not; undefined: tables are maintained from when they are made. */
  readonly maintain?: (table: string) => Promise<void>;
  /** Tells a writer of a batch. */
  readonly send: (batch: string) => Promise<void>;
  /** True if this invocation has no time to go on. */
  readonly outOfTime: () => boolean;
}

/** What came of a planned commit. */
export interface Performed {
  readonly committed: Committed;
  /** Batches whose files the table never gets: they were written for one in whose place it began without rows. */
  readonly replaced: readonly CommittedBatch[];
}

/** A commit that was made, for metrics. */
export interface Committed {
  readonly table: string;
  readonly source: string;
  readonly files: number;
  /** Requests for it that were refused, or of which nobody knows. */
  readonly conflicts: number;
  /** Of the table's metadata, as JSON. */
  readonly metadataBytes: number;
}

/** The table is not the one that files were written for. Nothing is committed, and nothing is lost. */
export class TableReplacedError extends Error {
  override readonly name = 'TableReplacedError';
}

/** Tries of a commit in one run, within seconds: what is left goes on in the next run, a minute later. */
export const TRIES = 5;

/**
 * Performs a planned commit, unless the table says that it was made.
 *
 * @throws if that cannot be found out, or the table cannot take it: the commit stays planned
 */
export async function perform(record: TableRecord, list: CommitList, ports: CommitPorts): Promise<Performed> {
  const { table, source, number } = record;
  const property = commitProperty(record);
  const name = `${number} ${record.list}`;
  const all = await filesOf(list, ports.lake);
  let failure: unknown;
  for (let tried = 0; tried < TRIES && !ports.outOfTime(); tried++) {
    if (tried > 0) await ports.wait(tried);
    const loaded = await ports.catalog.load(table);
    if (!loaded) throw new TableReplacedError(`Iceberg table ${table}: expected it in the catalog, got none${WAY_OUT}`);
    // Of a commit that was made, too: it may have been to the table before this one, whose rows are gone.
    const { files, replaced } = await belonging(table, all, loaded, ports.ledger);
    const committed = { table, source, files: files.length, conflicts: tried, metadataBytes: bytesOf(loaded) };
    const result = { committed, replaced };
    const last = loaded.metadata.properties?.[property];
    if (last === name) return result;
    const made = Number(last?.split(' ')[0] ?? 0);
    if (made >= number) {
      await requireOvertaken(record, `${last}`, ports.ledger);
      return result;
    }
    if (made < number - 1) {
      throw new TableReplacedError(
        `Iceberg table ${table}: it lacks the commits ${made + 1} to ${number - 1}: it was set back, or made anew` +
          '; nothing more is committed to it: `lake rebuild` adds them',
      );
    }
    const properties = { [property]: name };
    const making = { ...ports.making, now: ports.now().getTime(), properties };
    try {
      // Without files, too: the numbers of commits have no gap.
      await ports.catalog.commit(table, await buildAppend(loaded, files, making));
      return result;
    } catch (error) {
      // Each try leaves files that nobody needs.
      if (error instanceof ChangeDeniedError) throw error;
      if (error instanceof UnsupportedTableError) throw new UnsupportedTableError(`${error.message}${ELSE_OUT}`);
      // Refused or not, the table says what became of it; and whoever expired the snapshot that was to follow has made another.
      failure = error;
    }
  }
  throw failure ?? new Error(`Iceberg table ${table}: no time was left for commit ${number}`);
}

function bytesOf({ metadata }: LoadedTable): number {
  return Buffer.byteLength(icebergJson(metadata));
}

/** Files of one batch that a commit is to add. */
interface BatchFiles {
  readonly batch: CommittedBatch;
  /** The table that they were written for. */
  readonly uuid: string;
  readonly files: readonly DataFile[];
  /** Whether the batch can be written anew for this table alone: it has objects, and no files of other tables. */
  readonly isRepeatable: boolean;
}

async function filesOf({ table, batches }: CommitList, lake: CommitPorts['lake']): Promise<BatchFiles[]> {
  const all: BatchFiles[] = [];
  for (const batch of batches) {
    const { tables = [], members } = await lake.getList<AttemptList>(batch.attempt);
    const found = tables[batch.index];
    if (found?.name !== table) {
      throw new Error(`batch ${batch.batch}: expected files of ${table} in ${batch.attempt}, got none`);
    }
    const isRepeatable = tables.length === 1 && members.length > 0;
    all.push({ batch, uuid: found.uuid, files: found.files, isRepeatable });
  }
  return all;
}

/**
 * Which files belong to a table, and which batches have files that were written for a table in whose place it began without rows.
 *
 * @throws TableReplacedError if files are neither, or cannot be written anew: they wait
 */
async function belonging(
  table: string,
  all: readonly BatchFiles[],
  { metadata }: LoadedTable,
  ledger: CommitLedger,
): Promise<{ readonly files: readonly DataFile[]; readonly replaced: readonly CommittedBatch[] }> {
  const { 'table-uuid': uuid, properties } = metadata;
  const ours = new Set([uuid, ...namesIn(properties?.[TAKEN_OVER])]);
  const before = new Set(namesIn(properties?.[REPLACED]));
  const others = all.filter((each) => !ours.has(each.uuid));
  const unknown = new Set(others.filter((each) => !before.has(each.uuid)).map((each) => each.uuid));
  if (unknown.size > 0) {
    throw new TableReplacedError(
      `Iceberg table ${table}: expected the table ${[...unknown].join(', ')} that files were written for, got ${uuid}${WAY_OUT}`,
    );
  }
  for (const { batch, isRepeatable } of others) {
    if (isRepeatable || (await ledger.read(batch.batch))?.attempt !== batch.attempt) continue;
    throw new TableReplacedError(
      `Iceberg table ${table}: the batch ${batch.batch} has rows that an operation has added, or rows of other tables, too, and ` +
        `waits: \`lake rebuild ${table} --from landing --without-missing\` leaves out what an operation has added`,
    );
  }
  const files = all.filter((each) => ours.has(each.uuid)).flatMap((each) => each.files);
  return { files, replaced: others.map(({ batch }) => batch) };
}

function namesIn(list = ''): readonly string[] {
  return list.split(' ');
}

const ELSE_OUT = '; the files wait until the table is again as the lake makes it';
const WAY_OUT = '; the files wait: `lake rebuild` makes a table that takes them';

/**
 * A later commit was made: that is so if others went on meanwhile. If not, or if the record was made to follow a table
 * that has more commits, this commit was not made, and its batches wait.
 */
async function requireOvertaken(record: TableRecord, last: string, ledger: CommitLedger) {
  const { table, source, committer, number, list } = record;
  const now = await ledger.recordOf(table, source);
  const wentOn = now.number > number || now.list !== list;
  if (now.committer === committer && number > (now.adopted ?? 0) && wentOn) return;
  const [made = '', madeList = ''] = last.split(' ');
  throw new LedgerSetBackError(setBackMessage(record, { committer, number: Number(made), list: madeList }));
}
