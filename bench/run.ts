/** `npm run bench`: what loading takes, measured against inflating alone, against the usual way, and by the bill. */
import { Command, Option } from 'commander';
import { jsonOption } from '../bin/options.ts';
import { print, printJson, stages } from '../bin/output.ts';
import { billedSection } from './billed-bytes.ts';
import type { Kind } from './generate.ts';
import { fromFiles, generated, type Input, inputsSection } from './input.ts';
import { measurePaths } from './paths.ts';
import { settingOf, terminalText } from './report.ts';
import { FULL, QUICK, type Scale, TINY } from './scale.ts';

interface Options {
  readonly format: 'alb' | 'kong' | 'json';
  readonly seed: string;
  readonly quick?: true;
  readonly tiny?: true;
  readonly json?: true;
}

const command = new Command('bench')
  .description('measures the ingest path, the functions, what they cost and what they are held against')
  .argument('[files...]', 'logs to measure in place of generated ones; small ones are repeated')
  .addOption(new Option('-f, --format <name>', 'format of the files').choices(['alb', 'kong', 'json']).default('alb'))
  .option('--seed <text>', 'seed of the generated lines', 'tributary')
  .option('--quick', 'within a minute: smaller objects, fewer rounds')
  .addOption(new Option('--tiny', 'in seconds: no figure is worth reading').hideHelp())
  .addOption(jsonOption());
command.action((files: string[], options: Options) => bench(files, options));
await command.parseAsync();

async function bench(files: readonly string[], { format, seed, quick, tiny, json }: Options): Promise<void> {
  const progress = stages();
  const scale = tiny ? TINY : quick ? QUICK : FULL;
  progress('making inputs');
  const inputs = inputsOf(files, format, seed, scale);
  const { alb, others } = inputs;
  progress('measuring paths');
  const paths = await measurePaths(alb, others, scale);
  progress('counting billed bytes');
  const billed = await billedSection([alb, ...others]);
  const figures = {
    ingestRatio: Object.fromEntries(paths.ingestRatio),
    usualRatio: paths.usualRatio,
    billedBytesRatio: billed.ratio,
    newColumnRatio: paths.newColumnRatio,
  };
  const sections = [inputsSection([alb, ...others]), paths.section, billed.section];
  if (json) printJson(figures);
  else print(terminalText(settingOf(commandLine()), sections));
}

/** One input a kind: the files for their format, generated lines for the others. */
function inputsOf(files: readonly string[], format: Options['format'], seed: string, { inputBytes }: Scale) {
  const input = (kind: Kind): Input =>
    kind === format && files.length > 0 ? fromFiles(kind, files, inputBytes) : generated(kind, seed, inputBytes);
  return { alb: input('alb'), others: [input('kong'), input('json'), input('json-nested')] };
}

/** The command as it was typed, near enough. */
function commandLine(): string {
  const args = process.argv.slice(2);
  return `npm run bench${args.length > 0 ? ` -- ${args.join(' ')}` : ''}`;
}
