import type { Command } from 'commander';
import { redrive } from '../operations/redrive.ts';
import { addOperation, type OperationOptions, operate } from './operation.ts';

/** `lake redrive` */
export function addRedrive(program: Command): void {
  addOperation(
    program,
    'redrive',
    'tries again what failed for good: dead letters, log events, records not converted',
  ).action((options: OperationOptions) =>
    operate(options, true, async (lake, tools, problems) => ({ counts: await redrive(lake, tools, problems) })),
  );
}
