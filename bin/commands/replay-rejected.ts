import { type Command, Option } from 'commander';
import { replayRejected } from '../operations/replay-rejected.ts';
import { addOperation, type OperationOptions, operate, sinceOption } from './operation.ts';

interface ReplayOptions extends OperationOptions {
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
    .action((options: ReplayOptions) => {
      const { where, since } = options;
      const task = { where, ...(since && { since }) };
      return operate(options, false, async (lake, tools) => ({
        counts: await replayRejected(lake, task, tools),
      }));
    });
}
