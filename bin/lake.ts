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
import { addProve } from './commands/prove.ts';
import { addQuery } from './commands/query.ts';
import { addRedrive } from './commands/redrive.ts';
import { addReplayRejected } from './commands/replay-rejected.ts';
import { addRun } from './commands/run.ts';
import { complain } from './output/output.ts';

/** Exit code: every file was read to its end and the command did what it was asked to do. */
const OK = 0;
/** Exit code: something could not be done; stderr says what. */
const FAILED = 1;
const WRONG_USAGE = 2;

// What a lake holds is only for its owner, in files of functions' processes too.
process.umask(0o077);

// `lake query … | head` closes the pipe before all output is written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(OK);
});

// dynalite reads its files in its own callbacks: an error it throws there can be caught only here.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  if (error.code?.startsWith('LEVEL_') || error.message === 'Database is closed') {
    complain(
      "the lake's ledger is damaged: the same command run again sets aside what cannot be read; if this comes again, " +
        "delete dynamodb/ in the lake's folder; the rows of objects that are then loaded again repeat, with the same origin " +
        'and position',
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
    .description(
      'Tributary, a serverless log lake: log files in, SQL out.\n' +
        'Without --stack, the commands work on a local lake: ' +
        'the stack that `cdk deploy` would deploy, run on this machine.',
    )
    .helpCommand(true)
    .showHelpAfterError('(--help shows the commands and options)')
    // Without the arguments, so that the descriptions fit on a terminal of 80 columns.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    // Before the commands are added, because they inherit the setting.
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 something could not be done, stderr says what;\n' +
        '2 wrong usage; 3 `lake audit` or `lake prove` found problems.',
    );
  const local = [addDemo, addRun, addQuery, addFormats, addParse, addPlan];
  const operations = [addBackfill, addRedrive, addReplayRejected, addAudit, addDuplicates, addProve];
  for (const add of [...local, ...operations]) add(lake);
  return lake;
}
