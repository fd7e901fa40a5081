import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../../lib/config/config.ts';
import { openAthena } from '../../local/athena/athena.ts';
import { isLakeName, stackPlaces } from '../../local/local-lake.ts';
import { LOCKS, lockFolder } from '../../local/lock.ts';
import { type SampleSource, writeSample } from '../../local/sample/write-sample.ts';
import { readInputs } from '../input/input-files.ts';
import { readLakeFolder } from '../input/lake-folder.ts';
import { loadFiles, troubles } from '../input/load-files.ts';
import { configuredSources, demoContext } from '../input/local-context.ts';
import { duplicatesReport, type SourceReport } from '../operations/duplicates.ts';
import { type Balance, balances, EVERYTHING, imbalances } from '../output/balance.ts';
import { CommandError } from '../output/command-error.ts';
import { demoReport, demoText, type FoundDuplicates } from '../output/demo-report.ts';
import { onInterrupt } from '../output/interrupt.ts';
import { complain, print, printJson, stages } from '../output/output.ts';
import { showWaiting } from '../output/progress.ts';
import { quantity } from '../output/render.ts';
import { contextOption, jsonOption, lakeOption, type Pairs } from './options.ts';

/** Lines of the sample per source: enough for several batches and files, few enough to load in seconds. */
const SAMPLE_LINES = { alb: 90_000, kong: 20_000, app: 20_000 };
const SAMPLE_SEED = 'tributary';

interface DemoOptions {
  readonly lake: string;
  readonly context: Pairs;
  readonly json?: true;
}

/** `lake demo`; `npm start` runs it. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('creates a new lake, loads sample traffic into it and answers typical questions by SQL')
    .addOption(contextOption())
    .addOption(lakeOption())
    .addOption(jsonOption())
    .action(runDemo);
}

async function runDemo({ lake: dir, context: given, json }: DemoOptions): Promise<void> {
  const stage = stages();
  const context = demoContext(given);
  const configured = new Set(configuredSources(context).map(({ name }) => name));
  for (const name of Object.keys(SAMPLE_LINES)) if (!configured.has(name)) throw noSource(name);
  await startAfresh(dir);
  stage('writing half an hour of sample traffic');
  const options = { seed: SAMPLE_SEED, end: new Date(), lines: SAMPLE_LINES, duplicates: true };
  const sample = await writeSample(join(dir, 'sample'), options);
  const problems = await load({ dir, context, sample }, stage);
  stage('querying the lake');
  const duplicates = await foundDuplicates(dir, stage);
  const lake = readLakeFolder(dir);
  const athena = await openAthena(lake);
  try {
    const found = await balances(athena, EVERYTHING);
    const unlike = [...differences(sample, found), ...duplicateDifferences(sample, duplicates)];
    problems.push(...imbalances(found), ...unlike);
    const report = await demoReport(athena, lake, found, {
      oddLines: oddLinesOf(sample),
      asPlanted: unlike.length === 0,
      duplicates: sample.map((of) => duplicatesOf(of, duplicates)),
    });
    if (json) printJson({ ...report, problems });
    else print(demoText(report));
  } finally {
    await athena.close();
  }
  for (const problem of problems) complain(problem);
  if (problems.length > 0) process.exitCode = 1;
}

/** Empties the folder. @throws CommandError if it holds something other than a lake: that may be the user's own. */
async function startAfresh(dir: string): Promise<void> {
  const names = existsSync(dir) ? readdirSync(dir) : [];
  const others = names.filter((name) => !isLakeName(name));
  if (others.length > 0 || (names.length > 0 && !names.includes(LOCKS))) {
    const why = others.length > 0 ? `files that do not belong to a lake (${others[0]})` : 'no lake';
    throw new CommandError(`${dir}: this folder contains ${why}, so it is not emptied; give another one with --lake`);
  }
  const lock = lockFolder(dir);
  // The folder of locks identifies the rest of an interrupted demo as a lake. The stack is made anew only if it must be.
  const kept = [LOCKS, basename(stackPlaces(dir).stack)];
  for (const name of names) if (!kept.includes(name)) await rm(join(dir, name), { recursive: true, force: true });
  lock.release();
}

function noSource(name: string): CommandError {
  return new CommandError(`no source ${name}: the demo loads it; leave out -c sources`);
}

/** Loads the sample. @returns a line for each thing that went wrong */
async function load(
  { dir, context, sample }: { dir: string; context: Context; sample: readonly SampleSource[] },
  stage: (line: string) => void,
): Promise<string[]> {
  // Imported only here: loading CDK takes seconds, which the other commands should not wait for.
  const { openLake } = await import('../../local/open-lake.ts');
  const lake = await openLake({ dir, context, progress: stage });
  onInterrupt('run the demo again to begin anew');
  try {
    const { sources } = readLakeFolder(dir);
    for (const { source: name, files, planted } of sample) {
      const source = sources.find((each) => each.name === name);
      if (!source) throw noSource(name);
      stage(`loading ${name}: ${quantity(files.length, 'file')}, ${quantity(planted.lines, 'line')}`);
      await loadFiles(lake, source, (await readInputs(files)).files, stage);
    }
    stage('waiting until everything is delivered');
    const waiting = showWaiting();
    const drained = await lake.drain(waiting.left);
    waiting.end();
    return troubles(drained, dir);
  } finally {
    await lake.close();
  }
}

async function foundDuplicates(dir: string, progress: (line: string) => void): Promise<readonly SourceReport[]> {
  const { openLocalLake } = await import('../operations/local-lake-handle.ts');
  const lake = await openLocalLake({ dir, work: false, progress });
  try {
    return (await duplicatesReport(lake, {})).sources;
  } finally {
    await lake.close();
  }
}

function duplicatesOf({ source, duplicates: planted }: SampleSource, found: readonly SourceReport[]): FoundDuplicates {
  const report = found.find((each) => each.source === source);
  const {
    checked = 0,
    withinObject = 0,
    acrossObjects = 0,
    redelivered = 0,
    outsideWindow = 0,
    rate = 0,
  } = report ?? {};
  return { source, checked, rate, found: { withinObject, acrossObjects, redelivered, outsideWindow }, planted };
}

/** A line for each kind of duplicate whose count differs from the number planted in the sample. */
function duplicateDifferences(sample: readonly SampleSource[], reports: readonly SourceReport[]): string[] {
  return sample.flatMap((of) => {
    const { source, found, planted } = duplicatesOf(of, reports);
    // Within and across objects count together: CloudWatch decides where a payload ends, perhaps between two repeats.
    const kinds = [['withinObject', 'acrossObjects'], ['redelivered'], ['outsideWindow']] as const;
    const sum = (of: typeof found, names: readonly (keyof typeof found)[]) =>
      names.reduce((total, name) => total + of[name], 0);
    return kinds
      .filter((names) => sum(found, names) !== sum(planted, names))
      .map(
        (names) =>
          `source ${source}: the sample has ${sum(planted, names)} ${names.join(' and ')}, ` +
          `the duplicate check found ${sum(found, names)}`,
      );
  });
}

/** Number of unusual lines planted in the sample. */
function oddLinesOf(sample: readonly SampleSource[]): number {
  return sample.flatMap(({ planted }) => [...planted.oddities.values()]).reduce((sum, count) => sum + count, 0);
}

/** A line for each count of the lake that differs from what was planted in the sample. */
function differences(sample: readonly SampleSource[], found: readonly Balance[]): string[] {
  return sample.flatMap(({ source, planted }) => {
    const balance = found.find((each) => each.source === source);
    const counts = ['lines', 'rows', 'filtered', 'rejected', 'fieldErrors', 'unknownFields'] as const;
    return counts
      .filter((name) => balance?.[name] !== planted[name])
      .map(
        (name) =>
          `source ${source}: the sample has ${planted[name]} ${name}, the lake found ${balance?.[name] ?? 'none'}`,
      );
  });
}
