/** What was committed to an Iceberg table after a time of which its metadata is: the ledger's lists of commits still say it. */
import type { AttemptList, BatchTable } from '../../lambdas/core/direct/attempt-list.ts';
import { BATCH, type Batch } from '../../lambdas/core/direct/batch.ts';
import type { LakeFiles } from '../../lambdas/core/direct/ports.ts';
import { COMMITS_PREFIX, type CommitList, type TableRecord } from '../../lambdas/core/direct/table-commits.ts';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import { replacedBy, uuidsOf } from '../../lambdas/core/iceberg/find-metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { COMMIT, SOURCE } from '../../lambdas/core/iceberg/properties.ts';
import { dynamoBatches } from '../../lambdas/edges/batches.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { dynamoCommits } from '../../lambdas/edges/table-commits.ts';
import { CommandError } from '../output/command-error.ts';
import type { LakeHandle } from './lake-handle.ts';
import { listObjects } from './objects.ts';

/** The ledger and its lists, as far as commits are looked up there. */
export interface CommitRecords {
  /** Keys of the lists of all commits that were planned for a table, also of those that came second and were not made. */
  listsOf(table: string): Promise<readonly string[]>;
  /** Has the list of the commit that is planned, and may have been made. */
  recordOf(table: string, source: string): Promise<Pick<TableRecord, 'committer' | 'list'>>;
  readonly lake: Pick<LakeFiles, 'getList'>;
  /** @returns undefined if the ledger has forgotten it, which it does only long after it was committed */
  readBatch(id: string): Promise<Batch | undefined>;
}

export interface CommittedSince {
  readonly files: readonly DataFile[];
  /** Files with columns that the metadata does not know. */
  readonly leftOut: readonly DataFile[];
  /** The properties that say of these commits that they were made. */
  readonly properties: Readonly<Record<string, string>>;
}

const NOTHING: CommittedSince = { files: [], leftOut: [], properties: {} };

export function commitRecords(lake: Pick<LakeHandle, 's3' | 'lakeBucket' | 'dynamodb' | 'ledgerTable' | 'ledgerDays'>) {
  const place = { table: lake.ledgerTable, entryDays: lake.ledgerDays };
  const ledger = dynamoBatches(lake.dynamodb, place);
  const commits = dynamoCommits(lake.dynamodb, place);
  return {
    async listsOf(table) {
      const keys: string[] = [];
      for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix: `${COMMITS_PREFIX}${table}/` })) {
        keys.push(...page.map(({ key }) => key));
      }
      return keys;
    },
    recordOf: (table, source) => commits.recordOf(table, source),
    lake: s3LakeFiles(lake.s3, lake.lakeBucket),
    readBatch: (id) => ledger.read(id),
  } satisfies CommitRecords;
}

/**
 * The files that commits have added since the metadata of the tables was written. A batch that a later list names was
 * committed since, or waits: of those that came second in planning a commit, others made it later. The commit that is
 * planned was made if any of its batches knows that; otherwise it is left to the committer, which makes it then.
 *
 * @param isCurrent the catalog has the tables: what others than the lane's committer have made is in them
 * @param leavesOut whether files are left out that have columns which this metadata does not know
 * @throws CommandError if there are such files and they are not left out
 */
export async function committedSince(
  name: string,
  tables: readonly LoadedTable[],
  { listsOf, recordOf, lake, readBatch }: CommitRecords,
  { isCurrent, leavesOut }: { readonly isCurrent: boolean; readonly leavesOut: boolean },
): Promise<CommittedSince> {
  const lists = await listsOf(name);
  if (lists.length === 0) return NOTHING;
  const record = await recordOf(name, tables[0]?.metadata.properties?.[SOURCE] ?? name);
  const property = `${COMMIT}${record.committer}`;
  const { made, others } = commitsOf(tables, property);
  const later = lists.filter((key) => numberOf(key) > made);
  if (others && isCurrent) return NOTHING;
  if (others && later.length > 0) {
    throw new CommandError(
      `table ${name}: commits were made to it, by its lists in ${COMMITS_PREFIX}${name}/, and its metadata does not say ` +
        'by one committer alone up to which; nothing was changed',
    );
  }
  const files = new Map<string, DataFile>();
  const leftOut = new Map<string, DataFile>();
  let [number, last] = [made, ''];
  for (const key of later) {
    const { batches } = await lake.getList<CommitList>(key);
    const waiting = new Set<string>();
    for (const { batch, index } of batches) if (isWaiting(await readBatch(batch), index)) waiting.add(batch);
    const wasMade = key === record.list && waiting.size < batches.length;
    for (const { batch, attempt, index } of batches) {
      const table = (await lake.getList<AttemptList>(attempt)).tables?.[index];
      if (!table) throw new Error(`batch ${batch}: expected files of ${name} in ${attempt}, got none`);
      if (waiting.has(batch) && !wasMade) continue;
      if (numberOf(key) > number) [number, last] = [numberOf(key), key];
      // They were never in this table, and are written anew for it.
      if (tables.some((known) => replacedBy(known).includes(table.uuid))) continue;
      if (!leavesOut) requireKnown(name, table, tables);
      const to = isKnown(table, tables) ? files : leftOut;
      for (const file of table.files) to.set(file.path, file);
    }
  }
  const all = { files: [...files.values()], leftOut: [...leftOut.values()] };
  return { ...all, properties: last === '' ? {} : { [property]: `${number} ${last}` } };
}

function isWaiting(batch: Batch | undefined, index: number): boolean {
  return batch?.state === BATCH.stored && batch.uncommitted?.includes(index) === true;
}

/** The last commit that metadata has of a committer, and whether it has any of others, of a ledger that was lost. */
function commitsOf(tables: readonly LoadedTable[], property: string) {
  const said = tables.flatMap(({ metadata }) => Object.entries(metadata.properties ?? {}));
  const commits = said.filter(([name]) => name.startsWith(COMMIT));
  const own = commits.filter(([name]) => name === property).map(([, value]) => Number.parseInt(value, 10));
  return { made: Math.max(0, ...own), others: own.length < commits.length };
}

function numberOf(key: string): number {
  return Number(/\/(\d+)-[^/]+$/.exec(key)?.[1] ?? 0);
}

function requireKnown(name: string, table: BatchTable, tables: readonly LoadedTable[]): void {
  if (isKnown(table, tables)) return;
  const { uuid, schemaId, files } = table;
  throw new CommandError(
    `table ${name}: files that were committed, such as ${files[0]?.path}, have the schema ${schemaId} of the table ` +
      `${uuid}, which this metadata does not have; name metadata that has it with --metadata, or leave the rows of these ` +
      'files out with --without-missing; nothing was changed',
  );
}

/** Ids of columns that were added later would be given again, to other columns. */
function isKnown({ uuid, schemaId }: BatchTable, tables: readonly LoadedTable[]): boolean {
  const known = tables.filter((table) => uuidsOf(table).includes(uuid));
  return known.some(({ metadata }) => metadata.schemas.some((schema) => schema['schema-id'] === schemaId));
}
