#!/usr/bin/env node
/** The command line of a lake: `npm run lake -- --help`. */
import { Command, CommanderError } from 'commander';
import { addAlarms } from './commands/alarms.ts';
import { addArchive } from './commands/archive.ts';
import { addAudit } from './commands/audit.ts';
import { addBackfill } from './commands/backfill.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDuplicates } from './commands/duplicates.ts';
import { addFormats } from './commands/formats.ts';
import { addInit } from './commands/init.ts';
import { addParse } from './commands/parse.ts';
import { addPlan } from './commands/plan.ts';
import { addProve } from './commands/prove.ts';
import { addQuery } from './commands/query.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addRedrive } from './commands/redrive.ts';
import { addReplayRejected } from './commands/replay-rejected.ts';
import { addRun } from './commands/run.ts';
import { addSchema } from './commands/schema.ts';
import { addTables } from './commands/tables.ts';
import { takenByNpm } from './commands/taken-by-npm.ts';
import { EXIT, UsageError } from './output/command-error.ts';
import { complain, reportFailure } from './output/output.ts';
import { terminalWidth } from './output/terminal.ts';
import { wrapped } from './output/wrap.ts';

/** Columns of help that goes into a file or to another program. */
const HELP_WIDTH = 80;

// What a lake holds is only for its owner, in files of functions' processes too.
process.umask(0o077);

// `lake query … | head` closes the pipe before all output is written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
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
  process.exit(EXIT.failed);
});

process.exitCode = await main(process.argv);

async function main(argv: readonly string[]): Promise<number> {
  const lake = program();
  const json = argv.includes('--json');
  try {
    const taken = takenByNpm(lake.commands, process.env);
    if (taken !== undefined) throw new UsageError(taken);
    await lake.parseAsync(argv);
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, { json });
    if (error.exitCode === 0) return EXIT.ok;
    const names = lake.commands.map((command) => command.name());
    const command = argv.slice(2).find((argument) => names.includes(argument));
    const hint = `; see \`lake ${command ? `${command} ` : ''}--help\``;
    return reportFailure(new UsageError(usageText(error)), { json, hint });
  }
}

/**
 * Commander's message as one line: it begins with `error: `, suggestions are on a line of their own, and what is wrong with
 * a value is a sentence after another one.
 */
function usageText({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'expected a command, got none';
  return message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(/ is invalid\. (\w)/, (_, first: string) => ` is invalid: ${first.toLowerCase()}`)
    .replaceAll('\n', ' ');
}

/** Wraps the lines that commands add to their help, below the text of a list's item. */
function wrappedHelp(text: string, width: number): string {
  const indentOf = (line: string) => ' '.repeat(/^ *(?:[a-z_-]+ {2,})?/.exec(line)?.[0].length ?? 0);
  return text
    .split('\n')
    .flatMap((line) => wrapped(line, width, indentOf(line)))
    .join('\n');
}

function program(): Command {
  const lake = new Command('lake')
    .description(
      'Tributary, a serverless log lake: log files in, SQL out.\n' +
        'Without --stack, the commands work on a local lake: ' +
        'the stack that `cdk deploy` would deploy, run on this machine.',
    )
    .helpCommand(true)
    // Without the arguments, so that the descriptions fit on a terminal of 80 columns.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    // Before the commands are added, because they inherit both settings.
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => process.stdout.write(wrappedHelp(text, terminalWidth() ?? HELP_WIDTH)),
      writeErr: (text) => process.stderr.write(wrappedHelp(text, terminalWidth(process.stderr) ?? HELP_WIDTH)),
      getOutHelpWidth: () => terminalWidth() ?? HELP_WIDTH,
      getErrHelpWidth: () => terminalWidth(process.stderr) ?? HELP_WIDTH,
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 something could not be done, stderr says what;\n' +
        '2 wrong usage, or a configuration or query that cannot be meant;\n' +
        '3 `lake audit`, `lake alarms`, `lake doctor` or `lake prove` found problems.',
    );
  const local = [addDemo, addRun, addQuery, addFormats, addInit, addParse, addPlan, addDoctor];
  const operations = [
    addBackfill,
    addRedrive,
    addReplayRejected,
    addAudit,
    addAlarms,
    addDuplicates,
    addSchema,
    addTables,
    addRebuild,
    addReconcile,
    addProve,
    addArchive,
  ];
  for (const add of [...local, ...operations]) add(lake);
  return lake;
}
