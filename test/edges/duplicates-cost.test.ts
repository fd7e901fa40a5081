import { randomFillSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkAndCount, type Meter, WINDOW_HOURS } from '../../bench/duplicate-check.ts';
import type { TrackedSource, Work } from '../../lambdas/core/duplicates/track.ts';
import { compiledSources } from '../../lambdas/core/sources.ts';
import { dynamoDuplicates } from '../../lambdas/edges/duplicates.ts';
import { openTable, TABLE } from './duplicates-table.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

let table: Awaited<ReturnType<typeof openTable>>;

beforeAll(async () => {
  table = await openTable();
});

afterAll(() => table.close());

interface Shape {
  readonly records: number;
  readonly minutes: number;
}

let sources = 0;

function newSource(): TrackedSource {
  const settings = { name: `s${sources++}`, format: 'alb', lane: 'objects' as const };
  return compiledSources([settings])[0] as TrackedSource;
}

/** An object of so many records, all different, spread evenly over its minutes. */
function workOf(source: TrackedSource, index: number, { records, minutes }: Shape): Work {
  const fingerprints = randomFillSync(Buffer.alloc(records * 8));
  const origin = `${source.settings.name}-${String(index).padStart(12 - 1 - source.settings.name.length, '0')}`;
  return {
    source,
    origin,
    what: `s3://logs/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/22/${origin}.log.gz`,
    holder: `00000000-0000-0000-0000-${origin}`,
    size: records * 40,
    read: async (pager, write) => {
      for (let at = 0; at < records; at++) {
        const time = NOW - Math.ceil(((at + 1) * minutes * 60_000) / records);
        const fingerprint = fingerprints.subarray(at * 8, at * 8 + 8);
        pager.add({ fingerprint, time, position: at + 1, line: () => '' }, NOW);
      }
      await write();
      pager.end(NOW);
      return true;
    },
  };
}

/** What each record costs when so many objects of so many records are checked and counted. */
async function costPerRecord(objects: number, shape: Shape): Promise<Meter> {
  const source = newSource();
  const store = dynamoDuplicates(table.client, { table: TABLE, windowHours: WINDOW_HOURS });
  const before = { ...table.meter };
  const works = Array.from({ length: objects }, (_, index) => workOf(source, index, shape));
  await checkAndCount(works, store, new Date(NOW));
  const minutes = await store.minutes(source.settings.name, 0);
  const all = objects * shape.records;
  expect(minutes.reduce((sum, { checked }) => sum + checked, 0)).toBe(all);
  return {
    requests: (table.meter.requests - before.requests) / all,
    readUnits: (table.meter.readUnits - before.readUnits) / all,
    writeUnits: (table.meter.writeUnits - before.writeUnits) / all,
  };
}

describe('the cost of a record', () => {
  test.each([
    ['in one object of 10,000 lines', 1, { records: 10_000, minutes: 5 }],
    ['in 300 objects of 10,000 lines of one interval', 300, { records: 10_000, minutes: 5 }],
    ['in an object of a million lines', 1, { records: 1_000_000, minutes: 5 }],
  ])('%s: at most 0.02 write units, 0.003 read units and 1/500 request', async (_, objects, shape) => {
    const { writeUnits, readUnits, requests } = await costPerRecord(objects, shape);
    expect(writeUnits).toBeLessThanOrEqual(0.02);
    expect(readUnits).toBeLessThanOrEqual(0.003);
    expect(requests).toBeLessThanOrEqual(1 / 500);
  });

  test('in 5,000 objects of one minute, each of 40 lines: at most 0.003 read units', async () => {
    const { readUnits } = await costPerRecord(5000, { records: 40, minutes: 1 });
    expect(readUnits).toBeLessThanOrEqual(0.003);
  });
});
