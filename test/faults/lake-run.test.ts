import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, test } from 'vitest';
import { temporaryFolder } from '../local/assembly.ts';
import { expectBalanced, MOST_REPEATED_PER_DEATH } from './balance.ts';
import { albObject, type Logs } from './logs.ts';
import { random } from './random.ts';
import { report } from './report.ts';

const LAKE = fileURLToPath(new URL('../../bin/lake.ts', import.meta.url));
const KILLS = 2;
/** Milliseconds within which a run is killed, from when it begins to load. */
const LONGEST_LIFE_MS = 5000;

interface Run {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs `lake run`; with `killAfter`, it and nothing else is killed so many milliseconds into its loading. */
function lakeRun(dir: string, files: string, killAfter?: number): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LAKE, 'run', files, '--lake', dir, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let killing = killAfter === undefined;
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      if (killing || !String(chunk).includes('loading')) return;
      killing = true;
      sleep(killAfter).then(() => child.kill('SIGKILL'));
    });
    child.on('close', (code) => resolve({ code, stdout }));
  });
}

describe('lake run', { timeout: 240_000 }, () => {
  test('killed while it loads and run again is balanced at once', async () => {
    const draw = random(50);
    const dir = join(temporaryFolder(), 'lake');
    const input = temporaryFolder();
    const logs: Logs[] = Array.from({ length: 6 }, (_, index) => albObject(`object-${index}`, 220)).map((each) => ({
      ...each,
      name: basename(each.name),
    }));
    for (const { name, lines } of logs) writeFileSync(join(input, name), gzipSync(`${lines.join('\n')}\n`));
    let kills = 0;
    while (kills < KILLS) {
      const { code } = await lakeRun(dir, input, draw(LONGEST_LIFE_MS));
      if (code === null) kills++;
      else break;
    }
    expect(kills).toBeGreaterThan(0);
    const { code, stdout } = await lakeRun(dir, input);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], sources: [{ source: 'alb', files: logs.length }] });
    const found = await expectBalanced(dir, logs);
    // At each death, the batches of every process that was at work.
    expect(found.repeated).toBeLessThanOrEqual(kills * logs.length * MOST_REPEATED_PER_DEATH);
    report(inject('faultsFolder'), {
      name: 'lake run killed',
      runs: logs.length,
      faults: kills,
      deadLetters: 0,
      ...found,
    });
  });
});
