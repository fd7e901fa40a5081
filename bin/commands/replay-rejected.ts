import { type Command, Option } from 'commander';
import { replayRejected } from '../operations/replay-rejected.ts';
import { addOperation, type OperationFlags, operate, sinceOption } from './operation.ts';

interface ReplayFlags extends OperationFlags {
  readonly where: string;
  readonly since?: Date;
}

/** `lake replay-rejected` */
export function addReplayRejected(program: Command): void {
  addOperation(
    program,
    'replay-rejected',
    'reads rejected lines again with the current formats, and adds those that can be read now as rows',
  )
    .addOption(
      new Option('--where <sql>', 'SQL condition on the columns of rejected_lines').default('true', 'all lines'),
    )
    .addOption(sinceOption('only lines rejected'))
    .action((flags: ReplayFlags) => {
      const { where, since } = flags;
      const task = { where, ...(since && { since }) };
      return operate(flags, false, async (lake, options) => ({
        counts: await replayRejected(lake, task, options),
      }));
    });
}
