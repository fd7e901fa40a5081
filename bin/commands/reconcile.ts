import type { Command } from 'commander';
import { sourceNamed } from '../operations/lake-handle.ts';
import { type ReconcileReport, reconcileSource } from '../operations/reconcile.ts';
import { UsageError } from '../output/command-error.ts';
import { quantity } from '../output/render.ts';
import { addOperation, type OperationFlags, operate } from './operation.ts';

/** `lake reconcile` */
export function addReconcile(program: Command): void {
  addOperation(program, 'reconcile', 'tells a ledger that was set back to an earlier time what Iceberg tables have')
    .argument('<source>', 'the source')
    .addHelpText(
      'after',
      '\nRun it as long as it names batches that are being written, and then `lake backfill` of the time since: what is in ' +
        'the tables is not loaded again.',
    )
    .action(run);
}

async function run(name: string, flags: OperationFlags): Promise<void> {
  return operate(flags, 'repair', async (lake, options) => {
    const { settings } = sourceNamed(lake, name);
    const { catalog } = lake;
    if (!catalog) throw new UsageError('this stack has no Iceberg tables');
    const report = await reconcileSource({ ...lake, catalog }, settings.name, options);
    const problem = report.busy.length > 0;
    return { counts: report, text: textOf(report), found: problem };
  });
}

function textOf({ setBack, busy }: ReconcileReport): string {
  if (setBack.length === 0) return 'The ledger knows all commits of these tables.';
  const tables = `The ledger did not know all commits of ${setBack.join(', ')}.`;
  if (busy.length === 0) return tables;
  const batches = quantity(busy.length, 'batch', 'batches');
  return `${tables} ${batches} of objects that were committed before are being written: run the command again in some minutes.`;
}
