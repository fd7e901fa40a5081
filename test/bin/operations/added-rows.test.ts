import { globSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OvertakenError } from '../../../bin/operations/amendment-notes.ts';
import { audit } from '../../../bin/operations/audit.ts';
import { backfillObjects, type Refusals } from '../../../bin/operations/backfill-objects.ts';
import { redriveFailedRecords } from '../../../bin/operations/failed-records.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { numbered } from '../../../lambdas/core/tables/table.ts';
import { dies, sleeps } from '../../helpers/dying-operation.ts';
import { DRY, lakesOf, mendedLake, NGINX, REAL } from '../../helpers/operated-lake.ts';

const CONTEXT = {
  delivery: 'direct',
  sources: [{ name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' } }],
};
const LINE = '192.0.2.1 - [20/Nov/2026:10:00:00 +0000] "GET /plain HTTP/1.1" 200';
/** Rejected by LOG_FORMAT: a line with a bar, of the day before. */
const BARRED = '192.0.2.7 | [19/Nov/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';
const newLake = lakesOf(CONTEXT);

let dir: string;
let lake: LakeHandle;
beforeEach(async () => {
  dir = newLake();
  lake = await opened();
});
afterEach(() => lake.close());

const opened = () => openLocalLake({ dir, work: false, progress: () => {} });

async function put(key: string, text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

async function rows(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
  return Array.fromAsync(lake.query(sql));
}

const loadOf = (key: string) =>
  rows(`SELECT kind, lines, "rows", filtered, rejected FROM loads_once WHERE object_key = '${key}'`);

const findings = async () => (await audit(lake, { fix: false }, REAL)).findings;

const notRepeated = async () => {
  const [counts] = await rows('SELECT count(*) AS n, count(DISTINCT (origin, position)) AS places FROM web');
  expect(Number(counts?.n)).toBe(Number(counts?.places));
  return Number(counts?.n);
};

describe('lake replay-rejected on the direct lane', { timeout: 120_000 }, () => {
  test('makes rows of the lines that a fix can read, in files of its own, once and under the days of their events', async () => {
    await put('web/one.log', [LINE, BARRED, 'prose', BARRED]);
    await put('web/two.log', [BARRED]);
    await lake.settle();
    const fixed = mendedLake(lake);
    const task = { where: 'true', since: new Date(Date.now() - 3_600_000) };
    const counts = { lines: 4, replayed: 3, stillRejected: 1, cut: 0, notLoaded: 0 };
    expect(await replayRejected(fixed, task, DRY)).toEqual(counts);
    expect(await replayRejected(fixed, task, REAL)).toEqual(counts);
    // At once, before the rows are in the table.
    expect(await replayRejected(fixed, task, DRY)).toEqual({ ...counts, lines: 1, replayed: 0 });
    expect(await replayRejected(fixed, task, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    expect(await lake.settle()).toEqual([]);
    expect(await replayRejected(fixed, task, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });

    expect(await notRepeated()).toBe(4);
    expect(globSync(join(dir, 'buckets/lake/data/web/dt=2026-11-19/*.parquet'))).toHaveLength(1);
    expect(await rows(`SELECT DISTINCT dt FROM web WHERE request_url = '/barred'`)).toEqual([{ dt: '2026-11-19' }]);
    expect(await loadOf('web/one.log')).toEqual([{ kind: 'amended', lines: 4, rows: 3, filtered: 0, rejected: 1 }]);
    expect(await loadOf('web/two.log')).toEqual([{ kind: 'amended', lines: 1, rows: 1, filtered: 0, rejected: 0 }]);
    expect(await findings()).toEqual([]);
  });

  test('adds each row once, whichever request the operation dies at, and whether that has its effect or not', async () => {
    const MOST = 40;
    const names = ['before', 'after'].flatMap((when) => Array.from({ length: MOST }, (_, at) => `${when}-${at + 1}`));
    for (const name of names) await put(`web/${name}.log`, [LINE, BARRED]);
    await lake.settle();
    const origins = new Map(
      (await rows('SELECT object_key, origin FROM loads')).map(({ object_key, origin }) => [object_key, origin]),
    );
    const taskOf = (name: string) => ({ where: `origin = '${origins.get(`web/${name}.log`)}'` });
    const deaths: string[] = [];
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; ; at++) {
        expect(at).toBeLessThan(MOST);
        const replay = (of: LakeHandle) => replayRejected(mendedLake(of), taskOf(`${when}-${at}`), REAL);
        if (await dies(lake, { at, when }, replay)) break;
        deaths.push(`${when}-${at}`);
      }
    }
    expect(deaths.length).toBeGreaterThan(12);
    // Some are published before the operation is run again, and some after it.
    await replayRejected(mendedLake(lake), taskOf(deaths[0] ?? ''), REAL);
    expect(await lake.settle()).toEqual([]);
    await replayRejected(mendedLake(lake), { where: 'true' }, REAL);
    expect(await lake.settle()).toEqual([]);

    expect(await notRepeated()).toBe(2 * names.length);
    expect(
      await rows(`SELECT count(*) AS n FROM loads_once WHERE kind = 'amended' AND "rows" = 2 AND rejected = 0`),
    ).toEqual([{ n: names.length }]);
    expect(await findings()).toEqual([]);
    expect(await replayRejected(mendedLake(lake), { where: 'true' }, REAL)).toMatchObject({ lines: 0 });
  });

  test('adds each row once if another run overtakes it, at whichever request', async () => {
    const MOST = 30;
    for (let at = 1; at <= MOST; at++) await put(`web/${at}.log`, [LINE, BARRED]);
    await lake.settle();
    const origins = new Map(
      (await rows('SELECT object_key, origin FROM loads')).map(({ object_key, origin }) => [object_key, origin]),
    );
    const overtaken: number[] = [];
    for (let at = 1; ; at++) {
      expect(at).toBeLessThan(MOST);
      const task = { where: `origin = '${origins.get(`web/${at}.log`)}'` };
      const replay = (of: LakeHandle) => replayRejected(mendedLake(of), task, REAL);
      const { slept, error } = await sleeps(lake, at, replay, () => replay(lake));
      if (error instanceof OvertakenError) overtaken.push(at);
      else expect(error).toBeUndefined();
      if (!slept) break;
    }
    expect(overtaken.length).toBeGreaterThan(3);
    expect(await lake.settle()).toEqual([]);
    await replayRejected(mendedLake(lake), { where: 'true' }, REAL);
    expect(await lake.settle()).toEqual([]);
    expect(await notRepeated()).toBe(2 * MOST);
    expect(await findings()).toEqual([]);
  });

  test('has its rows protected from a reload, which would write them again', async () => {
    await put('web/amended.log', [LINE, BARRED]);
    await lake.settle();
    await replayRejected(mendedLake(lake), { where: 'true' }, REAL);
    await lake.settle();
    const refusals: Refusals = new Map();
    const task = { bucket: 'logs', prefix: '', reload: true };
    expect(await backfillObjects(lake, task, REAL, refusals)).toMatchObject({ queued: 0, refused: 1 });
    expect([...refusals.keys()]).toEqual(['amended']);
  });
});

describe('lake redrive on the direct lane', { timeout: 120_000 }, () => {
  const keys = () => {
    const { format } = lake.sources[0] as LakeHandle['sources'][number];
    return new Map(numbered(format.columns).map(({ name, key }) => [name, key]));
  };
  const row = (origin: unknown, position: number, status: unknown) =>
    JSON.stringify({
      ...{ 0: origin, 1: position },
      [keys().get('client_ip') ?? '']: '192.0.2.1',
      [keys().get('status_code') ?? '']: status,
    });
  /** As if Firehose had not been able to convert a record when the source was on its lane. */
  const fail = (name: string, ...texts: readonly string[]) =>
    lake.s3.send(
      new PutObjectCommand({
        Bucket: lake.lakeBucket,
        Key: `errors/web/format-conversion-failed/2026/11/20/10/${name}`,
        Body: `${JSON.stringify({
          attemptsMade: 4,
          lastErrorCode: 'DataFormatConversion.ParseError',
          lastErrorMessage: 'a row could not be read',
          rawData: Buffer.from(texts.join('')).toString('base64'),
        })}\n`,
      }),
    );

  test('writes the rows of failed records once and rejects the bad ones, whichever request it dies at', async () => {
    const MOST = 60;
    const names = ['before', 'after'].flatMap((when) => Array.from({ length: MOST }, (_, at) => `${when}-${at + 1}`));
    for (const name of names) await put(`web/${name}.log`, [LINE, LINE, LINE]);
    await lake.settle();
    const origins = new Map(
      (await rows('SELECT object_key, origin FROM loads')).map(({ object_key, origin }) => [object_key, origin]),
    );
    const failNamed = async (name: string) => {
      const origin = origins.get(`web/${name}.log`);
      await fail(name, row(origin, 11, 200), row(origin, 12, 'abc'), row(origin, 13, 200));
    };
    let deaths = 0;
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; ; at++) {
        expect(at).toBeLessThan(MOST);
        await failNamed(`${when}-${at}`);
        const over = await dies(lake, { at, when }, (of) => redriveFailedRecords(of, REAL, []));
        // What is left is done by the next run, so that each dies at another place of the same work.
        if (deaths % 8 === 0) await lake.settle();
        await redriveFailedRecords(lake, REAL, []);
        if (over) break;
        deaths++;
      }
    }
    expect(deaths).toBeGreaterThan(20);
    expect(await lake.settle()).toEqual([]);
    const done = deaths + 2;
    expect(await redriveFailedRecords(lake, DRY, [])).toMatchObject({ objects: 0, left: 0 });
    expect(await notRepeated()).toBe(3 * names.length + 2 * done);
    expect(await rows(`SELECT reason, position, count(*) AS n FROM rejected_lines GROUP BY 1, 2`)).toEqual([
      { reason: 'conversion_failed', position: 12, n: done },
    ]);
    expect(
      await rows(`SELECT "rows", rejected, count(*) AS n FROM loads_once WHERE kind = 'amended' GROUP BY 1, 2`),
    ).toEqual([{ rows: 2, rejected: 1, n: done }]);
  });
});
