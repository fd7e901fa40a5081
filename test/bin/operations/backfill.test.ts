import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { globSync, mkdirSync, renameSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { backfillObjects } from '../../../bin/operations/backfill-objects.ts';
import { counted, dir, lake, lay, lines, open, parquetFiles, summary } from '../../helpers/each-lake.ts';
import { DRY, REAL } from '../../helpers/operated-lake.ts';

const LAKE = fileURLToPath(new URL('../../../bin/lake.ts', import.meta.url));

describe('lake backfill', () => {
  const task = { bucket: 'logs', prefix: 'web/old/', reload: false };
  const layOld = (count: number) => {
    for (let number = 0; number < count; number++) {
      lay(`web/old/${String(number).padStart(3, '0')}.log`, lines(1, 1000 + number));
    }
  };

  test('a backfill killed midway and run again has loaded every object once', { timeout: 180_000 }, async () => {
    const count = 105;
    layOld(count);
    const listed = { listed: count, queued: count, old: 0, alreadyLoaded: 0, outOfTime: 0, noLogs: 0, refused: 0 };
    expect(await backfillObjects(lake, task, DRY)).toEqual(listed);
    expect(await counted('loads')).toBe(0);
    await lake.close();

    const states = join(dir, 'operations/backfill-*.json');
    const args = ['backfill', 's3://logs/web/old/', '--rate', '50', '--lake', dir];
    const child = spawn(process.execPath, [LAKE, ...args], { stdio: 'ignore' });
    const ended = event(child, 'close');
    while (globSync(states).length === 0 && child.exitCode === null) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    expect(globSync(states)).toHaveLength(1);
    await open();

    expect(await backfillObjects(lake, task, REAL)).toEqual(listed);
    expect(await lake.settle()).toEqual([]);
    expect(globSync(states)).toEqual([]);
    expect(await counted('web_once WHERE origin IN (SELECT origin FROM loads)')).toBe(count);
    expect((await summary()).findings).toEqual([]);
    expect(await backfillObjects(lake, task, REAL)).toEqual({ ...listed, queued: 0, alreadyLoaded: count });
  });

  test('counts before it starts the objects whose rows will lie under another day than their events', async () => {
    layOld(2);
    utimesSync(join(dir, 'buckets/logs/web/old/000.log'), new Date(), new Date('2026-01-05T10:00:00Z'));
    expect(await backfillObjects(lake, task, DRY)).toMatchObject({ listed: 2, queued: 2, old: 1 });
  });

  test('loads again what is loaded only when asked to, with the same origin and position', async () => {
    layOld(2);
    await backfillObjects(lake, task, REAL);
    await lake.settle();
    expect(await backfillObjects(lake, task, REAL)).toMatchObject({ queued: 0, alreadyLoaded: 2 });
    const files = parquetFiles();
    expect([await counted('web'), await counted('web_once')]).toEqual([2, 2]);

    const one = { ...task, prefix: 'web/old/000', reload: true };
    expect(await backfillObjects(lake, { ...one, until: new Date(0) }, REAL)).toMatchObject({ outOfTime: 1 });
    expect(await backfillObjects(lake, one, REAL)).toMatchObject({ listed: 1, queued: 1 });
    await lake.settle();
    expect([await counted('web'), await counted('web_once')]).toEqual([3, 2]);

    // The repeat came a day later.
    const [file = ''] = parquetFiles().filter((each) => !files.includes(each));
    const later = join(dir, 'buckets/lake/data/web/dt=2099-12-31');
    mkdirSync(later);
    renameSync(file, join(later, basename(file)));
    expect([await counted('web'), await counted('web_once')]).toEqual([3, 2]);
    expect(await counted("web_once WHERE dt = '2099-12-31'")).toBe(1);
    expect((await summary()).findings).toEqual([]);
  });

  test('refuses a place of no source, naming the places there are', async () => {
    await expect(backfillObjects(lake, { ...task, bucket: 'elsewhere' }, REAL)).rejects.toThrow(
      's3://elsewhere/web/old/: expected a prefix of a source: s3://logs/web/ (web)',
    );
  });
});
