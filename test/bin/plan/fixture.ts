import type { Prices } from '../../../bin/plan/prices.ts';
import type { Rates } from '../../../bin/plan/rates.ts';

/** Rates in round numbers. */
export const RATES: Rates = {
  date: '2026-01-05',
  command: 'measure',
  machine: 'a machine',
  formats: {
    alb: {
      bytesPerLine: 500,
      gzipRatio: 5,
      loadNsPerByte: 20,
      trackNsPerByte: 10,
      sentBytesPerByte: 1,
      icebergBytesPerByte: 1.5,
      usualNsPerByte: 40,
      usualSentBytesPerByte: 2,
      direct: { nsPerByte: 30, fileBytesPerByte: 0.09 },
      parquetBytesPerByte: { SNAPPY: 0.2, GZIP: 0.1, UNCOMPRESSED: 0.8, ZSTD: 0.08 },
    },
    json: {
      bytesPerLine: 200,
      gzipRatio: 8,
      loadNsPerByte: 50,
      usualNsPerByte: 60,
      usualSentBytesPerByte: 2,
      trackNsPerByte: 40,
      sentBytesPerByte: 1,
      icebergBytesPerByte: 1.5,
      direct: { nsPerByte: 30, fileBytesPerByte: 0.09 },
      parquetBytesPerByte: { SNAPPY: 0.2, GZIP: 0.1, UNCOMPRESSED: 0.8, ZSTD: 0.08 },
    },
  },
  loadsRowBytes: 400,
  logBytesPerInvocation: 700,
};

const proof = { source: 'nobody', confidence: 'low' } as const;
const price = (usd: number) => ({ usd, ...proof });

/** Prices that tell the parts of a sum apart. */
export const PRICES: Prices = {
  region: 'nowhere-1',
  date: '2026-01-05',
  firehosePerGB: { tiers: [{ upTo: 1000, usd: 0.03 }, { upTo: 3000, usd: 0.02 }, { usd: 0.01 }], ...proof },
  firehoseConversionPerGB: price(0.02),
  firehoseIcebergPerGB: price(0.08),
  gluePerDpuHour: price(0.4),
  gluePerMillionRequests: price(1),
  lambdaPerGBSecond: price(0.00001),
  lambdaPerMillionRequests: price(0.2),
  sqsPerMillionRequests: price(0.4),
  snsPerMillionRequests: price(0.5),
  s3PerMillionPuts: price(5),
  s3PerMillionGets: price(0.4),
  s3PerGBMonth: { tiers: [{ upTo: 30_000, usd: 0.02 }, { usd: 0.01 }], ...proof },
  s3ArchivePerGBMonth: price(0.004),
  s3PerMillionTransitions: price(15),
  dynamoDbPerMillionWrites: price(0.6),
  dynamoDbPerMillionReads: price(0.1),
  dynamoDbPerGBMonth: price(0.25),
  logsPerGB: price(0.5),
  metricPerMonth: price(0.3),
  alarmMetricPerMonth: price(0.2),
  dashboardPerMonth: price(3),
  athenaPerTB: price(5),
};
