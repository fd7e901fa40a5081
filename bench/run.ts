/** `npm run bench`: compares loading with inflating alone and with the usual way (usual.ts), and computes its cost. */
import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { jsonOption } from '../bin/commands/options.ts';
import { CommandError } from '../bin/output/command-error.ts';
import { print, printJson, say, stages } from '../bin/output/output.ts';
import { RATES_FILE } from '../bin/plan/rates.ts';
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import { FORMAT_NAMES, fromFiles, generated, type Input, type Inputs } from './input.ts';
import { measureAll } from './measure-all.ts';
import { CAN_MEASURE_PROCESSES } from './process.ts';
import { ratesFile } from './rates.ts';
import { barsSection, page, reduced, settingOf, terminalText } from './report.ts';
import { FULL, QUICK, type Scale, TINY } from './scale.ts';

interface Options {
  readonly format: string;
  readonly seed: string;
  readonly quick?: true;
  readonly tiny?: true;
  readonly json?: true;
  readonly write?: true;
}

const PAGE = new URL('../docs/benchmarks.md', import.meta.url);

/** Inputs that appear only in the tables: envelopes, nested objects with undeclared keys, and other sizes. */
const MORE = [
  { name: 'kong, CRI', kind: 'kong-cri', size: 1 },
  { name: 'kong, in JSON', kind: 'kong-docker', size: 1 },
  { name: 'json, nested', kind: 'json-nested', size: 1 },
  { name: 'alb, smaller', kind: 'alb', size: 1 / 3 },
  { name: 'alb, larger', kind: 'alb', size: 5 },
] as const;

const command = new Command('bench')
  .description(
    'measures the ingest path, the functions and their cost, in comparison with inflating alone and with the usual ' +
      'way: readline, a regular expression, JSON.stringify, one record per line',
  )
  .argument('[files...]', 'log files to measure instead of generated lines; small files are repeated')
  .addOption(new Option('-f, --format <name>', 'format of the files').choices([...FORMATS.keys()]).default('alb'))
  .option('--seed <text>', 'seed of the generated lines', 'tributary')
  .option('--quick', 'take less than a minute: smaller objects, fewer rounds')
  .option('--write', 'write docs/benchmarks.md and bench/rates.json, as a full run with generated lines does')
  .addOption(new Option('--tiny', 'take seconds; the figures mean nothing').hideHelp())
  .addOption(jsonOption());
command.action((files: string[], options: Options) => bench(files, options));
try {
  await command.parseAsync();
} catch (error) {
  say(`bench: ${error instanceof CommandError ? error.message : (error as Error).stack}`);
  process.exitCode = 1;
}

async function bench(files: readonly string[], options: Options): Promise<void> {
  if (!CAN_MEASURE_PROCESSES)
    throw new CommandError(
      `expected Linux, which reports the CPU time and memory of other processes, got ${process.platform}`,
    );
  const chosen = options.tiny ? TINY : options.quick ? QUICK : FULL;
  const setting = settingOf(commandLine());
  const writes = options.write ?? (chosen === FULL && files.length === 0);
  const scale = { ...chosen, everything: chosen.everything || writes };
  const progress = stages();
  if (scale.name !== FULL.name) progress(reduced(scale));
  progress('generating inputs');
  const inputs = await inputsOf(files, options, scale);
  const { figures, sections, rates } = await measureAll(inputs, { seed: options.seed, scale, progress });
  const all = [barsSection(figures, scale), ...sections];
  if (writes) {
    writeFileSync(PAGE, page(setting, all));
    writeFileSync(RATES_FILE, ratesFile(setting, rates));
    progress('wrote docs/benchmarks.md and bench/rates.json; now update docs/cost.md with: npm run docs');
  }
  if (options.json) printJson(figures);
  else print(terminalText(setting, all));
}

/** One input per format, from the files for their format and from generated lines for the others; and `MORE` inputs. */
async function inputsOf(files: readonly string[], { format, seed }: Options, scale: Scale): Promise<Inputs> {
  const { inputBytes, everything } = scale;
  const own = files.length > 0 ? await fromFiles(format, files, inputBytes) : undefined;
  const input = (name: string): Input => (name === format && own) || generated(name, seed, inputBytes);
  const more: Input[] = (everything ? MORE : []).map(({ name, kind, size }) => ({
    ...generated(kind, seed, inputBytes * size),
    name,
  }));
  const named: readonly string[] = FORMAT_NAMES;
  const others = [...FORMATS.keys()].filter(
    (name) => !named.includes(name) && (everything || (own && name === format)),
  );
  return { alb: input('alb'), kong: input('kong'), json: input('json'), others: others.map(input), more };
}

/** The command as the user typed it, without the quotes of its arguments. */
function commandLine(): string {
  const args = process.argv.slice(2);
  return `npm run bench${args.length > 0 ? ` -- ${args.join(' ')}` : ''}`;
}
