/** Publishes a sealed attempt: completes its files and says in the ledger what came of its members. */
import type { UnknownKeys } from '../evolution/unknown-keys.ts';
import { keyItemId } from '../loading/input.ts';
import { type LoadsRow, loadsRow } from '../loading/lake-rows.ts';
import type { Loaded } from '../loading/load.ts';
import { ASK_AGAIN_SECONDS, type UnavailableReason } from '../loading/unavailable.ts';
import { sendAsVersion, type VersionMarks } from '../loading/versions.ts';
import { LOADS, loadsTable } from '../tables/lake-tables.ts';
import { DATA_PREFIX, fileKey } from '../tables/table.ts';
import { eachOf } from './at-a-time.ts';
import type { AttemptList, MemberResult } from './attempt-list.ts';
import type { Batch, Candidate, UploadedFile } from './batch.ts';
import type { OpenTableFile } from './batch-files.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';

export interface PublishPorts {
  readonly ledger: BatchLedger;
  readonly lake: LakeFiles;
  readonly openFile: OpenTableFile;
  readonly now: () => Date;
  /** Days that the ledger keeps the entry of an object. */
  readonly entryDays: number;
  /** Puts an object into the dead-letter queue of the objects, with the reason. */
  readonly deadLetter: (member: Candidate, reason: string) => Promise<void>;
}

/** What was published, for metrics; empty if another invocation was first. */
export interface Published {
  readonly source: string;
  readonly loaded: readonly Loaded[];
  readonly notLoaded: readonly UnavailableReason[];
  readonly replaced: number;
  /** Of a batch that was written for the first time, what its lines had that is no column. */
  readonly unknown?: UnknownKeys;
}

/** Uploads that are completed at a time. A batch whose rows are divided among thousands of tables has a file for each of them. */
export const COMPLETED_AT_A_TIME = 32;

/**
 * Completes the files of a batch's Iceberg tables. Nobody sees them before their commits; the other files of the batch
 * are completed after these. If the process dies, whoever gets the batch next completes the same uploads.
 */
export async function store(batch: Batch, { ledger, lake, now }: PublishPorts): Promise<void> {
  const attempt = batch.attempt as string;
  const list = await lake.getList<AttemptList>(attempt);
  await completeAll(divided(list, lake).ofTables, lake);
  await ledger.store(batch.id, attempt, list.tables?.length ?? 0, now().toISOString());
}

/** The files of Iceberg tables, and the others. */
function divided({ files, tables = [] }: AttemptList, lake: LakeFiles) {
  const keys = new Set(tables.flatMap((table) => table.files.map(({ path }) => lake.keyOf(path))));
  const [ofTables, others]: [UploadedFile[], UploadedFile[]] = [[], []];
  for (const file of files) (keys.has(file.key) ? ofTables : others).push(file);
  return { ofTables, others };
}

/** In any order: if the process dies, some of them are completed. */
async function completeAll(files: readonly UploadedFile[], lake: LakeFiles): Promise<void> {
  await eachOf(files, COMPLETED_AT_A_TIME, (file) => lake.complete(file));
}

function hasLoads({ key }: UploadedFile): boolean {
  return key.startsWith(`${DATA_PREFIX}${LOADS}/`);
}

/**
 * Publishes a sealed batch, or a stored one whose commits are done.
 *
 * These are the effects in their order. Each can be repeated by anyone, at any time after the seal; if the process dies
 * between two of them, the next one that gets the batch repeats all:
 *
 * 1. The files are completed, those of `loads` last: rows become visible. Those of Iceberg tables are visible by then,
 *    and may be gone: others make fewer and larger files of them.
 * 2. Members that are to be asked for again wait again, and the entries of those that were given up say so.
 * 3. The ledger remembers each version as the latest one of its key; if another batch was first, another row of `loads`
 *    says so.
 * 4. After a reload, files that only the generation before had are deleted. Until then, its rows are there beside the new
 *    ones.
 * 5. The batch is written, and leaves the index.
 */
export async function publish(batch: Batch, ports: PublishPorts): Promise<Published> {
  const { ledger, lake } = ports;
  const attempt = batch.attempt as string;
  const list = await lake.getList<AttemptList>(attempt);
  const files = divided(list, lake).others;
  await completeAll(
    files.filter((file) => !hasLoads(file)),
    lake,
  );
  await completeAll(files.filter(hasLoads), lake);
  for (const member of list.members) await settle(batch, list.day, member, ports);
  await removeReplaced(batch, list, lake);
  // Whoever moves the batch counts what was loaded. If the process dies before the metrics are put, they are missing.
  if (!(await ledger.written(batch.id, attempt))) {
    return { source: batch.source, loaded: [], notLoaded: [], replaced: 0 };
  }
  return publishedOf(batch, list);
}

async function removeReplaced({ before }: Batch, { files }: AttemptList, lake: LakeFiles): Promise<void> {
  if (before === undefined) return;
  const kept = new Set(files.map(({ key }) => key));
  const replaced = await lake.getList<AttemptList>(before);
  for (const { key } of replaced.files) if (!kept.has(key)) await lake.remove(key);
}

async function settle(
  batch: Batch,
  day: string,
  { candidate, origin, ended }: MemberResult,
  ports: PublishPorts,
): Promise<void> {
  const { id, source } = batch;
  const { ledger, now, entryDays, deadLetter } = ports;
  switch (ended.outcome) {
    case 'unavailable': {
      const since = new Date(now().getTime() + ASK_AGAIN_SECONDS * 1000).toISOString();
      await ledger.waitAgain(id, candidate, { source, since, waited: ended.waited });
      return;
    }
    case 'not_loaded':
      await ledger.notLoaded(id, candidate, ended.reason);
      return;
    case 'refused':
      await deadLetter(candidate, ended.detail);
      await ledger.notLoaded(id, candidate, 'failed');
      return;
    case 'replaced':
      await ledger.notLoaded(id, candidate, 'replaced');
      return;
    case 'loaded': {
      const { version, row } = ended;
      const versionId = keyItemId(source, candidate);
      const remember = (instead?: string) => ledger.remember(versionId, version, entryDays, instead);
      await sendAsVersion(version, remember, async (marks) => {
        if (!isSaid(marks, row)) await putLoadsRow(batch, day, origin, { ...row, ...marks }, ports);
      });
      return;
    }
  }
}

function isSaid({ replaces, replaced_by }: VersionMarks, row: LoadsRow): boolean {
  return (
    (replaces === undefined || replaces === row.replaces) &&
    (replaced_by === undefined || replaced_by === row.replaced_by)
  );
}

/**
 * Adds a row of `loads` that says more of other versions than the batch could know: another one was published since. It
 * is another row of the same origin, in a file of its own, whose key everybody makes the same who finds the same.
 */
async function putLoadsRow(
  { id }: Batch,
  day: string,
  origin: string,
  row: LoadsRow,
  { lake, openFile }: PublishPorts,
): Promise<void> {
  const file = openFile(loadsTable.columns);
  file.append(Buffer.from(loadsRow(origin, row)));
  const bytes = Buffer.concat(file.finish());
  await lake.putFile(fileKey(LOADS, day, `${id}-${origin}-${row.replaces ?? row.replaced_by}`), bytes);
}

function publishedOf({ source, generation }: Batch, { members, unknown }: AttemptList): Published {
  return {
    source,
    loaded: members.flatMap(({ origin, ended }) =>
      ended.outcome === 'loaded'
        ? [{ source, origin, counts: ended.counts, reasons: new Map(Object.entries(ended.reasons)) }]
        : [],
    ),
    notLoaded: members.flatMap(({ ended }) => (ended.outcome === 'not_loaded' ? [ended.reason] : [])),
    replaced: members.filter(({ ended }) => ended.outcome === 'replaced').length,
    ...(generation === 1 && unknown && { unknown }),
  };
}
