/** `lake reconcile`: tells a ledger that was set back to an earlier time what the tables of a source have. */
import type { ListedAmendment } from '../../lambdas/core/direct/attempt-list.ts';
import { LISTS_PREFIX } from '../../lambdas/core/direct/batch.ts';
import { type Reconciled, reconcile } from '../../lambdas/core/direct/reconcile.ts';
import {
  type AttemptKeys,
  type ReconciledFiles,
  type ReconcileFilesPorts,
  reconcileFiles,
} from '../../lambdas/core/direct/reconcile-files.ts';
import { LedgerSetBackError } from '../../lambdas/core/direct/set-back.ts';
import type { IcebergCatalog } from '../../lambdas/core/iceberg/ports.ts';
import { s3FileStates } from '../../lambdas/edges/file-states.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { ledgerMarks } from '../../lambdas/edges/ledger-marks.ts';
import { reconcilingLedger } from '../../lambdas/edges/reconciling.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { noteAgain } from './amendment-notes.ts';
import { commitRecords } from './commits-since.ts';
import { type LakeHandle, sourceNamed } from './lake-handle.ts';
import { entriesOf } from './ledger-entries.ts';
import { listObjects } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';

/** What was done. */
export interface ReconcileReport {
  /** Tables with commits that the ledger did not know. */
  readonly tables: number;
  readonly commits: number;
  /** Batches with rows in the tables since. */
  readonly batches: number;
  readonly objects: number;
  readonly putBack: number;
  readonly closed: number;
  /** Batches that are being written, and that another run has to look at. */
  readonly busy: readonly string[];
  /** Names of the Iceberg tables that show that the ledger was set back, or of the source if its rows are in files. */
  readonly setBack: readonly string[];
  /** Batches with rows that another batch has, too. */
  readonly repeated: readonly string[];
}

/** Passes of one run. Each finds what those before have left, and what the functions have done meanwhile. */
const PASSES = 5;

/**
 * @throws UsageError if the source is not on the direct lane
 * @throws CommandError if the lists do not say what was committed, or rows are there twice
 */
export async function reconcileSource(
  lake: LakeHandle,
  source: string,
  { dryRun }: Pick<OperationOptions, 'dryRun'>,
): Promise<ReconcileReport> {
  const { delivery, tableFormat } = sourceNamed(lake, source).settings;
  if (delivery !== 'direct') {
    throw new UsageError(
      `source ${source}: expected "delivery": "direct", got ${JSON.stringify(delivery ?? 'firehose')}`,
    );
  }
  const { catalog } = lake;
  const commits = catalog ? await ofCommits({ ...lake, catalog }, source, dryRun) : [];
  return reportOf(source, commits, tableFormat === 'iceberg' ? [] : await ofFiles(lake, source, dryRun));
}

async function ofCommits(
  lake: LakeHandle & { readonly catalog: IcebergCatalog },
  source: string,
  dryRun: boolean,
): Promise<Reconciled[]> {
  const tables = (await lake.icebergTables(source)).map(({ name }) => name);
  const { listsOf } = commitRecords(lake);
  const ports = { ...portsOf(lake), catalog: lake.catalog, listsOf };
  return await passesOf(dryRun, () =>
    reconcile(source, tables, ports, dryRun).catch((error: unknown) => {
      throw error instanceof LedgerSetBackError ? new CommandError(error.message, { cause: error }) : error;
    }),
  );
}

async function ofFiles(lake: LakeHandle, source: string, dryRun: boolean): Promise<ReconciledFiles[]> {
  const ports: ReconcileFilesPorts = {
    ...portsOf(lake),
    marks: ledgerMarks(lake.dynamodb, lake.ledgerTable),
    stateOf: s3FileStates(lake.s3, lake.lakeBucket),
    attemptsSince: (of, since) => attemptsSince(lake, of, since),
  };
  return await passesOf(dryRun, () => reconcileFiles(source, ports, dryRun));
}

function portsOf(lake: LakeHandle) {
  const { dynamodb, ledgerTable, ledgerDays: entryDays } = lake;
  return {
    ledger: reconcilingLedger(dynamodb, { table: ledgerTable, entryDays }, (places) => entriesOf(lake, places)),
    lake: s3LakeFiles(lake.s3, lake.lakeBucket),
    now: () => new Date(),
    noteAmendments: (amendments: readonly ListedAmendment[]) => noteAgain(lake, amendments),
  };
}

async function passesOf<Pass extends { readonly isDone: boolean }>(
  dryRun: boolean,
  pass: () => Promise<Pass>,
): Promise<Pass[]> {
  const passes: Pass[] = [];
  do passes.push(await pass());
  while (!dryRun && !passes.at(-1)?.isDone && passes.length < PASSES);
  return passes;
}

/** Batches of which the list of an attempt was put since a time: the lists of one are next to each other. */
async function* attemptsSince(lake: LakeHandle, source: string, since: Date): AsyncGenerator<AttemptKeys> {
  const prefix = `${LISTS_PREFIX}${source}/`;
  let batch = '';
  let attempts: string[] = [];
  let isSince = false;
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix })) {
    for (const { key, lastModified } of page) {
      const [id = '', name = ''] = key.slice(prefix.length).split('/');
      if (id !== batch) {
        if (isSince) yield { batch, attempts };
        [batch, attempts, isSince] = [id, [], false];
      }
      if (!name.startsWith('attempt-')) continue;
      attempts.push(key);
      isSince ||= lastModified >= since;
    }
  }
  if (isSince) yield { batch, attempts };
}

function reportOf(source: string, commits: readonly Reconciled[], files: readonly ReconciledFiles[]): ReconcileReport {
  const sum = (count: (pass: Reconciled | ReconciledFiles) => number) =>
    [...commits, ...files].reduce((total, pass) => total + count(pass), 0);
  const [firstCommits, firstFiles] = [commits[0], files[0]];
  return {
    tables: firstCommits?.setBack.length ?? 0,
    commits: firstCommits?.commits ?? 0,
    batches: (firstCommits?.batches ?? 0) + (firstFiles?.batches ?? 0),
    objects: sum(({ objects }) => objects),
    putBack: sum(({ putBack }) => putBack.length),
    closed: sum(({ closed }) => closed.length),
    busy: commits.at(-1)?.busy ?? [],
    setBack: [...(firstCommits?.setBack ?? []), ...(firstFiles?.isSetBack ? [source] : [])],
    repeated: files.at(-1)?.repeated ?? [],
  };
}
