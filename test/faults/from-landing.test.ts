import { spawn } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, type Logs } from './logs.ts';

const LAKE = fileURLToPath(new URL('../../bin/lake.ts', import.meta.url));
const CHANGES = { delivery: 'direct', tableFormat: 'iceberg' } as const;
const BATCHES = 3;

/** Runs `lake rebuild`, with the functions of the lake; all is killed as soon as `dying` says so. */
function rebuild(
  dir: string,
  dying: () => boolean,
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LAKE, 'rebuild', 'alb', '--from', 'landing', '--lake', dir, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const watch = setInterval(() => dying() && child.kill('SIGKILL'), 2);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({ code, stdout });
    });
  });
}

/** Everything once: rows, rejected lines, and rows of `loads`. */
async function expectOnce(faulty: FaultyLake, logs: readonly Logs[]): Promise<void> {
  const [counts] = await faulty.select(`SELECT
      (SELECT CAST(count(*) AS INTEGER) FROM tributary_iceberg.alb) AS "rows",
      (SELECT CAST(count(DISTINCT (origin, position)) AS INTEGER) FROM tributary_iceberg.alb) AS places,
      (SELECT CAST(count(*) AS INTEGER) FROM rejected_lines) AS rejected,
      (SELECT CAST(count(*) AS INTEGER) FROM loads) AS loads`);
  const rows = logs.flatMap((each) => each.rows).length;
  const lines = logs.flatMap((each) => each.lines).length;
  expect(counts).toEqual({ rows, places: rows, rejected: lines - rows, loads: logs.length });
}

describe('lake rebuild --from landing', { timeout: 240_000 }, () => {
  test('reads all rows of a damaged table again, once, killed at its steps, while logs come', async () => {
    const faulty = await openFaultyLake({ changes: CHANGES });
    const { dir, lake } = faulty;
    const logs: Logs[] = [];
    const put = async (on: FaultyLake) => {
      const more = [albObject(`object-${logs.length}`, 40, 10), albObject(`object-${logs.length + 1}`, 40, 10)];
      logs.push(...more);
      await on.put(...more);
    };
    for (let batch = 0; batch < BATCHES; batch++) {
      await put(faulty);
      await faulty.drain();
    }
    await expectOnce(faulty, logs);
    // These wait to be written.
    await put(faulty);
    await lake.close();
    for (const file of globSync(join(dir, 'buckets/*/iceberg/alb/metadata/*.avro'))) rmSync(file);

    const pointer = () => readFileSync(join(dir, 'glue/tributary_iceberg/alb.json'), 'utf8');
    const before = pointer();
    const attempts = () => globSync(join(dir, 'buckets/*/direct/alb/*/attempt-*')).length;
    const had = attempts();
    const deaths = [() => pointer() !== before, () => attempts() > had];
    for (const dying of deaths) expect((await rebuild(dir, dying)).code).toBeNull();
    const { code, stdout } = await rebuild(dir, () => false);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], stillToDo: 0, leftOut: 0 });

    const again = await openFaultyLake({ dir, changes: CHANGES });
    await put(again);
    expect(await again.drain()).toMatchObject({ deadLetters: [] });
    await expectOnce(again, logs);
  });
});
