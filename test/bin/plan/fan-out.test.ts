import { describe, expect, test } from 'vitest';
import { tablesOfBatch } from '../../../bin/plan/fan-out.ts';
import { type Plan, planOf } from '../../../bin/plan/plan.ts';
import { planText } from '../../../bin/plan/text.ts';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { PRICES, RATES } from './fixture.ts';

/** A source of JSON lines of 200 bytes whose rows are divided among so many tables, one of them for all other values. */
function divided(tables: number, linesPerDay: number, more: Context = {}): Plan {
  const allow = Array.from({ length: tables - 1 }, (_, index) => `t${index}`);
  const source = {
    name: 'app',
    format: 'json',
    columns: { tenant: 'string', time: 'timestamp' },
    from: { bucket: 'logs' },
  };
  const sources = [{ ...source, ...(tables > 1 && { fanOut: { by: 'tenant', allow, other: 'rest' } }) }];
  const config = readConfig({ delivery: 'direct', tableFormat: 'iceberg', ...more, sources });
  const volumes = new Map([['app', { linesPerDay }]]);
  return planOf({ config, volumes, peakFactor: 2, rates: RATES, prices: PRICES });
}

const only = ({ sources: [source] }: Plan) => source!;

describe('tablesOfBatch', () => {
  test('has a file for each table that a batch surely has rows of, and fewer where there are few rows', () => {
    expect(tablesOfBatch({ tables: 1, linesPerBatch: 1 })).toBe(1);
    expect(tablesOfBatch({ tables: 1000, linesPerBatch: 1e9 })).toBeCloseTo(1000, 6);
    // Two values: two thirds and a third of the rows.
    expect(tablesOfBatch({ tables: 2, linesPerBatch: 3 })).toBeCloseTo(2 - Math.exp(-2) - Math.exp(-1), 6);
    expect(tablesOfBatch({ tables: 10_000, linesPerBatch: 100 })).toBeLessThan(100);
  });
});

describe('a plan of a source whose rows are divided', () => {
  test('has a file for each table and batch, which are so much smaller', () => {
    const [one, many] = [only(divided(1, 1e8)), only(divided(1000, 1e8))];
    expect(many.batchesPerDay).toBe(one.batchesPerDay);
    expect(many.files.perDay).toBeCloseTo(288 * 1000, -2);
    const rows = one.files.perDay * one.files.bytes;
    expect(many.files.perDay * many.files.bytes).toBeCloseTo(rows + many.files.perDay * 4000, 0);
  });

  test('commits to each table once an hour, and more often where 32 MiB come before', () => {
    const quiet = only(divided(1000, 1e8)).iceberg;
    expect(quiet).toMatchObject({ tables: 1000 });
    expect(quiet?.commitsPerDay).toBeCloseTo(24_000, 6);
    expect(quiet?.s3PutsPerDay).toBeCloseTo(4 * 24_000, 6);
    // Two requests for each commit, the one writer's for each table and hour, and four for each table and day.
    expect(quiet?.glueRequestsPerDay).toBeCloseTo(2 * 24_000 + 24_000 + 4000, 6);
    // The first of two tables gets two thirds of 18 GB a day, which is 32 MiB more often than batches come.
    expect(only(divided(2, 1e9)).iceberg?.commitsPerDay).toBeGreaterThan(288);
    expect(only(divided(1000, 1e8, { commitIntervalSeconds: 900 })).iceberg?.commitsPerDay).toBeCloseTo(24_000, 6);
  });

  test('commits no more often to a table than it gets files', () => {
    const { files, iceberg } = only(divided(10_000, 10_000));
    expect(files.perDay).toBeLessThan(10_000);
    expect(iceberg?.commitsPerDay).toBeLessThanOrEqual(files.perDay);
    expect(iceberg?.filesPerCommit).toBeGreaterThanOrEqual(1);
  });

  test('has Glue maintain each table, seldom, and pays for each time', () => {
    // 288 files a day: 2.88 merges from 100 files on, and two clearings a week, of 2/60 DPU-hours each; and the bytes.
    const { iceberg } = only(divided(1000, 1e8));
    const bytes = iceberg?.mergedBytesPerDay ?? 0;
    expect(bytes).toBeGreaterThan(1e8 * 200 * 0.09);
    expect(iceberg?.dpuHoursPerDay).toBeCloseTo(1000 * (2.88 + 2 / 7) * (2 / 60) + bytes / 2 ** 30 / 50, 1);
    // 96 files a day are left as they are.
    const seldom = only(divided(1000, 1e8, { bufferIntervalSeconds: 900 })).iceberg;
    expect(seldom).toMatchObject({ mergedBytesPerDay: 0, replacedBytes: 0 });
    expect(seldom?.dpuHoursPerDay).toBeCloseTo(1000 * (2 / 7) * (2 / 60), 6);
  });

  test('costs in Parquet what it costs if it is not divided', () => {
    const [one, many] = [divided(1, 1e8).monthly, divided(1000, 1e8).monthly];
    expect(many.direct.loading.s3Requests).toBe(one.direct.loading.s3Requests);
    expect(many.direct.loading.lambda).toBe(one.direct.loading.lambda);
    expect(many.configured).toEqual(many.iceberg);
    const puts = (1000 * 288 * 3 + 24_000 * 4 + 288 * 5) * 30;
    expect(many.iceberg.loading.s3Requests).toBeGreaterThan((puts / 1e6) * 5);
    expect(many.iceberg.loading.s3Requests).toBeLessThan((puts / 1e6) * 5 * 1.05);
    for (const part of ['glue', 'lambda', 'dynamoDb', 's3Storage'] as const) {
      expect(many.iceberg.loading[part], part).toBeGreaterThan(one.iceberg.loading[part]);
    }
  });

  test('says how many tables there are, until when rows are late, and what is assumed', () => {
    const plan = divided(1000, 1e8);
    const text = planText(plan);
    expect(text).toMatch(/Iceberg +1,000 tables; 24,000 commits per day, of 12 files each/);
    expect(text).toContain('the share of the nth is 1/n of that of the first');
    expect(text).toContain('two DPUs for a minute at the least');
    expect(planText(divided(1, 1e8))).not.toContain('the nth');
    const waits = only(plan).freshness.parts.find(({ what }) => what === 'waiting for the commit');
    expect(waits?.seconds).toBe(300 + 3600 + 60);
  });

  test('warns of small files, of long batches, and of the versions that Glue may keep', () => {
    const { warnings } = divided(10_000, 1e8);
    expect(warnings.join('\n')).toMatch(/small files: .* divide by a column with fewer values/);
    expect(warnings.join('\n')).toMatch(/240,000 commits a day: if Glue keeps a version .* after 4.17 days/);
    expect(divided(10, 1e8).warnings.join('\n')).not.toContain('a version');
    const slow = divided(10_000, 1e8, { memoryMiB: 256 }).warnings.join('\n');
    expect(slow).toMatch(/writing a batch takes about [\d,]+ s .* divide by a column with fewer values/);
  });
});
