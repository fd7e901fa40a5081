import { randomFillSync } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Meter, WINDOW_HOURS } from '../../../bench/duplicate-check.ts';
import { countDue, QUIET_MS } from '../../../lambdas/core/duplicates/count.ts';
import type { InputToCheck, TrackedSource } from '../../../lambdas/core/duplicates/input-to-check.ts';
import { oneRecord } from '../../../lambdas/core/duplicates/records.ts';
import type { CountStore } from '../../../lambdas/core/duplicates/store.ts';
import { track } from '../../../lambdas/core/duplicates/track.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { TRACK_BATCH } from '../../../lambdas/core/settings.ts';
import { dynamoDuplicates } from '../../../lambdas/edges/duplicates.ts';
import { openTable, TABLE } from './duplicates-table.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const MINUTE_MS = 60_000;

interface Shape {
  readonly records: number;
  readonly minutes: number;
  readonly lane?: 'events';
}

const [source] = compiledSources([{ name: 's', format: 'alb', lane: 'objects', bucket: 'logs' }]) as [TrackedSource];

/** An object of so many records, all different, spread evenly over its minutes. */
function inputOf(index: number, { records, minutes }: Shape): InputToCheck {
  const words = randomFillSync(new Uint32Array(records * 2));
  const origin = `${source.settings.name}-${String(index).padStart(12 - 1 - source.settings.name.length, '0')}`;
  return {
    source,
    origin,
    label: `s3://logs/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/22/${origin}.log.gz`,
    holder: `00000000-0000-0000-0000-${origin}`,
    size: records * 40,
    retried: false,
    read: async (pager, write) => {
      for (let at = 0; at < records; at++) {
        const time = NOW - Math.ceil(((at + 1) * minutes * MINUTE_MS) / records);
        pager.add(oneRecord(words.subarray(at * 2, at * 2 + 2), time, at + 1, ''), NOW);
      }
      await write();
      pager.end(NOW);
      return true;
    },
  };
}

/** Runs as the schedule does: many find all too young, the last finds nothing. */
async function countEachMinute(store: CountStore): Promise<number> {
  const runs = QUIET_MS / MINUTE_MS + 3;
  const from = Date.now();
  for (let run = 0; run < runs; run++) {
    const now = new Date(from + run * MINUTE_MS);
    await countDue({ store, now, outOfTime: () => false, emit: () => {} });
  }
  return runs;
}

/**
 * What each record costs when so many objects of so many records are checked and counted, in a table of its own: a case
 * that runs out of time goes on for a while, and must not count towards the next one.
 */
async function costPerRecord(objects: number, shape: Shape): Promise<Meter> {
  const table = await openTable();
  onTestFinished(() => table.close());
  const store = dynamoDuplicates(table.client, { table: TABLE, windowHours: WINDOW_HOURS });
  const before = { ...table.meter };
  const ports = { store, now: () => new Date(NOW), outOfTime: () => false, sampleRate: 1, windowHours: WINDOW_HOURS };
  // Batches as a busy queue gives them; payloads come one by one.
  const batch = shape.lane === 'events' ? 1 : TRACK_BATCH.messages;
  for (let from = 0; from < objects; from += batch) {
    const inputs = Array.from({ length: Math.min(batch, objects - from) }, (_, index) => from + index);
    await track(
      inputs.map((index) => inputOf(index, shape)),
      ports,
    );
  }
  const runs = await countEachMinute(store);
  const minutes = await store.minutes(source.settings.name, 0);
  const all = objects * shape.records;
  expect(minutes.reduce((sum, { checked }) => sum + checked, 0)).toBe(all);
  return {
    // One of each run only asks whether there is anything: 1,440 a day, whatever comes.
    requests: (table.meter.requests - before.requests - runs) / all,
    readUnits: (table.meter.readUnits - before.readUnits) / all,
    writeUnits: (table.meter.writeUnits - before.writeUnits) / all,
  };
}

describe('the cost of a record', () => {
  /** The rows of docs/cost.md: write units and read units at most, records a request at least. */
  test.each([
    ['in one object of 10,000 lines', 1, { records: 10_000, minutes: 5 }, 0.0066, 0.0018, 580],
    ['in 300 objects of 10,000 lines of one interval', 300, { records: 10_000, minutes: 5 }, 0.0053, 0.0007, 6200],
    // As a tenth of each of the five minutes of 5,000 objects of 10,000 lines: nothing is read or written across
    // minutes, and what a minute costs by itself is shared by fewer records here.
    ['in 500 objects of 2,000 lines of one minute', 500, { records: 2000, minutes: 1 }, 0.0057, 0.0009, 1500],
    ['in an object of a million lines', 1, { records: 1_000_000, minutes: 5 }, 0.005, 0.0007, 31_000],
    ['in 200 objects of 600 lines', 200, { records: 600, minutes: 5 }, 0.0118, 0.0019, 380],
    ['in 200 payloads of 40 events', 200, { records: 40, minutes: 1, lane: 'events' as const }, 0.101, 0.016, 9],
  ])(
    '%s is no more than the docs say',
    async (_, objects, shape, writeUnits, readUnits, recordsPerRequest) => {
      const cost = await costPerRecord(objects, shape);
      expect(cost.writeUnits).toBeLessThanOrEqual(writeUnits);
      expect(cost.readUnits).toBeLessThanOrEqual(readUnits);
      expect(1 / cost.requests).toBeGreaterThanOrEqual(recordsPerRequest);
    },
    120_000,
  );
});
