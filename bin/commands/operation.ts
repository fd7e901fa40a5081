/** What the commands that operate a lake, on this machine or on AWS, have in common. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readTime } from '../../lambdas/core/reading/time-forms.ts';
import { STACK } from '../../lib/names.ts';
import type { LakeHandle } from '../operations/lake-handle.ts';
import { type OperationOptions, rateLimiter } from '../operations/operation-options.ts';
import { EXIT, UsageError } from '../output/command-error.ts';
import { onInterrupt } from '../output/interrupt.ts';
import { complain, print, printJson, stages } from '../output/output.ts';
import { showProgress } from '../output/progress.ts';
import { renderTable, thousands } from '../output/render.ts';
import { jsonOption, lakeOption } from './options.ts';

/** Command-line flags of every operation. */
export interface OperationFlags {
  readonly lake: string;
  readonly stack?: string;
  readonly dryRun?: true;
  readonly rate?: number;
  readonly json?: true;
}

/** Adds a command that operates a lake. */
export function addOperation(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(new Option('--dry-run', 'only count, change nothing'))
    .addOption(new Option('--rate <n>', 'process at most n objects, messages or lines per second').argParser(rate))
    .addOption(jsonOption());
}

export function stackOption(): Option {
  const text = 'work on this deployed stack instead of a local lake, with the credentials and Region of the AWS SDK';
  return new Option('--stack [name]', text).preset(STACK).argParser(stackName).conflicts('lake');
}

/** The word after `--stack` is its name: SQL or a file that follows it was meant as an argument of the command. */
export function stackName(text: string): string {
  if (/^(?:[A-Za-z][A-Za-z0-9-]*|arn:[\w:/-]+)$/.test(text)) return text;
  throw new InvalidArgumentError(
    `expected the name of a stack, got ${text}; put what is no name of a stack before --stack`,
  );
}

/** Result of an operation: the counts to show, and whether it found a problem. */
export interface OperationResult {
  readonly counts: object;
  readonly found?: boolean;
  /** Shown below the counts, unless the output is JSON. */
  readonly text?: string;
}

/**
 * Opens the lake, waits until it has finished its earlier work, and carries out the operation.
 *
 * @param work whether the operation gives the lake's functions work to do; `repair` if the lake may be unable to do its
 * work before it is mended: then nothing is waited for, and nothing of a local lake is deployed
 */
export async function operate(
  flags: OperationFlags,
  work: boolean | 'repair',
  run: (lake: LakeHandle, options: OperationOptions, problems: string[]) => Promise<OperationResult>,
): Promise<void> {
  const stage = stages();
  const problems: string[] = [];
  const dryRun = flags.dryRun ?? false;
  const repair = work === 'repair';
  const lake = await openLakeHandle(flags, !repair && work && !dryRun, stage, !repair);
  if (!dryRun) onInterrupt('what is done stays done; the same command again does the rest');
  let result: OperationResult;
  try {
    if (!repair) await lake.settle();
    const options = { dryRun, rateLimit: rateLimiter(flags.rate), progress: showProgress };
    result = await run(lake, options, problems);
    if (!dryRun && !repair) problems.push(...(await lake.settle()));
  } finally {
    await lake.close();
  }
  if (flags.json) printJson({ ...result.counts, dryRun, problems });
  else print([countsText(result.counts), ...(result.text ? [result.text] : [])].join('\n\n'));
  for (const problem of problems) complain(problem);
  if (problems.length > 0) process.exitCode = EXIT.failed;
  else if (result.found) process.exitCode = EXIT.found;
}

/**
 * Opens the stack that the options name, or the lake on this machine.
 *
 * @param deploy whether custom resources of a local lake are brought up to date
 */
export async function openLakeHandle(
  flags: { readonly lake: string; readonly stack?: string },
  work: boolean,
  progress: (line: string) => void,
  deploy = true,
): Promise<LakeHandle> {
  // Imported only when needed: each of the two modules loads many others.
  if (flags.stack !== undefined) {
    const { openDeployedLake } = await import('../operations/deployed-lake.ts');
    return openDeployedLake(flags.stack);
  }
  const { openLocalLake } = await import('../operations/local-lake-handle.ts');
  return openLocalLake({ dir: flags.lake, work, progress, deploy });
}

/** A table of the counts; a nested count has the name of its part before its own. Lists are left out. */
function countsText(counts: object): string {
  return renderTable([{ name: 'outcome' }, { name: 'count', align: 'right' }], [...flat(counts)]);
}

function* flat(counts: object, before = ''): Generator<string[]> {
  for (const [name, value] of Object.entries(counts)) {
    if (typeof value === 'number') yield [`${before}${name}`, thousands(value)];
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield* flat(value, `${name} `);
  }
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError(`expected a number above 0, got ${text}`);
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a point in time: a date or time in UTC, or how long ago it was, such as `90m`, `12h` or `7d`. */
export function moment(text: string): Date {
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const time = new Date(count ? Date.now() - Number(count) * (UNIT_MS[unit] ?? 0) : millisOf(text));
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    `expected a date, a time such as 2026-01-05T10:00:00Z, or a duration such as 12h or 7d, got ${text}`,
  );
}

/**
 * Milliseconds since the epoch of a date or time, in UTC if it names no zone; NaN for anything else. `Date.parse` would take
 * `5` for a day of May 2001, 30 February for one of March, and a time without a zone for one of this machine's.
 */
function millisOf(text: string): number {
  if (!/^\d{4}-/.test(text)) return Number.NaN;
  return Date.parse(readTime(isDay(text) ? midnightOf(text) : text) ?? '');
}

/** True for a day of the calendar as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && readTime(midnightOf(text)) !== undefined;
}

const midnightOf = (day: string) => `${day}T00:00:00Z`;

/** Refuses a range of time in which nothing can be. */
export function requireRange(since: Date | undefined, until: Date | undefined): void {
  if (!since || !until || since < until) return;
  throw new UsageError(
    `--until: expected a time after that of --since, ${since.toISOString()}, got ${until.toISOString()}`,
  );
}

const TIME = 'a date or time in UTC, or 90m, 12h or 7d for that long ago';

export function sinceOption(what: string): Option {
  return new Option('--since <time>', `${what} at or after this time: ${TIME}`).argParser(moment);
}

export function untilOption(what: string): Option {
  return new Option('--until <time>', `${what} before this time: ${TIME}`).argParser(moment);
}
