import type { Command } from 'commander';
import { redrive } from '../operations/redrive.ts';
import { addOperation, type OperationFlags, operate } from './operation.ts';

/** `lake redrive` */
export function addRedrive(program: Command): void {
  addOperation(
    program,
    'redrive',
    'tries again what the lake gave up on: messages in the dead-letter queue, log events, records not converted',
  ).action((flags: OperationFlags) =>
    operate(flags, true, async (lake, options, problems) => ({ counts: await redrive(lake, options, problems) })),
  );
}
