#!/usr/bin/env node
/** The command line of a lake: `npm run lake -- --help`. */
import { Command, CommanderError } from 'commander';
import { messageOf } from '../local/files.ts';
import { addAudit } from './commands/audit.ts';
import { addBackfill } from './commands/backfill.ts';
import { addDemo } from './commands/demo.ts';
import { addDuplicates } from './commands/duplicates.ts';
import { addFormats } from './commands/formats.ts';
import { addParse } from './commands/parse.ts';
import { addPlan } from './commands/plan.ts';
import { addQuery } from './commands/query.ts';
import { addRedrive } from './commands/redrive.ts';
import { addReplayRejected } from './commands/replay-rejected.ts';
import { addRun } from './commands/run.ts';
import { complain } from './output/output.ts';

/** Every file was read to its end, and what was asked is done. */
const OK = 0;
/** Something could not be; a line on stderr says what. */
const FAILED = 1;
const WRONG_USAGE = 2;

// `lake query … | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(OK);
});

// What dynalite throws when it cannot read its files comes from callbacks of its own, where nobody can catch it.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  if (error.code?.startsWith('LEVEL_') || error.message === 'Database is closed') {
    complain(
      "the lake's ledger is damaged: delete dynamodb/ in the lake's folder to begin a new one; " +
        'what is then loaded again repeats with the same origin and position',
    );
  } else console.error(error);
  process.exit(FAILED);
});

process.exitCode = await main(process.argv);

async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv);
    return Number(process.exitCode ?? OK);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? OK : WRONG_USAGE;
    complain(messageOf(error));
    return FAILED;
  }
}

function program(): Command {
  const lake = new Command('lake')
    .description('Log files in, SQL out: runs the stack that `cdk deploy` would deploy on this machine.')
    .helpCommand(true)
    .showHelpAfterError('(--help shows what is possible)')
    // Set before the commands are added: they inherit it.
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 something could not be (stderr says what), 2 wrong usage.');
  const local = [addDemo, addRun, addQuery, addFormats, addParse, addPlan];
  const operations = [addBackfill, addRedrive, addReplayRejected, addAudit, addDuplicates];
  for (const add of [...local, ...operations]) add(lake);
  return lake;
}
