import { type Command, Option } from 'commander';
import type { SourceSettings } from '../../lambdas/core/settings.ts';
import { openAthena } from '../../local/athena/athena.ts';
import { requireWritable } from '../../local/lock.ts';
import { type InputFile, passedOverText, readInputs } from '../input/input-files.ts';
import { readLakeFolder } from '../input/lake-folder.ts';
import { likelyFormats, noRowsText } from '../input/likely-formats.ts';
import { type Handed, loadFiles, sortOut, troubles } from '../input/load-files.ts';
import { checkSource, configuredSources, localContext } from '../input/local-context.ts';
import {
  type Balance,
  balances,
  balanceText,
  imbalances,
  loadedBefore,
  loadedFrom,
  notLoaded,
} from '../output/balance.ts';
import { CommandError } from '../output/command-error.ts';
import { onInterrupt } from '../output/interrupt.ts';
import { complain, print, printJson, stages, warn } from '../output/output.ts';
import { showWaiting } from '../output/progress.ts';
import { quantity } from '../output/render.ts';
import { contextOption, jsonOption, lakeOption, type Pairs } from './options.ts';

interface RunOptions {
  readonly source: string;
  readonly lake: string;
  readonly context: Pairs;
  readonly json?: true;
}

/** `lake run` */
export function addRun(program: Command): void {
  program
    .command('run')
    .description('loads log files, plain or compressed, into a lake on this machine')
    .argument('<file|dir...>', 'log files, or folders of log files')
    .addOption(new Option('--source <name>', 'source that the files belong to').default('alb'))
    .addOption(lakeOption())
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(run);
}

async function run(paths: readonly string[], options: RunOptions): Promise<void> {
  checkSource(options.source, localContext(options.context));
  // Before hours of reading.
  requireWritable(options.lake);
  const stage = stages();
  stage(`reading ${paths.join(', ')}`);
  const { files, problems, passedOver } = await readInputs(paths);
  for (const line of passedOverText(passedOver)) stage(line);
  const found: Found = { balances: [], problems: [...problems], warnings: [] };
  if (files.length > 0) await load(files, options, stage, found);
  if (options.json)
    printJson({ lake: options.lake, source: options.source, sources: found.balances, problems: found.problems });
  else if (found.balances.length > 0) print(balanceText(found.balances));
  for (const text of found.warnings) warn(text);
  for (const text of found.problems) complain(text);
  if (found.problems.length > 0) process.exitCode = 1;
}

/** Sources that the lake had when it was last opened, but that this context does not configure. */
function droppedSources(dir: string, context: Pairs): string[] {
  const configured = new Set(configuredSources(context).map(({ name }) => name));
  return lastSources(dir)
    .map(({ name }) => name)
    .filter((name) => !configured.has(name));
}

/** None if the folder has no lake yet, or one whose stack is damaged: the run makes another. */
function lastSources(dir: string): readonly SourceSettings[] {
  try {
    return readLakeFolder(dir).sources;
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

/** Skipped files that are named. */
const MAX_SKIPPED = 5;

interface Found {
  balances: readonly Balance[];
  readonly problems: string[];
  /** What is worth a look, but is not a failure. */
  readonly warnings: string[];
}

async function load(
  files: readonly InputFile[],
  { lake: dir, source: name, context }: RunOptions,
  stage: (line: string) => void,
  found: Found,
): Promise<void> {
  const began = new Date();
  const dropped = droppedSources(dir, context);
  if (dropped.length > 0) {
    stage(
      `${dir} was last opened with sources that are not configured now, so that it has no tables for them: ` +
        `${dropped.join(', ')}; give the same -c again, or add the sources to cdk.json`,
    );
  }
  // Imported only here: loading CDK takes seconds, which the other commands should not wait for.
  const { openLake } = await import('../../local/open-lake.ts');
  const lake = await openLake({ dir, context: localContext(context), progress: stage });
  onInterrupt(`what is loaded stays in ${dir}; the same command again loads the rest`);
  let handed: Handed[];
  let settings: SourceSettings;
  try {
    const source = readLakeFolder(dir).sources.find((each) => each.name === name);
    if (!source) throw new CommandError(`no source ${name}: no function of this stack loads it`);
    settings = source;
    const { taken, left } = sortOut(source, files);
    // A folder may contain files besides its logs: only a file that the user named is a problem.
    const skipped = left.filter(({ file }) => !file.named);
    for (const { file, reason } of left) if (file.named) found.problems.push(`${file.path}: not loaded: ${reason}`);
    for (const { file, reason } of skipped.slice(0, MAX_SKIPPED)) stage(`${file.path}: skipped: ${reason}`);
    if (skipped.length > MAX_SKIPPED) stage(`${quantity(skipped.length - MAX_SKIPPED, 'more file')} skipped`);
    stage(`loading ${quantity(taken.length, 'file')} into ${name}`);
    handed = await loadFiles(lake, source, taken, stage);
    stage('waiting until everything is delivered');
    const waiting = showWaiting();
    const drained = await lake.drain(waiting.left);
    waiting.end();
    found.problems.push(...troubles(drained, dir));
  } finally {
    await lake.close();
  }
  if (handed.length === 0) return;
  const before = await readLoads(dir, name, handed, began, found);
  if (before > 0) stage(`loaded before: ${quantity(before, 'file')}, ${again(settings)}`);
}

/** What became of files that were loaded a second time. */
function again({ name, lane, delivery }: SourceSettings): string {
  return lane === 'events' && delivery === 'direct'
    ? `whose events are now there twice, as payloads that CloudWatch delivers twice are on the direct lane: the view ${name}_once has each once`
    : 'whose lines are counted once';
}

/** Reads the balances of the files' lines from the lake. @returns how many of the files had been loaded before */
async function readLoads(
  dir: string,
  source: string,
  handed: readonly Handed[],
  began: Date,
  found: Found,
): Promise<number> {
  const athena = await openAthena(readLakeFolder(dir));
  try {
    found.balances = await balances(athena, await loadedFrom(athena, source, handed));
    found.warnings.push(...(await noRows(dir, found.balances, handed)));
    found.problems.push(
      ...imbalances(found.balances),
      ...(await notLoaded(athena, source, handed)).map(
        ({ path }) => `${path}: not loaded; ${dir}/logs contains the reason`,
      ),
    );
    return await loadedBefore(athena, source, handed, began);
  } finally {
    await athena.close();
  }
}

/** A warning if none of the lines that were loaded is a row. */
async function noRows(dir: string, found: readonly Balance[], [first]: readonly Handed[]): Promise<string[]> {
  const { sources } = readLakeFolder(dir);
  const empty = found.filter(({ lines, rows }) => first && lines > 0 && rows === 0);
  return Promise.all(
    empty.map(async ({ source }) => {
      const { path } = first as Handed;
      const { format = source } = sources.find(({ name }) => name === source) ?? {};
      return noRowsText(path, format, await likelyFormats(path));
    }),
  );
}
