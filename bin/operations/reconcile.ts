/** `lake reconcile`: tells a ledger that was set back to an earlier time what the Iceberg tables of a source have. */

import { type Reconciled, reconcile } from '../../lambdas/core/direct/reconcile.ts';
import { LedgerSetBackError } from '../../lambdas/core/direct/set-back.ts';
import type { IcebergCatalog } from '../../lambdas/core/iceberg/ports.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { reconcilingLedger } from '../../lambdas/edges/reconciling.ts';
import { CommandError } from '../output/command-error.ts';
import { commitRecords } from './commits-since.ts';
import type { LakeHandle } from './lake-handle.ts';
import { entriesOf } from './ledger-entries.ts';
import type { OperationOptions } from './operation-options.ts';

/** What was done; `tables` are those with commits that the ledger did not know. */
export interface ReconcileReport {
  readonly tables: number;
  readonly commits: number;
  readonly batches: number;
  readonly objects: number;
  readonly putBack: number;
  readonly closed: number;
  /** Batches that are being written, and that another run has to look at. */
  readonly busy: readonly string[];
  readonly setBack: readonly string[];
}

/** Passes of one run. Each finds what those before have left, and what the functions have done meanwhile. */
const PASSES = 5;

/** @throws CommandError if the lists do not say what was committed, or rows are there twice */
export async function reconcileSource(
  lake: LakeHandle & { readonly catalog: IcebergCatalog },
  source: string,
  { dryRun }: Pick<OperationOptions, 'dryRun'>,
): Promise<ReconcileReport> {
  const tables = (await lake.icebergTables(source)).map(({ name }) => name);
  const { listsOf } = commitRecords(lake);
  const ports = {
    ledger: reconcilingLedger(lake.dynamodb, { table: lake.ledgerTable, entryDays: lake.ledgerDays }, (places) =>
      entriesOf(lake, places),
    ),
    lake: s3LakeFiles(lake.s3, lake.lakeBucket),
    catalog: lake.catalog,
    listsOf,
    now: () => new Date(),
  };
  const passes: Reconciled[] = [];
  do {
    passes.push(
      await reconcile(source, tables, ports, dryRun).catch((error: unknown) => {
        throw error instanceof LedgerSetBackError ? new CommandError(error.message, { cause: error }) : error;
      }),
    );
  } while (!dryRun && !passes.at(-1)?.isDone && passes.length < PASSES);
  return reportOf(passes);
}

function reportOf(passes: readonly Reconciled[]): ReconcileReport {
  const sum = (count: (pass: Reconciled) => number) => passes.reduce((total, pass) => total + count(pass), 0);
  const [first] = passes;
  return {
    tables: first?.setBack.length ?? 0,
    commits: first?.commits ?? 0,
    batches: first?.batches ?? 0,
    objects: sum(({ objects }) => objects),
    putBack: sum(({ putBack }) => putBack.length),
    closed: sum(({ closed }) => closed.length),
    busy: passes.at(-1)?.busy ?? [],
    setBack: first?.setBack ?? [],
  };
}
