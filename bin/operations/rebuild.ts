/** `lake rebuild`: makes an Iceberg table anew of the files it has, and puts it in the place of the former one. */
import { randomUUID } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import type { SetAside } from '../../lambdas/core/iceberg/fresh-schema.ts';
import { OPTIMIZERS, OPTIMIZERS_OF_PARTS } from '../../lambdas/core/iceberg/optimizers.ts';
import type { LoadedTable, TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { SOURCE } from '../../lambdas/core/iceberg/properties.ts';
import { filesOfAll, type Rebuilding, schemaOfFresh, writeFreshTable } from '../../lambdas/core/iceberg/rebuild.ts';
import { tableProperties, type WantedField } from '../../lambdas/core/iceberg/schema.ts';
import { icebergDatabaseOf } from '../../lambdas/core/tables/lake-tables.ts';
import { placeOf, s3TableFiles } from '../../lambdas/edges/table-files.ts';
import { maintain } from '../../lambdas/edges/table-optimizers.ts';
import { gluePointers, type TablePointer, type TablePointers } from '../../lambdas/edges/table-pointers.ts';
import { CommandError } from '../output/command-error.ts';
import { quantity } from '../output/render.ts';
import { type CommitRecords, commitRecords, committedSince } from './commits-since.ts';
import { formerTables, readable, readableAsync } from './former-tables.ts';
import type { LakeHandle } from './lake-handle.ts';
import { listObjects } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { making, type Retyped, requireColumns, wantedFields } from './table-making.ts';

export interface RebuildTask {
  /** Name of the Iceberg table. */
  readonly table: string;
  /** URIs of metadata files whose tables are taken. @default - what the catalog says, else the newest in the table's folder */
  readonly metadata?: readonly string[];
  /** Columns that are to have other types than the source says: those that it has after the next deployment. */
  readonly retype?: Retyped;
  /** Whether files that are missing, or are others than the table says, are left out. */
  readonly withoutMissing?: boolean;
}

/** What a rebuild needs of a lake. */
export interface RebuiltLake
  extends Pick<LakeHandle, 's3' | 'glue' | 'dynamodb' | 'ledgerTable' | 'ledgerDays' | 'accountId' | 'lakeBucket'>,
    Pick<LakeHandle, 'database' | 'sources' | 'optimizerRole'> {
  /** @default - those of the ledger */
  readonly records?: CommitRecords;
}

/** What a table was made of, or would be. */
export interface RebuildReport {
  /** URIs of the metadata of the former tables. */
  readonly from: readonly string[];
  /** Metadata in the folder of the table of other tables, whose files are not taken. */
  readonly others: readonly string[];
  readonly files: number;
  readonly rows: number;
  /** Entries of files that the former tables had more than once. */
  readonly repeated: number;
  /** Files that were left out because they are missing, others than the table says, or of columns that nobody knows. */
  readonly leftOut: number;
  readonly rowsLeftOut: number;
  /** Files of commits that the metadata does not know. */
  readonly since: number;
  readonly setAside: readonly SetAside[];
  /** URI of the new table's metadata; undefined if nothing was changed. */
  readonly metadata?: string;
}

/** Commits come while a table is made; each has it begun anew. */
const TRIES = 5;

/**
 * Each step can be repeated. If the process dies before the catalog is pointed to the new table, files lie unused in its
 * folder, and the table is as before; after it, the table is the new one, and the same command makes another one of it.
 *
 * @throws CommandError if there is nothing to make the table of, or not all of it can be read
 */
export async function rebuildTable(
  lake: RebuiltLake,
  task: RebuildTask,
  { dryRun }: Pick<OperationOptions, 'dryRun'>,
): Promise<RebuildReport> {
  const place = { catalogId: lake.accountId, database: icebergDatabaseOf(lake.database) };
  const pointers = gluePointers(lake.glue, place);
  const files = s3TableFiles(lake.s3);
  for (let tried = 0; tried < TRIES; tried++) {
    const before = await pointers.read(task.table);
    const report = await rebuildOnce(lake, task, { before, pointers, files, dryRun });
    if (!report) continue;
    // Glue forgets how a table is maintained when it is dropped.
    const { optimizerRole, sources } = lake;
    const isWhole = sources.some(({ settings }) => settings.name === task.table);
    const optimizers = isWhole ? OPTIMIZERS : OPTIMIZERS_OF_PARTS;
    if (!dryRun && optimizerRole) await maintain(lake.glue, { ...place, table: task.table }, optimizers, optimizerRole);
    return report;
  }
  throw new CommandError(
    `table ${task.table}: other changes came first, ${TRIES} times: nothing was changed; try again later`,
  );
}

interface Attempt {
  readonly before: TablePointer | undefined;
  readonly pointers: TablePointers;
  readonly files: TableFiles;
  readonly dryRun: boolean;
}

/** @returns undefined if the table was changed meanwhile */
async function rebuildOnce(
  lake: RebuiltLake,
  task: RebuildTask,
  { before, pointers, files, dryRun }: Attempt,
): Promise<RebuildReport | undefined> {
  const { tables, others } = await formerTables(lake, task, before, files);
  const isCurrent = tables.every(({ metadataLocation }) => metadataLocation === before?.metadataLocation);
  const since = await committedSince(task.table, tables, lake.records ?? commitRecords(lake), {
    ...{ isCurrent, leavesOut: task.withoutMissing ?? false },
  });
  const { kept, ...counts } = await examined(lake, task, filesOfAll(tables, files, since.files), tables);
  const { source, wanted } = columnsFor(lake, task, tables);
  const setAside = readable(task.table, () => schemaOfFresh({ tables, ...(wanted && { wanted }) })).setAside;
  const report = {
    from: tables.map(({ metadataLocation }) => metadataLocation),
    others,
    ...{ ...counts, setAside, since: since.files.length },
    leftOut: counts.leftOut + since.leftOut.length,
    rowsLeftOut: since.leftOut.reduce((sum, { rows }) => sum + rows, counts.rowsLeftOut),
  };
  if (dryRun) return report;
  const rebuilding: Rebuilding = {
    ...{ tables, uuid: randomUUID(), more: since.files },
    properties: { ...(source !== undefined && tableProperties(source)), ...since.properties },
    ...(wanted && { wanted }),
    takes: ({ path }) => kept.delete(path),
    before: before?.metadataLocation,
  };
  const fresh = await writeFreshTable(rebuilding, making(files));
  if (kept.size > 0) throw new Error(`table ${task.table}: expected ${kept.size} more files in it`);
  if (!(await pointers.point(task.table, before, fresh))) return undefined;
  return { ...report, metadata: fresh.metadataLocation };
}

interface Examined extends Pick<RebuildReport, 'files' | 'rows' | 'repeated' | 'leftOut' | 'rowsLeftOut'> {
  /** Files of the new table. */
  readonly kept: Set<string>;
}

/** Looks whether all files of the tables are there. @throws CommandError naming those that are not */
async function examined(
  lake: RebuiltLake,
  { table, withoutMissing = false }: RebuildTask,
  files: AsyncIterable<DataFile>,
  tables: readonly LoadedTable[],
): Promise<Examined> {
  const named = new Map<string, { readonly bytes: number; readonly rows: number }>();
  let [repeated, rows] = [0, 0];
  await readableAsync(table, async () => {
    for await (const file of files) {
      if (named.has(file.path)) repeated++;
      else rows += file.rows;
      named.set(file.path, { bytes: file.bytes, rows: file.rows });
    }
  });
  const kept = new Set(named.keys());
  await forgetThose(lake, tables, named);
  const missing = [...named];
  const rowsLeftOut = missing.reduce((sum, [, file]) => sum + file.rows, 0);
  if (missing.length > 0 && !withoutMissing) {
    const some = missing.slice(0, 3).map(([path]) => path);
    throw new CommandError(
      `table ${table}: ${quantity(missing.length, 'file')} with ${quantity(rowsLeftOut, 'row')} are missing, or have ` +
        `other bytes than the table says: ${some.join(', ')}${missing.length > some.length ? ', …' : ''}; ` +
        'put them back, or leave their rows out with --without-missing',
    );
  }
  for (const [path] of missing) kept.delete(path);
  return { kept, files: kept.size, rows: rows - rowsLeftOut, repeated, leftOut: missing.length, rowsLeftOut };
}

/** Takes the files away that are there with as many bytes as the table says. */
async function forgetThose(
  lake: RebuiltLake,
  tables: readonly LoadedTable[],
  named: Map<string, { readonly bytes: number }>,
): Promise<void> {
  const isThere = (uri: string, size: number | undefined): void => {
    if (named.get(uri)?.bytes === size) named.delete(uri);
  };
  for (const folder of new Set(tables.map(({ metadata }) => `${metadata.location}/data/`))) {
    const { Bucket: bucket, Key: prefix } = placeOf(folder);
    for await (const page of listObjects(lake, { bucket, prefix })) {
      for (const { key, size } of page) isThere(`s3://${bucket}/${key}`, size);
    }
  }
  // Tables of others have files elsewhere, perhaps, or other spellings of their places.
  for (const uri of [...named.keys()]) {
    const found = await lake.s3.send(new HeadObjectCommand(placeOf(uri))).catch((error: Error) => {
      if (error.name === 'NotFound' || error.name === 'NoSuchKey') return undefined;
      throw error;
    });
    isThere(uri, found?.ContentLength);
  }
}

/** The columns that the table's source has, or will have; those that the table has, if it has no source any more. */
function columnsFor(
  lake: RebuiltLake,
  { table: name, retype = {} }: RebuildTask,
  tables: readonly LoadedTable[],
): { readonly source?: string; readonly wanted?: readonly WantedField[] } {
  const sourceName = tables[0]?.metadata.properties?.[SOURCE] ?? name;
  const source = lake.sources.find(({ settings }) => settings.name === sourceName);
  if (source) return { source: sourceName, wanted: wantedFields(source, retype) };
  requireColumns(sourceName, retype, undefined);
  return {};
}
