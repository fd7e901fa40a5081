import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Plan, planOf, type Volume } from '../../../bin/plan/plan.ts';
import { duplicateUnits, packed, recordPerLine, type SourceLoad } from '../../../bin/plan/source-amounts.ts';
import { planText } from '../../../bin/plan/text.ts';
import { packedBytes } from '../../../lambdas/core/duplicates/packed-page.ts';
import { BILLING_STEP_BYTES, Packer } from '../../../lambdas/core/loading/pack.ts';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { PRICES, RATES } from './fixture.ts';

const EVENTS = { sources: [{ name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: ['/app'] } }] };

function planFor(volume: number | Volume, context: Context = {}, peakFactor = 2): Plan {
  const config = readConfig(context);
  const each = typeof volume === 'number' ? { linesPerDay: volume } : volume;
  const volumes = new Map(config.sources.map(({ name }) => [name, each]));
  return planOf({ config, volumes, peakFactor, rates: RATES, prices: PRICES });
}

const only = ({ sources: [source] }: Plan) => source!;
const load = (more: Partial<SourceLoad>): SourceLoad => ({
  ...{ lane: 'objects', linesPerDay: 1e6, bytesPerLine: 500, linesPerObject: 10_000 },
  rates: RATES.formats.alb!,
  ...more,
});

describe('what Firehose bills for an object', () => {
  /** As the packer of the functions packs so many rows of one size. */
  function reallyBilled(rows: number, bytes: number): number {
    const packer = new Packer();
    const row = 'x'.repeat(bytes);
    let billed = BILLING_STEP_BYTES;
    const ship = () => {
      for (const { length } of packer.take()) billed += Math.ceil(length / BILLING_STEP_BYTES) * BILLING_STEP_BYTES;
    };
    for (let left = rows; left > 0; ) {
      if (packer.add(row) === 'full') ship();
      else left--;
    }
    ship();
    return billed;
  }

  test('is what the packer makes of it, within a record and a row for each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 50, max: 3000 }), (rows, bytes) => {
        const estimated = packed(load({ linesPerObject: rows, bytesPerLine: bytes }));
        const really = reallyBilled(rows, bytes);
        const tolerance = BILLING_STEP_BYTES + estimated.records * bytes;
        expect(Math.abs(estimated.billedBytes - really)).toBeLessThanOrEqual(tolerance);
      }),
      { numRuns: 30 },
    );
  });

  test('is two steps at the least: one of rows and one of loads', () => {
    expect(packed(load({ linesPerObject: 1, bytesPerLine: 10 })).billedBytes).toBe(2 * 5120);
  });

  test('the usual way is a step for each line, or as many as it needs', () => {
    expect(recordPerLine(load({ linesPerObject: 7 }))).toBe(7 * 5120);
    expect(recordPerLine(load({ linesPerObject: 7, bytesPerLine: 2561 }))).toBe(7 * 10_240);
  });
});

describe('units of the duplicate check', () => {
  // As measured at a DynamoDB of this machine: docs/cost.md.
  test.each([
    [10_000, 'objects', 0.0061, 0.0007],
    [600, 'objects', 0.0267, 0.0012],
    [1_000_000, 'objects', 0.0049, 0.0006],
  ] as const)(
    'are for a record of an object of %i what they were measured to be',
    (linesPerObject, lane, writes, reads) => {
      const units = duplicateUnits(load({ lane, linesPerObject }), 1);
      expect(units.writes / linesPerObject).toBeCloseTo(writes, 3);
      expect(units.reads / linesPerObject).toBeCloseTo(reads, 3);
    },
  );

  test('of a payload of 40 lines are 4: a page, a mark put and deleted, the end', () => {
    expect(duplicateUnits(load({ lane: 'events', linesPerObject: 40 }), 1).writes).toBe(4);
  });

  test('of a sample are those of its fingerprints, and none where none is in it', () => {
    // 200 records of 2,000 in each of 5 minutes: 1,049 bytes and the item's own.
    expect(duplicateUnits(load({}), 0.1).writes).toBeCloseTo(5 * (2 + 2) + 1, 6);
    expect(duplicateUnits(load({ linesPerObject: 5 }), 0.01).writes).toBeCloseTo(1 + 5 * 0.01 * 3, 6);
  });
});

describe('a plan of 864 million lines a day, 10,000 a second, of 500 bytes', () => {
  const plan = planFor(864e6);
  const source = only(plan);
  const objects = 86_400; // of 10,000 lines and 5 MB: one a second

  test('has the throughput, and the streams it needs by Region', () => {
    const { average, peak, regions } = source.firehose;
    expect(average.mibPerSecond).toBeCloseTo(5e6 / 2 ** 20, 9);
    expect(peak.mibPerSecond).toBeCloseTo(1e7 / 2 ** 20, 9); // 9.54
    // A batch is sixteen records, 4.18 MB.
    expect(average.requestsPerSecond).toBe(2);
    expect(regions.map(({ streamsNeeded, mibPerSecondNeeded }) => [streamsNeeded, mibPerSecondNeeded])).toEqual([
      [2, peak.mibPerSecond],
      [10, peak.mibPerSecond],
    ]);
  });

  test('has as many functions at work as there are seconds of work in a second', () => {
    // 5 MB at 20 ns, and the wait.
    expect(source.lambda).toMatchObject({ secondsPerObject: 0.1 + 0.15, average: 0.25, peak: 0.5 });
    expect(source.lambda.gbSecondsPerDay).toBeCloseTo(objects * 0.25 * (1769 / 1024), 6);
    expect(source.lambda.queueSeconds).toBeCloseTo((300 * 0.5) / 50, 9);
  });

  test('has a file whenever the buffer is full', () => {
    const full = (128 * 2 ** 20) / 5e6; // 26.8 s
    expect(source.files.everySeconds).toBeCloseTo(full, 6);
    expect(source.files.perDay).toBeCloseTo(86_400 / full, 6);
    expect(source.files.gatheredBytes).toBeCloseTo(128 * 2 ** 20, 3);
    expect(source.files.bytes).toBeCloseTo(0.1 * 128 * 2 ** 20, 3);
    expect(source.files.scanDayUsd).toBeCloseTo(((0.1 * 432e9) / 2 ** 40) * 5, 6);
  });

  test('is fresh when the writer, the queue, the function and the buffer have had their time', () => {
    expect(source.freshness.leastSeconds).toBeCloseTo(5 + 0.25 + 30, 6);
    expect(source.freshness.mostSeconds).toBeCloseTo(300 + 5 + 3 + 0.25 + (128 * 2 ** 20) / 5e6 + 30, 6);
  });

  test('counts units of the ledger and of the duplicate check', () => {
    // The item of the key, claim, two checkpoints, the latest version, finish; five pages of 10 units with their marks, and the end.
    expect(source.dynamoDb.ledgerWritesPerDay).toBe(objects * 6);
    expect(source.dynamoDb.duplicateWritesPerDay).toBeCloseTo(objects * 61, 3);
  });

  test('costs by hand what it says', () => {
    const month = 30 * objects;
    const gb = (bytes: number) => bytes / 2 ** 30;
    // Nine full records of 101 steps, the rest of the tenth, and the row of loads.
    const rest = Math.ceil((5e6 - 9 * (517_120 - 250)) / 5120) * 5120;
    const billed = gb(month * (9 * 517_120 + rest + 5120)); // 12,100 GB
    const { loading, duplicates, total, perRawTB } = plan.monthly.parquet;
    expect(loading.firehose).toBeCloseTo(30 + 40 + (billed - 3000) * 0.01 + billed * 0.02, 4);
    expect(loading.lambda).toBeCloseTo(month * 0.25 * (1769 / 1024) * 0.00001 + (month / 1e6) * 0.2, 4);
    // An empty queue is asked 21,600 times a day.
    expect(loading.queues).toBeCloseTo(((month * 3 + 648_000) * 0.4 + month * 0.5) / 1e6, 4);
    expect(loading.s3Requests).toBeCloseTo((month * 0.4 + source.files.perDay * 30 * 5) / 1e6, 4);
    // 400 days of Parquet, 30 of gzip in the landing bucket.
    expect(loading.s3Storage).toBeCloseTo(gb(432e9 * (400 * 0.1 + 30 / 5)) * 0.02, 4);
    expect(loading.dynamoDb).toBeCloseTo((month * 6 * 0.6) / 1e6 + gb(objects * 400 * (800 + 250)) * 0.25, 4);
    // 14 metrics, those of the alarms, and the dashboard.
    expect(loading.cloudWatch).toBeCloseTo(gb(month * 1000) * 0.5 + 14 * 0.3 + 25 * 0.2 + 3, 4);
    // 2,000 records of 5 bytes, behind their count; one of them is more than 255 steps from the one before.
    const pages = 5 * (45 + 4 + 5 * 2000 + 2000 / Math.expm1((255 * 2001) / 65_536));
    const minutes = 43_200;
    expect(duplicates.dynamoDb).toBeCloseTo(
      ((month * 61 + minutes) * 0.6 + (month * (pages / 8192 + 0.5) + minutes * 2.5) * 0.1) / 1e6 +
        gb(objects * 4 * pages) * 0.25,
      4,
    );
    // Five metrics, and a run each minute.
    expect(duplicates.cloudWatch).toBeCloseTo(gb((month + minutes) * 300) * 0.5 + 5 * 0.3, 4);
    expect(total).toBeCloseTo(loading.total + duplicates.total, 9);
    expect(perRawTB).toBeCloseTo((total - loading.s3Storage) / (30 * 0.432), 6);
  });

  test('stores old files for less, and pays for their move', () => {
    const { loading } = planFor(864e6, { archiveAfterDays: 60, retentionDays: 360 }).monthly.parquet;
    const gb = (days: number) => (432e9 * days) / 2 ** 30;
    const moves = (source.files.perDay * 30 * 15) / 1e6;
    expect(loading.s3Storage).toBeCloseTo(gb(60 * 0.1 + 6) * 0.02 + gb(300 * 0.1) * 0.004 + moves, 4);
  });

  test('keeps each source as long as it says', () => {
    const alb = (retentionDays: number) => ({ sources: [{ name: 'alb', format: 'alb', retentionDays }] });
    const storage = (context: Context) => planFor(864e6, context).monthly.parquet.loading.s3Storage;
    expect(storage(alb(90))).toBe(storage({ retentionDays: 90 }));
    expect(planText(planFor(864e6, alb(90)))).toContain('S3, 90 days kept');
  });

  test('shows Firehose to Iceberg and the usual way beside it', () => {
    const { parquet, firehoseIceberg: iceberg, usual } = plan.monthly;
    const month = 30 * 864e6;
    expect(iceberg.loading.firehose).toBeCloseTo(((month * 750 + (month / 10_000) * 400) / 2 ** 30) * 0.08, 4);
    const billed = (month * 5120) / 2 ** 30;
    expect(usual.loading.firehose).toBeCloseTo(30 + 40 + (billed - 3000) * 0.01 + billed * 0.02, 4);
    expect([usual.duplicates.total, usual.loading.dynamoDb]).toEqual([0, 0]);
    expect(iceberg.duplicates).toEqual(parquet.duplicates);
    expect(iceberg.loading.s3Storage).toBeCloseTo((432e9 * (400 * 0.08 + 6) * 0.02) / 2 ** 30, 4);
  });

  test('says what the quotas need, and nothing of it where that is given', () => {
    expect(plan.warnings.filter((warning) => warning.includes('MiB/s'))).toEqual([
      'alb: us-east-1, us-west-2, eu-west-1: 9.54 MiB/s at the peak, but 1 stream takes 5: needs streamsPerTable=2, or a quota of 9.54 MiB/s for each stream',
      'alb: other Regions: 9.54 MiB/s at the peak, but 1 stream takes 1: needs streamsPerTable=10, or a quota of 9.54 MiB/s for each stream',
    ]);
    expect(planFor(864e6, { streamsPerTable: 10 }).warnings.filter((warning) => warning.includes('MiB/s'))).toEqual([]);
  });

  test('reads as a screen', () => {
    expect(planText(plan)).toMatchInlineSnapshot(`
      "alb (alb)
      per day    864,000,000 lines of 500 B, 402.3 GiB; 86,400 objects of 10,000 lines
      Lambda     0.25 s per object; concurrent invocations: 0.25 on average, 0.5 at the peak (maxConcurrency 50); 37,315 GB-seconds per day
      Firehose   4.8 MiB/s on average, 9.5 MiB/s and 4 puts/s at the peak (2x); 1.00 B billed per raw byte
      files      3,219 per day, 12.8 MiB each (GZIP), one every 27 s per stream; a day has 40.2 GiB, $0.20 to scan in Athena
      freshness  35 s to 6.1 min from an event to its row
      DynamoDB   per day 518,400 write units for the ledger; 5,270,400 write and 573,172 read units for the duplicate check

      Firehose at the peak, by Region: throughput, quota per stream, streams
      source  Regions                          MiB/s  per stream  streamsPerTable needed  configured  or a quota of
      alb     us-east-1, us-west-2, eu-west-1    9.5           5                       2           1      9.5 MiB/s
      alb     others                             9.5           1                      10           1      9.5 MiB/s

      US dollars per month of 30 days, at list prices of nowhere-1 on 2026-01-05
                                   Firehose  direct  Iceberg  usual way
      Firehose                          403    0.00     0.00      3,748
      Glue                             0.00    0.00    18.28       0.00
      Lambda                          11.71   14.03    14.21      16.19
      SQS, SNS                         4.67    4.94     4.94       4.67
      S3 requests                      1.52    2.23     3.19       1.52
      DynamoDB (ledger)               17.78   13.62    13.68       0.00
      CloudWatch                      13.41   13.42    14.62       0.36
      duplicate check                   117     117      117       0.00
      S3, 400 days kept                 370     338      339        370
      total                             939     503      525      4,141
      per raw TB, without storage     43.90   12.74    14.33        291
      As configured: 939 a month, 43.90 per raw TB
      Requests per day: SQS 561,600, SNS 86,400, S3 GET 172,800, S3 PUT 3,219
      Alarms: 11 that look at 25 metrics, 5.00 of CloudWatch's part

      Warnings
      - alb: us-east-1, us-west-2, eu-west-1: 9.54 MiB/s at the peak, but 1 stream takes 5: needs streamsPerTable=2, or a quota of 9.54 MiB/s for each stream
      - alb: other Regions: 9.54 MiB/s at the peak, but 1 stream takes 1: needs streamsPerTable=10, or a quota of 9.54 MiB/s for each stream

      Rates: measured on 2026-01-05 on a machine; a Lambda function with 1,769 MiB is assumed to be as fast.
      Prices: bin/plan/prices.json, or --prices, states the source and the confidence of each; no free tiers, no taxes.
      Assumed: a peak of 2x the average (--peak); an invocation waits 0.15 s for other services, which is most of its time for log events; an object contains five minutes of events; Firehose's default quotas; no rejected lines.
      Not included: Athena, ingestion of the logs by CloudWatch itself, KMS, data transfer.
      Glue merges 50 GB in a DPU-hour, which AWS does not publish, and bills two DPUs for a minute at the least whenever it maintains a table.
      The usual way is the baseline to compare with: readline, a regular expression, JSON.stringify, one record per line; no ledger, no duplicate check."
    `);
  });
});

describe('a plan of the direct lane', () => {
  const direct = (linesPerDay: number, more: Context = {}) => planFor(linesPerDay, { delivery: 'direct', ...more });
  // An object of 10,000 lines is 1 MB gzipped, which takes 0.45 MB in a file; a batch expects 0.68 MB.
  const inBatch = (128 * 2 ** 20) / (1e6 * 0.68);

  test('has a batch whenever its files are large enough, of which each is one file', () => {
    const { files, batchesPerDay, objectsPerDay } = only(direct(864e6));
    expect(batchesPerDay).toBeCloseTo(objectsPerDay / inBatch, 6);
    expect(files.perDay).toBe(batchesPerDay);
    expect(files.bytes).toBeCloseTo(inBatch * 5e6 * 0.09, 3);
  });

  test('has one each interval if less comes, and one for each object if that is rarer still', () => {
    expect(only(direct(1e7)).batchesPerDay).toBe(288);
    expect(only(direct(1e7, { bufferIntervalSeconds: 900 })).batchesPerDay).toBe(96);
    expect(only(planFor({ linesPerDay: 100, linesPerObject: 50 }, { delivery: 'direct' })).batchesPerDay).toBe(2);
  });

  test('costs by hand what it says', () => {
    const { loading } = direct(864e6).monthly.configured;
    const objects = 86_400;
    const batches = objects / inBatch;
    const puts = 2 + 2 + Math.ceil((inBatch * 5e6 * 0.09) / 2 ** 23) + 3;
    const seconds = objects * (0.05 + 5e6 * 30e-9 + 0.08) + batches * puts * 0.15;
    expect(loading.firehose).toBe(0);
    // The planner, and the committer to Iceberg tables, which is there too.
    const gbSeconds = seconds * (1769 / 1024) + 1440 * (512 / 1024) + 1440 * 0.3;
    const requests = objects + batches + 2 * 1440;
    expect(loading.lambda).toBeCloseTo(30 * (gbSeconds * 0.00001 + (requests / 1e6) * 0.2), 4);
    expect(loading.s3Requests).toBeCloseTo((30 / 1e6) * (batches * puts * 5 + (objects + 2 * batches) * 0.4), 4);
    const writes = objects * 4 + batches * 10;
    const reads = objects * 3 + batches + 1440 * (16.5 + 1);
    const kept = (objects + batches) * 800 * 400;
    expect(loading.dynamoDb).toBeCloseTo((30 / 1e6) * (writes * 0.6 + reads * 0.1) + (kept / 2 ** 30) * 0.25, 4);
  });

  test('costs more with Iceberg tables, by hand, and says what they need', () => {
    const plan = direct(864e6, { tableFormat: 'iceberg' });
    const { iceberg, files, batchesPerDay = 0 } = only(plan);
    expect(iceberg).toMatchObject({ commitsPerDay: 288, filesPerCommit: batchesPerDay / 288 });
    expect(iceberg?.glueRequestsPerDay).toBeCloseTo(2 * 288 + batchesPerDay, 6);
    const day = files.perDay * files.bytes;
    expect(iceberg?.mergedFilesPerDay).toBeCloseTo(day / 2 ** 29, 6);
    // 24 merges and two clearings a day at the least price, and the bytes.
    const dpuHours = day / 2 ** 30 / 50 + (Math.min(24, files.perDay / 20) + 2) * (2 / 60);
    const { configured, direct: parquet } = plan.monthly;
    expect(configured.loading.glue).toBeCloseTo(30 * (dpuHours * 0.4 + (576 + batchesPerDay) / 1e6), 4);
    // Merged files are there twice for two days.
    expect(configured.loading.s3Storage - parquet.loading.s3Storage).toBeCloseTo(((2 * day) / 2 ** 30) * 0.02, 4);
    expect(configured).toEqual(plan.monthly.iceberg);
    expect(planText(plan)).toMatch(/Iceberg +288 commits per day, of/);
    expect(parquet.loading.glue).toBe(0);
  });

  test('commits as often as batches come, and merges no files that are few', () => {
    const of = (volume: Parameters<typeof planFor>[0], more: Context = {}) =>
      only(planFor(volume, { delivery: 'direct', tableFormat: 'iceberg', ...more })).iceberg;
    expect(of({ linesPerDay: 100, linesPerObject: 50 })).toMatchObject({ commitsPerDay: 2, mergedBytesPerDay: 0 });
    expect(of(1e9, { commitIntervalSeconds: 3600 })?.commitsPerDay).toBe(24);
    expect(of(16e9)?.mergedBytesPerDay).toBeGreaterThan(0);
  });

  test('is beside Firehose whichever of them is configured', () => {
    const [through, own] = [planFor(864e6), direct(864e6)].map(({ monthly }) => monthly);
    expect(through?.configured).toEqual(through?.parquet);
    expect(own?.configured).toEqual(own?.direct);
    // The lane has alarms of its own.
    expect(own?.parquet.loading.firehose).toBe(through?.parquet.loading.firehose);
    expect(through?.direct.loading.lambda).toBe(own?.direct.loading.lambda);
  });

  test('has Firehose gather the payloads of log groups as they are, an object a minute', () => {
    const plan = planFor(864e5, { ...EVENTS, delivery: 'direct' });
    // 172,800 payloads of 500 lines of 200 bytes, a quarter of it gzipped: five steps of 5 KiB.
    const billed = (30 * 172_800 * 5 * 5120) / 2 ** 30;
    expect(plan.monthly.configured.loading.firehose).toBeCloseTo(billed * 0.03, 4);
    expect(plan.requestsPerDay.sns).toBeCloseTo(1440, 6);
    expect(plan.monthly.direct.total).toBeLessThan(plan.monthly.parquet.total);
  });

  test('checks log groups for duplicates by the objects that their payloads come in', () => {
    const plan = planFor(864e5, { ...EVENTS, delivery: 'direct' });
    const source = only(plan);
    // 1,440 objects of 60,000 events over two minutes: pages for each minute with their marks, and the object.
    const bytes = 45 + packedBytes(30_000, 1);
    expect(source.dynamoDb.duplicateWritesPerDay).toBeCloseTo(1440 * (2 * (Math.ceil(bytes / 1024) + 2) + 1), 6);
    const { direct: own, parquet } = plan.monthly;
    expect(own.duplicates.dynamoDb).toBeLessThan(parquet.duplicates.dynamoDb / 2);
    expect(own.duplicates.lambda).toBeLessThan(parquet.duplicates.lambda);
  });

  test('speaks of batches, and warns of no stream', () => {
    const plan = direct(16e9);
    const text = planText(plan);
    expect(text).toMatch(/per batch; concurrent/);
    expect(text).not.toContain('streamsPerTable');
    expect(plan.warnings.join()).not.toMatch(/stream|puts/);
  });

  test('warns of small files, with the interval that makes them larger', () => {
    const small = (plan: Plan) => plan.warnings.find((warning) => warning.includes('small files')) ?? '';
    expect(small(direct(1e7))).toMatch(/^alb: small files: .* 288 per day.*: bufferIntervalSeconds=840 makes them /);
    expect(small(direct(1e7, { bufferIntervalSeconds: 840 }))).toBe('');
    expect(small(direct(1e5))).toMatch(/merge past days/);
    expect(small(direct(1e9))).toBe('');
  });

  test('warns of batches that take most of the time there is', () => {
    const plan = planFor({ linesPerDay: 1e9, linesPerObject: 4e7 }, { delivery: 'direct' });
    expect(plan.warnings.join()).toMatch(/writing a batch takes about \d+ s of the 900 s that Lambda allows/);
  });
});

describe('rates of a lane', () => {
  test('a source with log groups takes the rates of log events, if they are measured', () => {
    const { json } = RATES.formats;
    if (!json) throw new Error('expected rates of json');
    const config = readConfig({
      sources: [{ name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: ['/app'] } }],
    });
    const volumes = new Map([['app', { linesPerDay: 1e9 }]]);
    const secondsWith = (events: typeof json.events) => {
      const rates = { ...RATES, formats: { ...RATES.formats, json: { ...json, ...(events && { events }) } } };
      const { lambda, duplicates } = only(planOf({ config, volumes, peakFactor: 2, rates, prices: PRICES }));
      return [lambda, duplicates].map(({ secondsPerObject }) => secondsPerObject);
    };
    const { loadNsPerByte, trackNsPerByte } = json;
    const [load = 0, track = 0] = secondsWith(undefined);
    expect(secondsWith({ loadNsPerByte, trackNsPerByte })).toEqual([load, track]);
    const [moreToLoad = 0, moreToTrack = 0] = secondsWith({ loadNsPerByte: 2 * loadNsPerByte, trackNsPerByte });
    expect([moreToLoad > load, moreToTrack]).toEqual([true, track]);
  });
});

describe('a format without rates of its own', () => {
  test('takes the rates of the format it names, and the plan says so and how to measure it', () => {
    const plan = planFor(1e6, { sources: [{ name: 'gateway', format: 'kong-json' }] });
    expect(only(plan)).toMatchObject({
      format: 'kong-json',
      ratesOf: 'json',
      bytesPerLine: RATES.formats.json?.bytesPerLine,
    });
    expect(planText(plan)).toContain(
      'The format kong-json has not been measured: the rates of json are used for it. ' +
        'Measure it with: npm run bench -- FILES --format kong-json',
    );
    expect(planText(planFor(1e6))).not.toContain('has not been measured');
  });

  test('takes those of kong if it names none', () => {
    const rates = { ...RATES, formats: { ...RATES.formats, kong: RATES.formats.json! } };
    const config = readConfig({ sources: [{ name: 'web', format: 'nginx' }] });
    const volumes = new Map([['web', { linesPerDay: 1e6 }]]);
    expect(only(planOf({ config, volumes, peakFactor: 2, rates, prices: PRICES })).ratesOf).toBe('kong');
  });
});

describe('a plan', () => {
  const amounts = (plan: Plan): Record<string, number> => {
    const source = only(plan);
    const { parquet, iceberg, usual, configured } = plan.monthly;
    return {
      configured: configured.total,
      ...Object.fromEntries(Object.entries(parquet.loading).map(([part, usd]) => [`loading ${part}`, usd])),
      ...Object.fromEntries(Object.entries(parquet.duplicates).map(([part, usd]) => [`duplicates ${part}`, usd])),
      iceberg: iceberg.total,
      usual: usual.total,
      streams: source.firehose.regions[0]!.streamsNeeded,
      files: source.files.perDay,
      concurrency: source.lambda.peak,
      ...plan.requestsPerDay,
    };
  };
  const lines = fc.double({ min: 1, max: 1e13, noNaN: true });

  test.each([
    ['objects', {}],
    ['payloads', EVENTS],
    ['a sample', { 'duplicates.sampleRate': 0.01 }],
    ['several streams', { streamsPerTable: 7 }],
    ['batches', { delivery: 'direct' }],
    ['commits', { delivery: 'direct', tableFormat: 'iceberg' }],
  ])('of more lines needs no less of anything: %s', (_, context) => {
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const [less, more] = [a, b].sort((x, y) => x - y).map((each) => amounts(planFor(each, context)));
        for (const [what, amount] of Object.entries(less ?? {})) {
          expect(more?.[what], what).toBeGreaterThanOrEqual(amount * (1 - 1e-9));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is of numbers throughout, from one line a day to a thousand times the largest', () => {
    for (const linesPerDay of [1, 1e5, 1e7, 1e9, 16e9, 16e12]) {
      JSON.stringify(planFor(linesPerDay), (key, value) => {
        if (typeof value === 'number')
          expect(Number.isFinite(value) && value >= 0, `${linesPerDay}: ${key}`).toBe(true);
        return value;
      });
    }
  });

  test('of a lake that checks no duplicates costs nothing for it', () => {
    const { duplicates } = planFor(1e9, { 'duplicates.enabled': false }).monthly.parquet;
    expect(duplicates.total).toBe(0);
  });

  test('of log events needs no queue, no topic and no reading of S3', () => {
    const plan = planFor(1e8, EVENTS);
    expect(plan.requestsPerDay).toMatchObject({ sqs: 0, sns: 0, s3Gets: 0 });
    expect(only(plan).freshness.parts.map(({ what }) => what)).not.toContain('waiting in the queue at the peak');
  });

  test('of several sources is the sum of theirs, priced by the steps of the whole', () => {
    const two = (second: number) =>
      planOf({
        config: readConfig({
          sources: [
            { name: 'a', format: 'alb', from: { prefix: 'a/' } },
            { name: 'b', format: 'alb', from: { prefix: 'b/' } },
          ],
        }),
        volumes: new Map([
          ['a', { linesPerDay: 4e8 }],
          ...(second > 0 ? [['b', { linesPerDay: second }] as const] : []),
        ]),
        peakFactor: 2,
        rates: RATES,
        prices: PRICES,
      });
    expect(two(0).sources.map(({ name }) => name)).toEqual(['a']);
    expect(two(4e8).monthly.parquet.loading.firehose).toBeCloseTo(planFor(8e8).monthly.parquet.loading.firehose, 6);
    expect(two(4e8).requestsPerDay.sns).toBeCloseTo(2 * two(0).requestsPerDay.sns, 6);
  });

  test('with less than one CPU has functions that take longer and cost the same', () => {
    const [whole, half] = [1769, 884.5].map((memoryMiB) => {
      const config = { ...readConfig({}), memoryMiB };
      return planOf({
        config,
        volumes: new Map([['alb', { linesPerDay: 1e9 }]]),
        peakFactor: 2,
        rates: RATES,
        prices: PRICES,
      });
    }) as [Plan, Plan];
    expect(only(half).lambda.secondsPerObject).toBeCloseTo(0.2 + 0.15, 9);
    expect(only(whole).lambda.secondsPerObject).toBeCloseTo(0.1 + 0.15, 9);
  });
});

describe('a warning of small files', () => {
  const smallFiles = (plan: Plan) => plan.warnings.find((warning) => warning.includes('small files')) ?? '';

  test('tells an interval that makes them large enough, and it does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e5, max: 5e7 }), fc.integer({ min: 60, max: 300 }), (linesPerDay, interval) => {
        const warning = smallFiles(planFor(linesPerDay, { bufferIntervalSeconds: interval }));
        const [, seconds] = /bufferIntervalSeconds=(\d+)/.exec(warning) ?? [];
        if (!seconds) return;
        const after = planFor(linesPerDay, { bufferIntervalSeconds: Number(seconds) });
        expect(only(after).files.bytes).toBeGreaterThan(
          only(planFor(linesPerDay, { bufferIntervalSeconds: interval })).files.bytes,
        );
        if (Number(seconds) < 900) expect(smallFiles(after)).toBe('');
      }),
    );
  });

  test('tells to take fewer streams than are needed for nothing', () => {
    expect(smallFiles(planFor(1e7, { streamsPerTable: 8 }))).toContain(
      'streamsPerTable=1 makes them up to 8 times as large',
    );
  });

  test('tells to merge where no interval is long enough', () => {
    expect(smallFiles(planFor(1e5, { bufferIntervalSeconds: 900 }))).toMatch(/38,400 in 400 days: merge past days/);
  });

  test('is not there where they are large', () => {
    expect(smallFiles(planFor(1e9))).toBe('');
  });
});

describe('other warnings', () => {
  test.each([
    [
      'a queue that grows',
      planFor(16e9, { maxConcurrency: 2 }),
      /the peak, which needs 10 concurrent invocations; maxConcurrency is 2$/,
    ],
    [
      'more streams than there may be',
      planFor(64e9),
      /^alb: us-east-1.*streamsPerTable=50 and a quota of 14.1 MiB\/s for each, or a quota of 706 MiB\/s for each stream$/,
    ],
    [
      'a new account',
      planFor(16e9),
      /concurrent invocations; a new account has 10, an older one 1,000: request a higher/,
    ],
    ['an account too small', planFor(16e11), /an account has 1,000 unless its quota was raised/],
    ['a table too new', planFor(64e9), /the duplicate check writes 9,037 units a second at the peak/],
    ['a minute too large to count', planFor(200e9), /counting a minute at the peak takes 2.1 GiB.*sampleRate=0.6/],
    [
      'an object too large to check',
      planFor({ linesPerDay: 1e9, linesPerObject: 2e8 }),
      /the duplicate check takes 1,000 s for an object, but Lambda's longest timeout is 900 s$/,
    ],
    ['a scan limit in the way', planFor(16e9), /exceeds scanLimitGiB=100$/],
    [
      'objects too many for loads',
      planFor({ linesPerDay: 16e9, linesPerObject: 100 }),
      /3,704 objects a second at the peak/,
    ],
    [
      'too few functions for log events',
      planFor(16e9, { ...EVENTS, logEventsConcurrency: 5 }),
      /logEventsConcurrency is 5$/,
    ],
    [
      'more puts than a stream takes, where objects are small',
      planFor({ linesPerDay: 1e9, linesPerObject: 1 }),
      /^alb: us-east-1.*: 23,148 puts\/s at the peak, but 1 stream takes 2,000: needs streamsPerTable=12, or a quota of 23,148 puts\/s/,
    ],
  ])('tell of %s', (_, plan, message) => {
    expect(plan.warnings.filter((warning) => message.test(warning))).toHaveLength(1);
  });

  test('are none for a lake of a hundred million lines with a long buffer', () => {
    expect(planFor(1e8, { streamsPerTable: 2 }).warnings).toEqual([]);
  });
});
