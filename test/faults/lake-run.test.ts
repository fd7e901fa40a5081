import { spawn } from 'node:child_process';
import { globSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, test } from 'vitest';
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
