/** The tables that `lake rebuild` makes another one of: what the catalog says, or what is found in the folder of the table. */
import { isMetadata, newestOf, readMetadata, replacedBy, uuidsOf } from '../../lambdas/core/iceberg/find-metadata.ts';
import type { LoadedTable, TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { ICEBERG_PREFIX } from '../../lambdas/core/tables/table.ts';
import type { TablePointer } from '../../lambdas/edges/table-pointers.ts';
import { messageOf } from '../../local/files.ts';
import { CommandError } from '../output/command-error.ts';
import type { LakeHandle } from './lake-handle.ts';
import { listObjects } from './objects.ts';

export interface FormerTables {
  /** URIs of metadata in the folder of the table of other tables, whose files are not taken. */
  readonly others: readonly string[];
  /** The tables that the new one is made of. */
  readonly tables: LoadedTable[];
}

/**
 * @throws CommandError if there are none, nobody knows which of several counted last, or the rows of one are read again
 */
export async function formerTables(
  lake: Pick<LakeHandle, 's3' | 'lakeBucket' | 'sources'>,
  { table, metadata }: { readonly table: string; readonly metadata?: readonly string[] },
  before: TablePointer | undefined,
  files: TableFiles,
): Promise<FormerTables> {
  const given = metadata ?? (before?.metadataLocation === undefined ? undefined : [before.metadataLocation]);
  const tables = await readableAsync(table, () => Promise.all((given ?? []).map((uri) => readMetadata(files, uri))));
  const inFolder = await metadataInFolder(lake, table, files);
  refuseReplaced(table, tables, [
    ...tables,
    ...inFolder.filter(({ metadataLocation }) => metadataLocation === before?.metadataLocation),
  ]);
  const newest = newestOf([...tables, ...inFolder]);
  if (given) return { tables, others: notIn(tables, newest) };
  const [found, ...more] = newest;
  if (found && more.length === 0) return { tables: [found], others: [] };
  const folder = `s3://${lake.lakeBucket}/${ICEBERG_PREFIX}${table}/metadata/`;
  if (!found) {
    const known = lake.sources.flatMap(({ settings }) => (settings.tableFormat === 'iceberg' ? [settings.name] : []));
    throw new CommandError(
      `table ${table}: it is not in the catalog, and no metadata of it is in ${folder}; sources with tableFormat=iceberg: ` +
        (known.join(', ') || 'none'),
    );
  }
  const choice = newest.map(({ metadata: { 'last-updated-ms': ms, snapshots = [] }, metadataLocation }) => {
    const rows = snapshots.at(-1)?.summary['total-records'] ?? 0;
    return `--metadata ${metadataLocation} (${rows} rows, ${new Date(ms).toISOString()})`;
  });
  throw new CommandError(
    `table ${table}: it is not in the catalog, and nobody knows which of its metadata counted last; ` +
      `name it: ${choice.join(', or ')}`,
  );
}

/** Rows of a former table that were read again, or will be, would come a second time with its files. */
function refuseReplaced(table: string, tables: readonly LoadedTable[], known: readonly LoadedTable[]): void {
  const replaced = new Set(known.flatMap(replacedBy));
  const former = tables.find(({ metadata }) => replaced.has(metadata['table-uuid']));
  if (!former) return;
  throw new CommandError(
    `table ${table}: the rows of ${former.metadataLocation} are read again from the objects that they came from, by ` +
      '`lake rebuild --from landing`, and would come a second time; nothing was changed',
  );
}

/** Tables that have other files, as neither is made of the other. */
function notIn(tables: readonly LoadedTable[], newest: readonly LoadedTable[]): string[] {
  const taken = new Set(tables.flatMap(uuidsOf));
  const own = new Set(tables.map(({ metadata }) => metadata['table-uuid']));
  const replaced = new Set(tables.flatMap(replacedBy));
  const others = newest.filter((other) => {
    return (
      !replaced.has(other.metadata['table-uuid']) &&
      !taken.has(other.metadata['table-uuid']) &&
      !uuidsOf(other).some((uuid) => own.has(uuid))
    );
  });
  return others.map(({ metadataLocation }) => metadataLocation);
}

/** Files that are looked at: no table has as many that no other one names. */
const MAX_METADATA = 100;

async function metadataInFolder(
  lake: Pick<LakeHandle, 's3' | 'lakeBucket'>,
  table: string,
  files: TableFiles,
): Promise<LoadedTable[]> {
  const listed = [];
  const bucket = lake.lakeBucket;
  for await (const page of listObjects(lake, { bucket, prefix: `${ICEBERG_PREFIX}${table}/metadata/` })) {
    listed.push(...page.filter(({ key }) => isMetadata(key)));
  }
  const newest = listed.toSorted((a, b) => b.lastModified.getTime() - a.lastModified.getTime()).slice(0, MAX_METADATA);
  const read = newest.map(({ key }) => readMetadata(files, `s3://${bucket}/${key}`));
  return readableAsync(table, () => Promise.all(read));
}

/** Has errors name the table, and the way out. */
export function readable<Result>(table: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw unreadable(table, error);
  }
}

export async function readableAsync<Result>(table: string, step: () => Promise<Result>): Promise<Result> {
  return step().catch((error: unknown) => {
    throw unreadable(table, error);
  });
}

function unreadable(table: string, error: unknown): CommandError {
  return new CommandError(`table ${table}: ${messageOf(error)}; nothing was changed`, { cause: error });
}
