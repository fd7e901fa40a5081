import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, test } from 'vitest';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { stackOf } from '../../local/local-lake.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { expectBalanced, MOST_REPEATED_PER_DEATH } from './balance.ts';
import { albObject, type Logs } from './logs.ts';
import { random } from './random.ts';
import { report } from './report.ts';

const LAKE = fileURLToPath(new URL('../../bin/lake.ts', import.meta.url));
const OBJECTS = 6;
/** Bytes that Firehose holds when all is loaded, at least. */
const LOADED_BYTES = 40_000_000;

interface Run {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs `lake run`; it and nothing else is killed as soon as `dying` says so. */
function lakeRun(dir: string, files: string, dying: () => boolean): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LAKE, 'run', files, '--lake', dir, '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const watch = setInterval(() => dying() && child.kill('SIGKILL'), 5);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({ code, stdout });
    });
  });
}

/** The stages of a run before it loads anything, each as what its folder has then. */
function stagesOfOpening(dir: string): (() => boolean)[] {
  const has = (name: string) => existsSync(join(dir, name));
  const hasIn = (folder: string, pattern: RegExp) =>
    has(folder) && readdirSync(join(dir, folder)).some((name) => pattern.test(name));
  return [
    () => true,
    () => hasIn('locks', /./),
    () => has('stack.tmp'),
    () => hasIn('stack.tmp', /^asset\./),
    () => has('stack.tmp/manifest.json'),
    () => has('stack.old') || has('stack'),
    () => has('queues'),
    () => hasIn('buckets/landing', /./),
  ];
}

/** What Firehose holds, and whether it is at work on its delivery. */
function firehoseOf(dir: string): { bytes: number; delivering: boolean } {
  const files = globSync(join(dir, 'firehose/*/*'));
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    delivering: files.some((file) => file.endsWith('.rows')),
  };
}

describe('lake run', { timeout: 240_000 }, () => {
  test('killed at each stage of opening a new lake, and once more an old one, has a lake that opens', async () => {
    const dir = join(temporaryFolder(), 'lake');
    const input = temporaryFolder();
    const log = albObject('object', 20, 10);
    writeFileSync(join(input, basename(log.name)), gzipSync(`${log.lines.join('\n')}\n`));
    for (const dying of stagesOfOpening(dir)) {
      expect((await lakeRun(dir, input, dying)).code).toBeNull();
      // What the run has not completed is not there, so that the commands that synthesize nothing can read the folder too.
      if (stackOf(dir) !== undefined) expect(readLakeFolder(dir).sources.length).toBeGreaterThan(0);
    }
    expect(stackOf(dir)).toBeDefined();
    const { code, stdout } = await lakeRun(dir, input, () => false);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], sources: [{ source: 'alb', files: 1 }] });
    await expectBalanced(dir, [{ ...log, name: basename(log.name) }]);
    expect(readdirSync(dir).filter((name) => /stack|tmp/.test(name))).toEqual(['stack']);
  });

  test('killed while it loads or delivers and run again is balanced at once', async () => {
    const draw = random(50);
    const dir = join(temporaryFolder(), 'lake');
    const input = temporaryFolder();
    const logs: Logs[] = Array.from({ length: OBJECTS }, (_, index) => albObject(`object-${index}`, 220)).map(
      (each) => ({
        ...each,
        name: basename(each.name),
      }),
    );
    for (const { name, lines } of logs) writeFileSync(join(input, name), gzipSync(`${lines.join('\n')}\n`));
    const half = LOADED_BYTES / 2;
    const [early, late] = [1 + draw(half), half + draw(half)];
    const deaths = [
      () => firehoseOf(dir).bytes >= early,
      () => firehoseOf(dir).bytes >= late,
      () => firehoseOf(dir).delivering,
    ];
    for (const dying of deaths) expect((await lakeRun(dir, input, dying)).code).toBeNull();
    const { code, stdout } = await lakeRun(dir, input, () => false);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], sources: [{ source: 'alb', files: OBJECTS }] });
    const found = await expectBalanced(dir, logs);
    // At each death, the batches of every process that was at work.
    expect(found.repeated).toBeLessThanOrEqual(deaths.length * OBJECTS * MOST_REPEATED_PER_DEATH);
    report(inject('faultsFolder'), {
      name: 'lake run killed',
      runs: OBJECTS,
      faults: deaths.length,
      deadLetters: 0,
      ...found,
    });
  });
});
