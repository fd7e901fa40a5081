/**
 * `lake rebuild --from landing`: puts a table without rows in the place of an Iceberg table, and has all of its rows read again
 * from the objects that they came from.
 *
 *   what cannot be read again is named, and nothing was changed yet ─► metadata of the new table, with the uuids of the former
 *     ─► the catalog points to it, in one step ─► each batch of the former: open again (read-again.ts) ─► written anew
 *
 * From the change of the catalog on, files that were written for the former table are never committed to the new one: the
 * committer has their batches written anew. So it does not matter how long a writer still holds the former table. The new
 * table's property names the former, and the lists of batches say which table each was written for: whatever is still to be
 * read again is known from these two. If the process dies anywhere, the same command goes on from there.
 */
import { randomUUID } from 'node:crypto';
import { BATCH, candidatesKey } from '../../lambdas/core/direct/batch.ts';
import { endedCommits } from '../../lambdas/core/direct/table-commits.ts';
import { versionOf, writeEmptyTable } from '../../lambdas/core/iceberg/begin-empty.ts';
import { readMetadata, replacedBy, uuidsOf } from '../../lambdas/core/iceberg/find-metadata.ts';
import { OPTIMIZERS } from '../../lambdas/core/iceberg/optimizers.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { madeFor } from '../../lambdas/core/iceberg/schema.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { icebergDatabaseOf } from '../../lambdas/core/tables/lake-tables.ts';
import { dynamoBatches } from '../../lambdas/edges/batches.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { dynamoCommits } from '../../lambdas/edges/table-commits.ts';
import { s3TableFiles } from '../../lambdas/edges/table-files.ts';
import { maintain } from '../../lambdas/edges/table-optimizers.ts';
import { gluePointers, type TablePointer } from '../../lambdas/edges/table-pointers.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { quantity } from '../output/render.ts';
import { type LakeHandle, sourceNamed, tableOf } from './lake-handle.ts';
import type { OperationOptions } from './operation-options.ts';
import { isReplaced, readAgain } from './read-again.ts';
import { type ReplacedRows, survey, type Unreadable, WHY } from './replaced-rows.ts';
import { making, type Retyped, wantedFields } from './table-making.ts';
import { writtenBatches } from './written-batches.ts';

export interface FromLandingTask {
  /** Name of the Iceberg table, which is that of its source. */
  readonly table: string;
  /** Columns that are to have other types than the source says: those that it has after the next deployment. */
  readonly retype?: Retyped;
  /** Whether rows that cannot be read again are left out. */
  readonly withoutMissing?: boolean;
  /** Milliseconds after which it is looked again what others have done. */
  readonly pauseMs: number;
}

/** What was read again, or would be. */
export interface FromLandingReport {
  /** Whether an earlier run has put the new table there. */
  readonly continued: boolean;
  readonly batches: number;
  readonly objects: number;
  /** Rows of these objects, as they were read before. */
  readonly rows: number;
  /** Objects and added batches that cannot be read again, and their rows and rejected lines. */
  readonly leftOut: number;
  readonly rowsLeftOut: number;
  readonly rejectedLeftOut: number;
  readonly unreadable: readonly Unreadable[];
  /** Batches that were opened again. */
  readonly openedAgain: number;
  /** Batches that were not written yet, so that they must be looked at again: by the same command. */
  readonly stillToDo: number;
  /** URI of the new table's metadata; undefined if the catalog was not changed. */
  readonly metadata?: string;
}

/**
 * @throws UsageError if the table is not one whose rows can be read again
 * @throws CommandError if not all of its rows can be, and they are not to be left out: nothing was changed
 */
export async function rebuildFromLanding(
  lake: LakeHandle,
  task: FromLandingTask,
  options: OperationOptions,
): Promise<FromLandingReport> {
  const source = readableSource(lake, task);
  // Said before all objects are looked at.
  wantedFields(source, task.retype);
  const ports = portsOf(lake);
  const before = await ports.pointers.read(task.table);
  const current = await metadataOf(before, ports);
  const replaced = new Set(current ? replacedBy(current) : []);
  const of = { source: source.settings.name, table: task.table };
  const left = replaced.size > 0 ? await survey(lake, { ...of, of: replaced }, ports) : undefined;
  const continued = left !== undefined && (left.objects > 0 || (await isBeingRead(source, ports)));
  const found = continued ? left : await survey(lake, of, ports);
  const report = { continued, ...countsOf(found), openedAgain: 0, stillToDo: 0 };
  if (options.dryRun) return report;
  refuseUnreadable(task, found.unreadable);
  const fresh = continued ? undefined : await replace(lake, source, task, { before, current, found, ports });
  const done = await readAllAgain(lake, task, {
    source,
    replaced: fresh ? new Set(replacedBy(fresh)) : replaced,
    options,
  });
  return { ...report, ...done, ...(fresh && { metadata: fresh.metadataLocation }) };
}

function readableSource(lake: LakeHandle, { table }: FromLandingTask): Source {
  const source = sourceNamed(lake, table);
  const { delivery = 'firehose', tableFormat = 'parquet', fanOut } = source.settings;
  if (fanOut) {
    throw new UsageError(
      `table ${table}: its source has "fanOut", and its batches have rows of several tables, of which those of the others would ` +
        'come a second time: --from landing is for sources without it',
    );
  }
  if (delivery === 'direct' && tableFormat === 'iceberg') return source;
  throw new UsageError(
    `table ${table}: expected a source with "delivery": "direct" and "tableFormat": "iceberg", got ` +
      `${JSON.stringify(delivery)} and ${JSON.stringify(tableFormat)}: deploy it so, and then read its rows again`,
  );
}

/** Whether batches that were opened again are not written yet. */
async function isBeingRead({ settings }: Source, { ledger }: Ports): Promise<boolean> {
  for await (const { generation, before, state } of ledger.unfinished(settings.name)) {
    if (generation > 1 && before === undefined && state !== BATCH.stored) return true;
  }
  return false;
}

type Ports = ReturnType<typeof portsOf>;

function portsOf(lake: LakeHandle) {
  const place = { table: lake.ledgerTable, entryDays: lake.ledgerDays };
  const database = icebergDatabaseOf(lake.database);
  return {
    ledger: dynamoBatches(lake.dynamodb, place),
    commits: dynamoCommits(lake.dynamodb, place),
    lake: s3LakeFiles(lake.s3, lake.lakeBucket),
    files: s3TableFiles(lake.s3),
    pointers: gluePointers(lake.glue, { catalogId: lake.accountId, database }),
    now: () => new Date(),
  };
}

/** Undefined if there is none, or it is damaged: that is one of the reasons to read all rows again. */
async function metadataOf(before: TablePointer | undefined, { files }: Ports): Promise<LoadedTable | undefined> {
  if (before?.metadataLocation === undefined) return undefined;
  return await readMetadata(files, before.metadataLocation).catch(() => undefined);
}

function countsOf({ batches, objects, rows, unreadable }: ReplacedRows) {
  const sum = (of: 'rows' | 'rejected') => unreadable.reduce((all, each) => all + each[of], 0);
  const leftOut = { leftOut: unreadable.length, rowsLeftOut: sum('rows'), rejectedLeftOut: sum('rejected') };
  return { batches, objects, rows, ...leftOut, unreadable };
}

function refuseUnreadable({ table, withoutMissing }: FromLandingTask, unreadable: readonly Unreadable[]): void {
  if (withoutMissing || unreadable.length === 0) return;
  const rows = unreadable.reduce((sum, each) => sum + each.rows, 0);
  const some = unreadable.slice(0, 3).map(({ what, why, rows: of }) => `${what} (${quantity(of, 'row')}) ${WHY[why]}`);
  throw new CommandError(
    `table ${table}: ${quantity(rows, 'row')} cannot be read again: ${some.join('; ')}${unreadable.length > 3 ? '; …' : ''}; ` +
      '--dry-run lists all; put the objects back, or leave these rows out with --without-missing; nothing was changed',
  );
}

interface Replacing {
  readonly before: TablePointer | undefined;
  readonly current: LoadedTable | undefined;
  readonly found: ReplacedRows;
  readonly ports: Ports;
}

/** Puts a table without rows in the place of the former one. @throws CommandError if the table was changed meanwhile */
async function replace(
  lake: LakeHandle,
  source: Source,
  { table, retype }: FromLandingTask,
  { before, current, found, ports }: Replacing,
): Promise<LoadedTable> {
  const made = madeFor(source.settings.name, tableOf(source), lake.lakeBucket);
  // After the table was read, so that every commit is known that it can have: one that comes now has the change refused.
  const record = await ports.commits.recordOf(table, source.settings.name);
  const former = current ? [...uuidsOf(current), ...replacedBy(current)] : [];
  const fresh = await writeEmptyTable(
    {
      location: made.location,
      fields: wantedFields(source, retype),
      properties: { ...made.properties, ...endedCommits(record) },
      replaced: [...new Set([...former, ...found.uuids])],
      version: before?.metadataLocation === undefined ? 0 : versionOf([before.metadataLocation]) + 1,
      uuid: randomUUID(),
    },
    making(ports.files),
  );
  if (!(await ports.pointers.point(table, before, fresh))) {
    throw new CommandError(`table ${table}: a commit came first, and nothing was changed; run the command again`);
  }
  const place = { catalogId: lake.accountId, database: icebergDatabaseOf(lake.database), table };
  if (lake.optimizerRole) await maintain(lake.glue, place, OPTIMIZERS, lake.optimizerRole);
  return fresh;
}

interface Reading {
  readonly source: Source;
  readonly replaced: ReadonlySet<string>;
  readonly options: OperationOptions;
}

/** Rounds in which nothing was done, until what is left is left to another run. */
const IDLE_ROUNDS = 20;

/** Goes over all batches until none has rows for a former table. */
async function readAllAgain(lake: LakeHandle, task: FromLandingTask, { source, replaced, options }: Reading) {
  const ports = portsOf(lake);
  const room = new Room(lake, source.settings.name, task.pauseMs);
  const progress = options.progress('batches opened again');
  let [openedAgain, stillToDo, idle] = [0, 0, 0];
  do {
    const before = openedAgain;
    stillToDo = 0;
    for await (const { batch, list } of writtenBatches(lake, source.settings.name, ports)) {
      if (!isReplaced(list, replaced)) continue;
      if (list.members.length === 0) {
        // Those that were committed are gone with the former table. Others would hold up all commits that come after them.
        if (batch.state === BATCH.storing) stillToDo++;
        if (batch.state !== BATCH.stored) continue;
        await ports.lake.putList(candidatesKey(batch), []);
        await ports.ledger.writeAnew(batch, BATCH.stored, ports.now().toISOString());
        continue;
      }
      if (batch.state === BATCH.written) await room.take();
      await options.rateLimit(list.members.length);
      const became = await readAgain(batch, list, replaced, ports);
      if (became === 'again') openedAgain++;
      if (became === 'waits') stillToDo++;
      if (became === 'again') progress.add();
    }
    idle = openedAgain === before ? idle + 1 : 0;
    if (openedAgain > before || stillToDo > 0) await room.wait();
  } while (stillToDo > 0 && idle < IDLE_ROUNDS);
  progress.end();
  return { openedAgain, stillToDo };
}

/** How many more batches may be opened: those of a source that are open hold up the planning of its newer objects. */
class Room {
  readonly #lake: LakeHandle;
  readonly #source: string;
  readonly #pauseMs: number;
  #left = 0;

  constructor(lake: LakeHandle, source: string, pauseMs: number) {
    this.#lake = lake;
    this.#source = source;
    this.#pauseMs = pauseMs;
  }

  /** Waits until one more batch may be opened. */
  async take(): Promise<void> {
    while (this.#left <= 0) {
      let open = 0;
      for await (const { state } of portsOf(this.#lake).ledger.unfinished(this.#source)) {
        if (state !== BATCH.stored) open++;
      }
      this.#left = Math.max(1, Math.floor((this.#lake.direct?.maxOpen ?? 1) / 2)) - open;
      if (this.#left <= 0) await this.wait();
    }
    this.#left--;
  }

  /** On this machine nobody else has the lake's functions go on. */
  async wait(): Promise<void> {
    await this.#lake.settle();
    await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
  }
}
