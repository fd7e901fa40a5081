/** What loading costs: amounts that are billed, and their prices. Pure arithmetic. */
import type { Price, Prices, TieredPrice } from './prices.ts';

/** Bytes of a GB and a TB, as AWS bills them. */
export const GB = 2 ** 30;
export const TB = 2 ** 40;

const MILLION = 1e6;

/** Amounts that are billed, of a month or any other stretch of time. */
export interface Usage {
  /** Firehose to S3: bytes after each record is rounded up. Conversion to Parquet is billed by the same bytes. */
  readonly firehoseBytes: number;
  /** Firehose to Iceberg: bytes, not rounded. */
  readonly icebergBytes: number;
  readonly lambdaGBSeconds: number;
  readonly lambdaRequests: number;
  readonly sqsRequests: number;
  readonly snsRequests: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  /** Bytes kept, times the months they are. */
  readonly s3ByteMonths: number;
  readonly dynamoDbWrites: number;
  readonly dynamoDbReads: number;
  readonly dynamoDbByteMonths: number;
  readonly logBytes: number;
  readonly metricMonths: number;
  readonly dashboardMonths: number;
}

/** Nothing used. */
export const NO_USAGE: Usage = {
  firehoseBytes: 0,
  icebergBytes: 0,
  lambdaGBSeconds: 0,
  lambdaRequests: 0,
  sqsRequests: 0,
  snsRequests: 0,
  s3Puts: 0,
  s3Gets: 0,
  s3ByteMonths: 0,
  dynamoDbWrites: 0,
  dynamoDbReads: 0,
  dynamoDbByteMonths: 0,
  logBytes: 0,
  metricMonths: 0,
  dashboardMonths: 0,
};

/** US dollars by part. */
export interface Cost {
  /** Ingestion, and conversion where there is one. */
  readonly firehose: number;
  readonly lambda: number;
  /** SQS and SNS. */
  readonly queues: number;
  readonly s3Requests: number;
  readonly s3Storage: number;
  readonly dynamoDb: number;
  /** Logs, metrics and dashboards. */
  readonly cloudWatch: number;
  readonly total: number;
}

/** Prices a usage. Prices in steps take it for the whole of a month. */
export function costOf(usage: Usage, prices: Prices): Cost {
  const perGB = (bytes: number, price: Price) => (bytes / GB) * price.usd;
  const perMillion = (count: number, price: Price) => (count / MILLION) * price.usd;
  const parts = {
    firehose:
      tiered(usage.firehoseBytes / GB, prices.firehosePerGB) +
      perGB(usage.firehoseBytes, prices.firehoseConversionPerGB) +
      perGB(usage.icebergBytes, prices.firehoseIcebergPerGB),
    lambda:
      usage.lambdaGBSeconds * prices.lambdaPerGBSecond.usd +
      perMillion(usage.lambdaRequests, prices.lambdaPerMillionRequests),
    queues:
      perMillion(usage.sqsRequests, prices.sqsPerMillionRequests) +
      perMillion(usage.snsRequests, prices.snsPerMillionRequests),
    s3Requests: perMillion(usage.s3Puts, prices.s3PerMillionPuts) + perMillion(usage.s3Gets, prices.s3PerMillionGets),
    s3Storage: tiered(usage.s3ByteMonths / GB, prices.s3PerGBMonth),
    dynamoDb:
      perMillion(usage.dynamoDbWrites, prices.dynamoDbPerMillionWrites) +
      perMillion(usage.dynamoDbReads, prices.dynamoDbPerMillionReads) +
      perGB(usage.dynamoDbByteMonths, prices.dynamoDbPerGBMonth),
    cloudWatch:
      perGB(usage.logBytes, prices.logsPerGB) +
      usage.metricMonths * prices.metricPerMonth.usd +
      usage.dashboardMonths * prices.dashboardPerMonth.usd,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

/** The amount's price, step by step. */
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

/** What loading one way was measured to take, in ratios to what was loaded. */
export interface Ratios {
  /** Raw bytes of a line, its line end included. */
  readonly bytesPerLine: number;
  /** Lines of an object or payload: one invocation. */
  readonly linesPerObject: number;
  /** Firehose's bytes, as it bills them, ÷ raw bytes; rows of `loads` included. */
  readonly billedBytesPerByte: number;
  readonly destination: 'parquet' | 'iceberg';
  /** CPU seconds a raw TB (10^12 bytes), loading and duplicate check together. */
  readonly cpuSecondsPerTB: number;
  /** DynamoDB units a million lines, ledger and duplicate check together. */
  readonly writeUnitsPerMillion: number;
  readonly readUnitsPerMillion: number;
  /** Invocations an object: 1, or 2 with the duplicate check. */
  readonly invocationsPerObject: number;
}

/**
 * Memory at which a Lambda has one whole CPU, in MiB. The work of one invocation uses no second one.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
export const ONE_CPU_MIB = 1769;

/** Requests to a queue for each message: it is sent, received and deleted. */
export const QUEUE_REQUESTS_PER_MESSAGE = 3;

/** Bytes of a raw terabyte. */
export const RAW_TB = 1e12;

/**
 * US dollars by part for a raw terabyte (10^12 bytes) of objects, by list prices of the first step;
 * what is kept in S3 is not among them.
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
      dynamoDbWrites: (lines / MILLION) * ratios.writeUnitsPerMillion,
      dynamoDbReads: (lines / MILLION) * ratios.readUnitsPerMillion,
    },
    prices,
  );
}
