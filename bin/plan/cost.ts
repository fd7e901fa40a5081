/** Computes the cost of loading from billed amounts and prices. Pure arithmetic. */
import type { Price, Prices, TieredPrice } from './prices.ts';

/** Bytes of a GB and a TB, as AWS bills them. */
export const GB = 2 ** 30;
export const TB = 2 ** 40;

const MILLION = 1e6;

/** Billed amounts of a month or another period. */
export interface Usage {
  /** Firehose to S3: bytes with each record rounded up. Conversion to Parquet is billed by the same bytes. */
  readonly firehoseBytes: number;
  /** Firehose to S3 without a conversion: bytes with each record rounded up. */
  readonly firehosePlainBytes: number;
  /** Firehose to Iceberg: bytes, not rounded. */
  readonly icebergBytes: number;
  /** Processing units of Glue times the hours for which they run. */
  readonly glueDpuHours: number;
  /** Requests to Glue's catalog. */
  readonly glueRequests: number;
  readonly lambdaGBSeconds: number;
  readonly lambdaRequests: number;
  readonly sqsRequests: number;
  readonly snsRequests: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  /** Stored bytes times the months for which they are stored. */
  readonly s3ByteMonths: number;
  /** The same in the storage class for what is seldom read, and files that move there. */
  readonly s3ArchiveByteMonths: number;
  readonly s3Transitions: number;
  readonly dynamoDbWrites: number;
  readonly dynamoDbReads: number;
  readonly dynamoDbByteMonths: number;
  readonly logBytes: number;
  readonly metricMonths: number;
  /** Metrics that alarms look at: an alarm is billed for each of its metrics. */
  readonly alarmMetricMonths: number;
  readonly dashboardMonths: number;
}

/** Nothing used. */
export const NO_USAGE: Usage = {
  firehoseBytes: 0,
  firehosePlainBytes: 0,
  icebergBytes: 0,
  glueDpuHours: 0,
  glueRequests: 0,
  lambdaGBSeconds: 0,
  lambdaRequests: 0,
  sqsRequests: 0,
  snsRequests: 0,
  s3Puts: 0,
  s3Gets: 0,
  s3ByteMonths: 0,
  s3ArchiveByteMonths: 0,
  s3Transitions: 0,
  dynamoDbWrites: 0,
  dynamoDbReads: 0,
  dynamoDbByteMonths: 0,
  logBytes: 0,
  metricMonths: 0,
  alarmMetricMonths: 0,
  dashboardMonths: 0,
};

/** US dollars by part. */
export interface Cost {
  /** Ingestion, and conversion to Parquet. */
  readonly firehose: number;
  /** Maintenance of Iceberg tables, and requests to the catalog. */
  readonly glue: number;
  readonly lambda: number;
  /** SQS and SNS. */
  readonly queues: number;
  readonly s3Requests: number;
  readonly s3Storage: number;
  readonly dynamoDb: number;
  /** Logs, metrics, alarms and the dashboard. */
  readonly cloudWatch: number;
  readonly total: number;
}

/** The cost of a usage. Tiered prices assume that it is the usage of a whole month. */
export function costOf(usage: Usage, prices: Prices): Cost {
  const perGB = (bytes: number, price: Price) => (bytes / GB) * price.usd;
  const perMillion = (count: number, price: Price) => (count / MILLION) * price.usd;
  const parts = {
    firehose:
      tiered((usage.firehoseBytes + usage.firehosePlainBytes) / GB, prices.firehosePerGB) +
      perGB(usage.firehoseBytes, prices.firehoseConversionPerGB) +
      perGB(usage.icebergBytes, prices.firehoseIcebergPerGB),
    glue:
      usage.glueDpuHours * prices.gluePerDpuHour.usd + perMillion(usage.glueRequests, prices.gluePerMillionRequests),
    lambda:
      usage.lambdaGBSeconds * prices.lambdaPerGBSecond.usd +
      perMillion(usage.lambdaRequests, prices.lambdaPerMillionRequests),
    queues:
      perMillion(usage.sqsRequests, prices.sqsPerMillionRequests) +
      perMillion(usage.snsRequests, prices.snsPerMillionRequests),
    s3Requests: perMillion(usage.s3Puts, prices.s3PerMillionPuts) + perMillion(usage.s3Gets, prices.s3PerMillionGets),
    s3Storage:
      tiered(usage.s3ByteMonths / GB, prices.s3PerGBMonth) +
      perGB(usage.s3ArchiveByteMonths, prices.s3ArchivePerGBMonth) +
      perMillion(usage.s3Transitions, prices.s3PerMillionTransitions),
    dynamoDb:
      perMillion(usage.dynamoDbWrites, prices.dynamoDbPerMillionWrites) +
      perMillion(usage.dynamoDbReads, prices.dynamoDbPerMillionReads) +
      perGB(usage.dynamoDbByteMonths, prices.dynamoDbPerGBMonth),
    cloudWatch:
      perGB(usage.logBytes, prices.logsPerGB) +
      usage.metricMonths * prices.metricPerMonth.usd +
      usage.alarmMetricMonths * prices.alarmMetricPerMonth.usd +
      usage.dashboardMonths * prices.dashboardPerMonth.usd,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

/** The price of an amount, tier by tier. */
export function tiered(amount: number, { tiers }: TieredPrice): number {
  let below = 0;
  let usd = 0;
  for (const { upTo = Number.POSITIVE_INFINITY, usd: price } of tiers) {
    usd += Math.max(0, Math.min(amount, upTo) - below) * price;
    below = upTo;
  }
  return usd;
}

/** Several usages as one. */
export function sumOf(usages: readonly Usage[]): Usage {
  const keys = Object.keys(NO_USAGE) as (keyof Usage)[];
  const sum = (key: keyof Usage) => usages.reduce((total, usage) => total + usage[key], 0);
  return Object.fromEntries(keys.map((key) => [key, sum(key)])) as unknown as Usage;
}

/** A usage so many times. */
export function times(usage: Usage, factor: number): Usage {
  const keys = Object.keys(usage) as (keyof Usage)[];
  return Object.fromEntries(keys.map((key) => [key, usage[key] * factor])) as unknown as Usage;
}

/** Measured resource use of one way to load, relative to the loaded lines and bytes. */
export interface Ratios {
  /** Raw bytes of a line, its line end included. */
  readonly bytesPerLine: number;
  /** Lines of an object or payload: one invocation. */
  readonly linesPerObject: number;
  /** Bytes billed by Firehose ÷ raw bytes, including the rows of `loads`. */
  readonly billedBytesPerByte: number;
  readonly destination: 'parquet' | 'iceberg';
  /** Requests that write to S3, per raw TB. @default 0: Firehose's are in its price */
  readonly s3PutsPerTB?: number;
  /** CPU seconds per raw TB (10^12 bytes), for loading and duplicate check together. */
  readonly cpuSecondsPerTB: number;
  /** DynamoDB units per million lines, for ledger and duplicate check together. */
  readonly writeUnitsPerMillion: number;
  readonly readUnitsPerMillion: number;
  /** Invocations per object: 1, or 2 with the duplicate check. */
  readonly invocationsPerObject: number;
}

/**
 * Memory at which a Lambda function has one whole CPU, in MiB. An invocation cannot use a second CPU.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
export const ONE_CPU_MIB = 1769;

/** Requests per message of a queue: send, receive and delete. */
export const QUEUE_REQUESTS_PER_MESSAGE = 3;

/** Bytes of a raw terabyte. */
export const RAW_TB = 1e12;

/**
 * US dollars by part for a raw terabyte (10^12 bytes) of objects, at list prices of the first tier. Storage in S3 is
 * not included.
 */
export function dollarsPerTB(ratios: Ratios, prices: Prices): Cost {
  const lines = RAW_TB / ratios.bytesPerLine;
  const objects = lines / ratios.linesPerObject;
  const invocations = objects * ratios.invocationsPerObject;
  const billed = RAW_TB * ratios.billedBytesPerByte;
  return costOf(
    {
      ...NO_USAGE,
      ...(ratios.destination === 'parquet' ? { firehoseBytes: billed } : { icebergBytes: billed }),
      lambdaGBSeconds: ratios.cpuSecondsPerTB * (ONE_CPU_MIB / 1024),
      lambdaRequests: invocations,
      sqsRequests: invocations * QUEUE_REQUESTS_PER_MESSAGE,
      snsRequests: objects,
      s3Gets: invocations,
      s3Puts: ratios.s3PutsPerTB ?? 0,
      dynamoDbWrites: (lines / MILLION) * ratios.writeUnitsPerMillion,
      dynamoDbReads: (lines / MILLION) * ratios.readUnitsPerMillion,
    },
    prices,
  );
}
