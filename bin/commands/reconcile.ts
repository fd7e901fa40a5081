import type { Command } from 'commander';
import { type ReconcileReport, reconcileSource } from '../operations/reconcile.ts';
import { quantity } from '../output/render.ts';
import { addOperation, type OperationFlags, operate } from './operation.ts';

/** `lake reconcile` */
export function addReconcile(program: Command): void {
  addOperation(program, 'reconcile', 'tells a ledger that was set back to an earlier time what is in the tables')
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
    const report = await reconcileSource(lake, name, options);
    const problem = report.busy.length + report.repeated.length > 0;
    return { counts: report, text: textOf(report), found: problem };
  });
}

function textOf({ setBack, busy, repeated }: ReconcileReport): string {
  const texts = [
    setBack.length === 0
      ? 'The ledger knows what is in these tables.'
      : `The ledger did not know all that is in the tables of ${setBack.join(', ')}.`,
  ];
  if (busy.length > 0) {
    const batches = quantity(busy.length, 'batch', 'batches');
    texts.push(
      `${batches} of objects that were committed before are being written: run the command again in some minutes.`,
    );
  }
  if (repeated.length > 0) {
    const some = `${repeated.slice(0, 3).join(', ')}${repeated.length > 3 ? ', …' : ''}`;
    texts.push(
      `Rows of ${quantity(repeated.length, 'batch', 'batches')} (${some}) are in the table a second time, which origin and position show: ` +
        'the ledger was set back, and their objects were written again. The view _once shows each of them once.',
    );
  }
  return texts.join(' ');
}
