import { cpSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OvertakenError } from '../../../bin/operations/amendment-notes.ts';
import { audit } from '../../../bin/operations/audit.ts';
import { backfillObjects } from '../../../bin/operations/backfill-objects.ts';
import { rebuildFromLanding } from '../../../bin/operations/from-landing.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import type { OperationOptions } from '../../../bin/operations/operation-options.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { dies, sleeps } from '../../helpers/dying-operation.ts';
import { FIXED, lakesOf, mendedLake, NGINX, REAL } from '../../helpers/operated-lake.ts';

const web = (more: object) => ({ name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' }, ...more });
/** A source of the same lines, with an Iceberg table. */
const ice = { name: 'ice', ...NGINX, tableFormat: 'iceberg', from: { bucket: 'logs', prefix: 'ice/' } };
const newLake = lakesOf({ delivery: 'direct', sources: [web({}), ice] });
/** The same stack after its format was mended. */
const mendedStack = lakesOf({ delivery: 'direct', sources: [web({ logFormat: FIXED }), ice] });
const LINE = '192.0.2.1 - [20/Nov/2026:10:00:00 +0000] "GET /plain HTTP/1.1" 200';
/** Rejected until the format is mended. */
const BARRED = '192.0.2.7 | [19/Nov/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';

let lake: LakeHandle;
let dir: string;
const opened = () => openLocalLake({ dir, work: false, progress: () => {} });
beforeEach(async () => {
  dir = newLake();
  lake = await opened();
});
afterEach(() => lake.close());

const rows = (sql: string) => Array.fromAsync(lake.query(sql));

/** Objects with a rejected line that the mended format reads, each in a batch of its own. */
async function mended(names: readonly string[]): Promise<ReadonlyMap<unknown, unknown>> {
  for (const name of names) {
    await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: `web/${name}.log`, Body: `${BARRED}\nprose\n` }));
    await lake.settle();
  }
  await lake.close();
  cpSync(mendedStack(), dir, { recursive: true });
  lake = await opened();
  const loads = await rows('SELECT object_key, origin FROM loads_once');
  return new Map(loads.map(({ object_key, origin }) => [object_key, origin]));
}

const reload = (name: string, on = lake) =>
  backfillObjects(on, { bucket: 'logs', prefix: `web/${name}.log`, reload: true }, REAL);

/** Each object has its row once, by whichever of the two, and its counts are right. */
async function expectOnce(names: readonly string[]): Promise<void> {
  expect(await lake.settle()).toEqual([]);
  await replayRejected(lake, { where: 'true' }, REAL);
  expect(await lake.settle()).toEqual([]);
  const found = await rows(
    `SELECT object_key, count(*) AS n FROM web JOIN loads_once USING (origin) GROUP BY 1 HAVING count(*) <> 1`,
  );
  expect(found).toEqual([]);
  expect(await rows('SELECT count(*) AS n FROM web')).toEqual([{ n: names.length }]);
  expect(await rows(`SELECT count(*) AS n FROM loads_once WHERE "rows" = 1 AND rejected = 1`)).toEqual([
    { n: names.length },
  ]);
  expect((await audit(lake, { fix: false }, REAL)).findings).toEqual([]);
}

const linesOf = (origins: ReadonlyMap<unknown, unknown>, name: string) => ({
  where: `origin = '${origins.get(`web/${name}.log`)}'`,
});

const numbers = (name: string, most: number) => Array.from({ length: most }, (_, at) => `${name}-${at + 1}`);

describe('lake replay-rejected and a reload of the same lines', { timeout: 240_000 }, () => {
  test('give each row once, at whichever request of the replay the objects are loaded again', async () => {
    const names = numbers('replay', 18);
    const origins = await mended(names);
    const ends = new Set<string>();
    for (let at = 1; ; at++) {
      expect(at).toBeLessThanOrEqual(names.length);
      const replay = (on: LakeHandle) => replayRejected(on, linesOf(origins, `replay-${at}`), REAL);
      const { slept, error } = await sleeps(lake, at, replay, async () => {
        const { refused } = await reload(`replay-${at}`);
        ends.add(refused === 1 ? 'refused' : 'reloaded');
        // Of the others the batch is open while the replay goes on.
        if (at % 2 === 0) await lake.settle();
      });
      if (error instanceof OvertakenError) ends.add('overtaken');
      else expect(error).toBeUndefined();
      if (!slept) break;
    }
    expect([...ends].toSorted()).toEqual(['overtaken', 'refused', 'reloaded']);
    await expectOnce(names);
  });

  test('give each row once, at whichever request of the reload the lines are replayed, or its process dies', async () => {
    const [sleeping, dying] = [numbers('sleeps', 10), numbers('dies', 10)];
    const origins = await mended([...sleeping, ...dying]);
    for (let at = 1; ; at++) {
      expect(at).toBeLessThanOrEqual(sleeping.length);
      const meanwhile = async () => {
        await replayRejected(lake, linesOf(origins, `sleeps-${at}`), REAL);
        if (at % 2 === 0) await lake.settle();
      };
      const { slept, error } = await sleeps(lake, at, (on) => reload(`sleeps-${at}`, on), meanwhile);
      expect(error).toBeUndefined();
      const isOver = await dies(lake, { at, when: 'after' }, (on) => reload(`dies-${at}`, on));
      await replayRejected(lake, linesOf(origins, `dies-${at}`), REAL);
      if (!slept && isOver) break;
    }
    await expectOnce([...sleeping, ...dying]);
  });
});

/** The process of an operation ends before it opens the first batch. */
class Stopped extends Error {}
const STOPPED: OperationOptions = { ...REAL, rateLimit: () => Promise.reject(new Stopped()) };

describe('lake replay-rejected while lake rebuild --from landing reads the same lines again', () => {
  test('has its rows in the new table once or not at all, at whichever request', { timeout: 240_000 }, async () => {
    await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: 'ice/a.log', Body: `${LINE}\n${BARRED}\n` }));
    await lake.settle();
    const replay = (on: LakeHandle) => replayRejected(mendedLake(on), { where: `source = 'ice'` }, REAL);
    // What an earlier round has replayed is no row after it.
    const again = (options: OperationOptions) =>
      rebuildFromLanding(lake, { table: 'ice', withoutMissing: true, pauseMs: 0 }, options).catch((error: unknown) => {
        if (!(error instanceof Stopped)) throw error;
      });
    const ends = new Set<string>();
    for (let at = 1; ; at++) {
      const { slept, error } = await sleeps(lake, at, replay, () => again(at % 2 === 0 ? REAL : STOPPED));
      if (error instanceof OvertakenError) ends.add(error.message.replace(/:.*/, ''));
      else expect(error).toBeUndefined();
      if (at % 2 === 1) await again(REAL);
      // The committer may have complained of rows that were added to the former table, before they were left out.
      await lake.settle();
      const [found] = await rows(
        `SELECT (SELECT count(*) FROM tributary_iceberg.ice) AS n, max("rows") AS "rows", max(lines) AS lines FROM loads_once WHERE source = 'ice'`,
      );
      expect({ at, ...found }).toEqual({ at, n: found?.rows, rows: found?.rows, lines: 2 });
      if (!slept) break;
    }
    expect([...ends].map((end) => end.split(' ')[0]).toSorted()).toEqual(['batch', 'table']);
  });
});
