import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { backfillObjects, type Refusals } from '../../bin/operations/backfill-objects.ts';
import { openLocalLake } from '../../bin/operations/local-lake-handle.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';
import { FAILING, loadAmidFailures } from './failing-services.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { openKilling } from './killing.ts';
import { albObject, appEvents, type Logs } from './logs.ts';
import { random } from './random.ts';
import { report } from './report.ts';

/** Kills of the functions of the direct lane; lane.test.ts has many more, without processes. */
const KILLS = Number(process.env.FAULT_KILLS ?? 60);

/** Kills beside log events, which pass through the same functions. */
const GROUP_KILLS = Math.ceil(KILLS / 3);

/** Requests of an invocation that writes a batch of some objects, up to the last one that publishes it. */
const REQUESTS = 26;

/** The third attempt must end, or the batch is split. */
const MOST_KILLS_PER_BATCH = 2;

const LINES = 60;
const FILLING = 3000;
function someObjects(first: number, count: number): Logs[] {
  return Array.from({ length: count }, (_, index) => albObject(`object-${first + index}`, LINES, FILLING));
}

/** Balanced, and nothing was ever repeated: not even once, whatever happened. */
async function expectOnce(faulty: FaultyLake, name: string, logs: readonly Logs[], faults: number): Promise<void> {
  expect(await faulty.expectBalanced(name, logs, faults)).toMatchObject({ lost: 0, repeated: 0 });
  const [counts] = await faulty.select(
    'SELECT count(*) AS n, count(DISTINCT origin) AS origins FROM loads WHERE not_loaded IS NULL',
  );
  expect(Number(counts?.n)).toBe(logs.length);
  expect(Number(counts?.origins)).toBe(logs.length);
}

/** Each event is a row or a rejected line as often as its payload came, and once in the view of the table. */
async function expectEventsOnce(faulty: FaultyLake, logs: readonly Logs[], deliveries: number): Promise<void> {
  const all = (positions: (each: Logs) => readonly number[]) => logs.flatMap(positions).length;
  const expected = { app: all(({ rows }) => rows), rejected_lines: all(({ rejected }) => rejected) };
  for (const [table, events] of Object.entries(expected)) {
    const counts = (from: string, id: string) =>
      faulty.select(
        `SELECT CAST(count(*) AS INTEGER) AS n, CAST(count(DISTINCT (log_stream, payload, payload_position)) AS INTEGER) AS events,
           CAST(count(DISTINCT (${id})) AS INTEGER) AS places, CAST(count(DISTINCT log_stream) AS INTEGER) AS streams FROM ${from}`,
      );
    const ofObjects = { n: events * deliveries, events, places: events * deliveries, streams: logs.length };
    expect(await counts(table, 'origin, position')).toEqual([ofObjects]);
    expect(await counts(`${table}_once`, 'payload, payload_position')).toEqual([
      { ...ofObjects, n: events, places: events },
    ]);
  }
  expect(
    await faulty.select('SELECT request_id FROM app WHERE request_id <> CAST(payload_position AS VARCHAR)'),
  ).toEqual([]);
  const [loads] = await faulty.select(
    'SELECT CAST(sum(lines - rows - filtered - rejected) AS INTEGER) AS off, CAST(sum(rows) AS INTEGER) AS n FROM loads_once',
  );
  expect(loads).toEqual({ off: 0, n: expected.app * deliveries });
}

describe('the direct lane', { timeout: 600_000 }, () => {
  test('loses and repeats nothing, killed at random points', async () => {
    const { faulty, kills } = await openKilling(random(40), {
      ...{ most: KILLS, mostPerMessage: MOST_KILLS_PER_BATCH, requests: REQUESTS },
      changes: { delivery: 'direct' },
    });
    const logs: Logs[] = [];
    while (kills() < KILLS) {
      const more = someObjects(logs.length, 5);
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    await expectOnce(faulty, 'direct lane: kill', logs, kills());
  });

  test('loses and repeats no log event, killed at random points, and shows a payload that came twice once', async () => {
    const { faulty, kills } = await openKilling(random(42), {
      ...{ most: GROUP_KILLS, mostPerMessage: MOST_KILLS_PER_BATCH, requests: REQUESTS },
      changes: { delivery: 'direct' },
    });
    const logs: Logs[] = [];
    for (let round = 0; kills() < GROUP_KILLS; round++) {
      const more = Array.from({ length: 3 }, (_, index) => appEvents(`stream-${round}-${index}`, LINES));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    await expectEventsOnce(faulty, logs, 1);
    await faulty.put(...logs);
    expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    await expectEventsOnce(faulty, logs, 2);
    report(inject('faultsFolder'), {
      ...{ name: 'direct lane: kill, log events', runs: logs.length, faults: kills(), lines: logs.length * LINES },
      ...{ deadLetters: 0, lost: 0, repeated: 0, rejected: logs.flatMap(({ rejected }) => rejected).length },
    });
  });

  test.each(FAILING)('loses and repeats nothing where every service $name', async (failing) => {
    const logs = someObjects(0, 6);
    const { faulty, faults } = await loadAmidFailures(failing, { changes: { delivery: 'direct' }, seed: 41, logs });
    await expectOnce(faulty, `direct lane: ${failing.name}`, logs, faults);
  });

  test('repeats nothing when its batches are loaded again, and refuses what would lose rows', async () => {
    const faulty = await openFaultyLake({ changes: { delivery: 'direct' } });
    const logs = someObjects(0, 4);
    await faulty.put(...logs);
    await faulty.drain();
    await faulty.lake.close();
    const reload = async () => {
      const lake = await openLocalLake({ dir: faulty.dir, work: false, progress: () => {} });
      try {
        const options = { dryRun: false, rateLimit: async () => {}, progress: () => ({ add() {}, end() {} }) };
        const refusals: Refusals = new Map();
        const { queued, refused } = await backfillObjects(
          lake,
          { bucket: 'landing', prefix: '', reload: true },
          options,
          refusals,
        );
        expect(await lake.settle()).toEqual([]);
        return { queued, refused, reasons: [...refusals.keys()] };
      } finally {
        await lake.close();
      }
    };
    expect(await reload()).toEqual({ queued: 4, refused: 0, reasons: [] });
    await expectOnce(faulty, 'direct lane: loaded again', logs, 0);
    rmSync(join(faulty.dir, 'buckets', 'landing', logs[0]?.name ?? ''));
    expect(await reload()).toEqual({ queued: 0, refused: 3, reasons: ['members'] });
    await expectOnce(faulty, 'direct lane: not loaded again', logs, 0);
  });

  test('goes on after the lane of a running stack was changed, in either direction', async () => {
    const logs = someObjects(0, 6);
    const first = await openFaultyLake();
    await first.put(...logs.slice(0, 2));
    await first.drain();
    await first.lake.close();
    const second = await openFaultyLake({ dir: first.dir, changes: { delivery: 'direct' } });
    // Delivered again, and new.
    await second.put(...logs.slice(0, 4));
    expect(await second.drain()).toEqual(NOTHING_FAILED);
    await second.lake.close();
    const third = await openFaultyLake({ dir: first.dir });
    // Also those that the other lane has begun, which the stack has no more.
    await third.put(...logs);
    expect(await third.drain()).toEqual(NOTHING_FAILED);
    await expectOnce(third, 'direct lane: changed lanes', logs, 0);
  });

  test('loses no log event and loads none twice when the lane changes while payloads and rows are under way', async () => {
    const logs = Array.from({ length: 9 }, (_, index) => appEvents(`stream-${index}`, LINES));
    const first = await openFaultyLake();
    await first.put(...logs.slice(0, 3));
    // What is closed without a drain has events of invocations, rows and payloads in the buffers of streams.
    await first.lake.close();
    const second = await openFaultyLake({ dir: first.dir, changes: { delivery: 'direct' } });
    await second.put(...logs.slice(3, 6));
    await second.lake.close();
    expect(globSync(join(first.dir, 'firehose', '*', '*'))).not.toEqual([]);
    const third = await openFaultyLake({ dir: first.dir, changes: { keepDirectLane: true } });
    await third.put(...logs.slice(6));
    expect(await third.drain()).toEqual(NOTHING_FAILED);

    const events = logs.flatMap(({ rows }) => rows).length;
    const counts = (from: string, where = 'true') =>
      third.select(
        `SELECT CAST(count(*) AS INTEGER) AS n, CAST(count(DISTINCT (log_stream, request_id)) AS INTEGER) AS events,
           CAST(count(DISTINCT log_stream) AS INTEGER) AS streams FROM ${from} WHERE ${where}`,
      );
    expect(await counts('app_once')).toEqual([{ n: events, events, streams: logs.length }]);
    // Each stream came by the lane that its log group had: the direct one repeats nothing, whatever is closed.
    const direct = logs.slice(3, 6).flatMap(({ rows }) => rows).length;
    expect(await counts('app', 'payload IS NOT NULL')).toEqual([{ n: direct, events: direct, streams: 3 }]);
  });
});
