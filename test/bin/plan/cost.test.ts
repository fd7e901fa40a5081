import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { costOf, dollarsPerTB, GB, NO_USAGE, sumOf, tiered, type Usage } from '../../../bin/plan/cost.ts';
import { listPrices, pricesOf } from '../../../bin/plan/prices.ts';
import { measuredRates, ratesOf } from '../../../bin/plan/rates.ts';
import { PRICES } from './fixture.ts';

describe('a price in steps', () => {
  test.each([
    [0, 0],
    [500, 15],
    [1000, 30],
    [1001, 30.02],
    [3000, 30 + 40],
    [10_000, 30 + 40 + 70],
  ])('for %i GB is %d', (amount, usd) => {
    expect(tiered(amount, PRICES.firehosePerGB)).toBeCloseTo(usd, 9);
  });
});

describe('costOf', () => {
  test.each([
    ['firehose', { firehoseBytes: 2000 * GB }, 30 + 20 + 2000 * 0.02],
    ['firehose', { icebergBytes: 100 * GB }, 8],
    ['lambda', { lambdaGBSeconds: 1e6, lambdaRequests: 5e6 }, 10 + 1],
    ['queues', { sqsRequests: 3e6, snsRequests: 1e6 }, 1.2 + 0.5],
    ['s3Requests', { s3Puts: 1e6, s3Gets: 10e6 }, 5 + 4],
    ['s3Storage', { s3ByteMonths: 50 * GB }, 1],
    ['dynamoDb', { dynamoDbWrites: 10e6, dynamoDbReads: 20e6, dynamoDbByteMonths: 4 * GB }, 6 + 2 + 1],
    ['cloudWatch', { logBytes: 2 * GB, metricMonths: 10, alarmMetricMonths: 5, dashboardMonths: 1 }, 1 + 3 + 1 + 3],
  ] satisfies [string, Partial<Usage>, number][])(
    'puts into %s what belongs there, and nothing elsewhere',
    (part, usage, usd) => {
      const { total, ...parts } = costOf({ ...NO_USAGE, ...usage }, PRICES);
      expect(total).toBeCloseTo(usd, 9);
      for (const [name, cost] of Object.entries(parts)) expect(cost).toBeCloseTo(name === part ? usd : 0, 9);
    },
  );

  test('has a price for every amount', () => {
    for (const key of Object.keys(NO_USAGE)) {
      expect(costOf({ ...NO_USAGE, [key]: 1e12 }, PRICES).total, key).toBeGreaterThan(0);
    }
  });

  test('prices a sum by the steps of the whole', () => {
    const usage = { ...NO_USAGE, firehoseBytes: 1000 * GB };
    expect(costOf(sumOf([usage, usage]), PRICES).firehose).toBeCloseTo(30 + 20 + 40, 9);
  });
});

describe('dollarsPerTB', () => {
  const ratios = {
    bytesPerLine: 500,
    linesPerObject: 10_000,
    billedBytesPerByte: 1.2,
    destination: 'parquet',
    cpuSecondsPerTB: 30_000,
    writeUnitsPerMillion: 10_000,
    readUnitsPerMillion: 1000,
    invocationsPerObject: 2,
  } as const;

  test('is what the measured ratios come to by hand', () => {
    // 2,000 million lines, 200,000 objects, 400,000 invocations.
    const cost = dollarsPerTB(ratios, PRICES);
    const billedGB = 1.2e12 / 2 ** 30; // 1,117.6
    expect(cost.firehose).toBeCloseTo(1000 * 0.03 + (billedGB - 1000) * 0.02 + billedGB * 0.02, 6);
    expect(cost.lambda).toBeCloseTo(30_000 * (1769 / 1024) * 0.00001 + 0.4 * 0.2, 6);
    expect(cost.queues).toBeCloseTo(1.2 * 0.4 + 0.2 * 0.5, 6);
    expect(cost.s3Requests).toBeCloseTo(0.4 * 0.4, 6);
    expect(cost.dynamoDb).toBeCloseTo(20 * 0.6 + 2 * 0.1, 6);
    expect([cost.s3Storage, cost.cloudWatch]).toEqual([0, 0]);
  });

  test('takes the one price of Iceberg for its bytes', () => {
    const { firehose } = dollarsPerTB({ ...ratios, destination: 'iceberg', billedBytesPerByte: 1.5 }, PRICES);
    expect(firehose).toBeCloseTo((1.5e12 / 2 ** 30) * 0.08, 6);
  });
});

describe('the files that come with the code', () => {
  test('can be read, and say when they are from and where each price stands', () => {
    const { date, region, ...prices } = listPrices();
    expect([Date.parse(date) > 0, region]).toEqual([true, 'us-east-1']);
    for (const price of Object.values(prices)) expect(price.source).toMatch(/^https:\/\/aws\.amazon\.com\/\S+/);
    expect(Object.keys(measuredRates().formats)).toEqual(expect.arrayContaining(['alb', 'kong', 'json']));
  });
});

describe('a file of prices or rates', () => {
  const file = JSON.parse(readFileSync(new URL('../../../bin/plan/prices.json', import.meta.url), 'utf8'));
  const refusal = (change: object): string => {
    try {
      pricesOf(JSON.stringify({ ...file, ...change }), 'mine.json');
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('was taken');
  };

  test.each([
    [
      'a negative price',
      { s3PerMillionPuts: { ...file.s3PerMillionPuts, usd: -5 } },
      's3PerMillionPuts.usd: got -5, allowed: a number from 0',
    ],
    [
      'a price that is text',
      { s3PerMillionPuts: { ...file.s3PerMillionPuts, usd: '5' } },
      's3PerMillionPuts.usd: got "5", allowed: a number from 0',
    ],
    [
      'a price that is missing',
      { athenaPerTB: undefined },
      'athenaPerTB: got nothing, allowed: an object of usd, source, confidence',
    ],
    ['a price nobody asks for', { athenaPerTb: 5 }, 'athenaPerTb: unknown, did you mean athenaPerTB?'],
    [
      'tiers that end',
      { firehosePerGB: { ...file.firehosePerGB, tiers: [{ upTo: 5, usd: 1 }] } },
      'firehosePerGB.tiers: got [{"upTo":5,"usd":1}], allowed: tiers',
    ],
    [
      'tiers that go back',
      { firehosePerGB: { ...file.firehosePerGB, tiers: [{ upTo: 5, usd: 1 }, { upTo: 4, usd: 1 }, { usd: 1 }] } },
      'firehosePerGB.tiers: got',
    ],
    ['a day that is none', { date: 'yesterday' }, 'date: got "yesterday", allowed: a day as YYYY-MM-DD'],
    [
      'a confidence nobody has',
      { athenaPerTB: { ...file.athenaPerTB, confidence: 'sure' } },
      'athenaPerTB.confidence: got "sure", allowed: high, middle, low',
    ],
  ])('is refused for %s, naming it', (_, change, message) => {
    expect(refusal(change)).toContain(`mine.json: ${message}`);
  });

  test('is refused when it is no JSON, or no object', () => {
    expect(() => pricesOf('usd: 5', 'mine.json')).toThrow(
      'mine.json: not JSON: expected a value, got "u" at line 1, column 1',
    );
    expect(() => ratesOf('[]', 'mine.json')).toThrow(/^mine.json: file: got \[\], allowed: an object of date, command/);
  });
});
