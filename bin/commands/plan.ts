import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../lib/config/config.ts';
import { messageOf } from '../../local/files.ts';
import { deployedConfig } from '../input/local-context.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { systemProblem } from '../output/failure.ts';
import { print, printJson } from '../output/output.ts';
import { type Plan, planOf, type Volume } from '../plan/plan.ts';
import { listPrices, type Prices, pricesOf } from '../plan/prices.ts';
import { measuredRates } from '../plan/rates.ts';
import { planText } from '../plan/text.ts';
import { contextOption, jsonOption, type Pairs } from './options.ts';

/** Numbers by the name of their source; a number without a name is stored under ''. */
type BySource = ReadonlyMap<string, number>;

/** How much is to be loaded. */
export interface VolumeOptions {
  readonly linesPerDay: BySource;
  readonly bytesPerLine?: BySource;
  readonly linesPerObject?: BySource;
  readonly peak: number;
}

interface PlanOptions extends VolumeOptions {
  readonly prices?: string;
  readonly context: Pairs;
  readonly json?: true;
}

/** A thousand times the traffic of the largest gateways. */
const MAX_LINES_PER_DAY = 16e12;
/** Longer lines are rejected (core/lines/lines.ts). */
const MAX_BYTES_PER_LINE = 2 ** 20;
const MAX_LINES_PER_OBJECT = 1e9;
const MAX_PEAK = 100;

/** `lake plan` */
export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'shows what a deployment needs and costs at a given number of lines a day: quotas, files, freshness, dollars',
    );
  addVolume(command, { mandatory: true })
    .addOption(new Option('--prices <file>', 'JSON file of other prices, in the form of bin/plan/prices.json'))
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(plan);
}

/** Adds the options that say how much is to be loaded. */
export function addVolume(command: Command, { mandatory }: { readonly mandatory: boolean }): Command {
  const perSource = (flags: string, text: string, max: number) =>
    new Option(flags, `${text}; name=n for a single source, repeatable`).argParser((value: string, before?: BySource) =>
      numbersBySource(value, before, max),
    );
  return command
    .addOption(
      perSource(
        '--lines-per-day <n>',
        'lines a day, divided evenly among the sources',
        MAX_LINES_PER_DAY,
      ).makeOptionMandatory(mandatory),
    )
    .addOption(
      perSource('--bytes-per-line <n>', 'raw bytes per line (default: as measured for the format)', MAX_BYTES_PER_LINE),
    )
    .addOption(
      perSource(
        '--lines-per-object <n>',
        'lines per object, or events per payload (default: 10,000; 500)',
        MAX_LINES_PER_OBJECT,
      ),
    )
    .addOption(
      new Option('--peak <factor>', 'throughput at the peak ÷ average throughput of the day')
        .argParser((value) => numberWithin(value, 1, MAX_PEAK))
        .default(2),
    );
}

/**
 * Plans a configuration for the volumes that the options give, and names the sources that they give none for.
 *
 * @throws CommandError if the options name a source that there is not
 */
export function planFor(
  config: Config,
  { linesPerDay, bytesPerLine, linesPerObject, peak }: VolumeOptions,
  prices: Prices,
): { readonly made: Plan; readonly left: readonly string[] } {
  const names = config.sources.map(({ name }) => name);
  const options = [
    ['--lines-per-day', linesPerDay],
    ['--bytes-per-line', bytesPerLine],
    ['--lines-per-object', linesPerObject],
  ] as const;
  for (const [flag, given] of options) refuseUnknown(flag, given, names);
  const of = (given: BySource | undefined, name: string) => given?.get(name) ?? given?.get('');
  const unnamed = names.filter((name) => !linesPerDay.has(name));
  if (linesPerDay.has('') && unnamed.length === 0) {
    throw new UsageError(
      `--lines-per-day: got ${linesPerDay.get('')} for the other sources, ` +
        `but each source has its own number: ${names.join(', ')}`,
    );
  }
  const share = (linesPerDay.get('') ?? 0) / unnamed.length;
  const volumes = names.flatMap((name): [string, Volume][] => {
    const lines = linesPerDay.get(name) ?? share;
    if (!(lines > 0)) return [];
    return [
      [name, { linesPerDay: lines, bytesPerLine: of(bytesPerLine, name), linesPerObject: of(linesPerObject, name) }],
    ];
  });
  const planned = new Set(volumes.map(([name]) => name));
  const left = names.filter((name) => !planned.has(name));
  const made = planOf({
    config,
    volumes: new Map(volumes),
    peakFactor: peak,
    rates: measuredRates(),
    prices,
  });
  return { made, left };
}

function plan({ prices, context, json, ...volume }: PlanOptions): void {
  const config = deployedConfig(context);
  const { made, left } = planFor(config, volume, prices === undefined ? listPrices() : pricesFrom(prices));
  const warnings = [
    ...left.map((name) => `${name}: not in this plan, because --lines-per-day gives no lines for it`),
    ...made.warnings,
  ];
  if (json) printJson({ ...made, warnings });
  else print(planText({ ...made, warnings }));
}

function pricesFrom(file: string): Prices {
  try {
    return pricesOf(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`--prices: ${systemProblem(error) ?? messageOf(error)}`, { cause: error });
  }
}

function refuseUnknown(flag: string, given: BySource | undefined, names: readonly string[]): void {
  const unknown = [...(given?.keys() ?? [])].find((name) => name !== '' && !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`${flag}: no source ${unknown}: give one of ${names.join(', ')}`);
}

/** Reads `1e9` or `name=1e9` and adds it to the numbers given before it. */
function numbersBySource(text: string, before: BySource = new Map(), max: number): BySource {
  const equals = text.indexOf('=');
  const [name, value] = equals < 0 ? ['', text] : [text.slice(0, equals), text.slice(equals + 1)];
  if (equals === 0) throw new InvalidArgumentError('expected name=n or n');
  return new Map([...before, [name, numberWithin(value, 1, max)]]);
}

/** Reads a number such as `1e9`, `1,000` or `1_000`. @throws InvalidArgumentError unless it is from `min` to `max` */
function numberWithin(text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll(/(?<=\d)(?:_(?=\d)|,(?=\d{3}(?!\d)))/g, ''));
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(
    `expected a number from ${min.toLocaleString('en-US')} to ${max.toLocaleString('en-US')}`,
  );
}
