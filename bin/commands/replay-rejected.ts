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
    "reads rejected lines again by today's formats; those that are rows now become rows",
  )
    .addOption(
      new Option('--where <sql>', 'a condition on the columns of rejected_lines').default('true', 'all of them'),
    )
    .addOption(sinceOption('rejected'))
    .action((flags: ReplayFlags) => {
      const { where, since } = flags;
      const task = { where, ...(since && { since }) };
      return operate(flags, false, async (lake, options) => ({
        counts: await replayRejected(lake, task, options),
      }));
    });
}
