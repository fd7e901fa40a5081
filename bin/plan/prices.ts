/**
 * List prices in US dollars, read from prices.json or a file of the same form. GB is 2^30 bytes, as AWS bills it;
 * free tiers are left out.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { list, object } from '../../lib/config/values.ts';
import { readChecked } from './checked.ts';

const notNegative = z.number('a number from 0').min(0, 'a number from 0');

const PROOF = {
  source: z.string('the source of the price'),
  /** high: on a page of AWS on that day; middle: quoted by others; low: from memory of AWS's price page. */
  confidence: z.enum(['high', 'middle', 'low'], 'high, middle, low'),
};

const PRICE = object({ usd: notNegative, ...PROOF });

/** A price that depends on the amount in a month. Each tier but the last has its upper limit, `upTo`. */
const TIERED = object({
  tiers: list(object({ upTo: notNegative.optional(), usd: notNegative }), 'a list of tiers').refine(
    areTiers,
    'tiers with a growing upTo, which only the last one lacks',
  ),
  ...PROOF,
});

function areTiers(tiers: readonly { readonly upTo?: number }[]): boolean {
  const ends = tiers.map(({ upTo = Number.POSITIVE_INFINITY }) => upTo);
  return ends.at(-1) === Number.POSITIVE_INFINITY && ends.every((end, index) => end > (ends[index - 1] ?? 0));
}

const PRICES = object({
  /** Region in which the prices apply. */
  region: z.string('the name of a Region'),
  /** Day on which the prices were looked up, YYYY-MM-DD. */
  date: z.iso.date('a day as YYYY-MM-DD'),
  /** Of bytes with each record rounded up to 5 KiB. */
  firehosePerGB: TIERED,
  firehoseConversionPerGB: PRICE,
  /** Replaces the two prices above; records are not rounded. */
  firehoseIcebergPerGB: PRICE,
  /** Maintenance of Iceberg tables, and requests to the catalog. */
  gluePerDpuHour: PRICE,
  gluePerMillionRequests: PRICE,
  /** Price for arm64. */
  lambdaPerGBSecond: PRICE,
  lambdaPerMillionRequests: PRICE,
  sqsPerMillionRequests: PRICE,
  snsPerMillionRequests: PRICE,
  s3PerMillionPuts: PRICE,
  s3PerMillionGets: PRICE,
  s3PerGBMonth: TIERED,
  /** Glacier Instant Retrieval: storing, and moving a file there. */
  s3ArchivePerGBMonth: PRICE,
  s3PerMillionTransitions: PRICE,
  dynamoDbPerMillionWrites: PRICE,
  dynamoDbPerMillionReads: PRICE,
  dynamoDbPerGBMonth: PRICE,
  logsPerGB: PRICE,
  metricPerMonth: PRICE,
  /** Standard resolution, for each metric of an alarm. */
  alarmMetricPerMonth: PRICE,
  dashboardPerMonth: PRICE,
  /** TB is 2^40 bytes. */
  athenaPerTB: PRICE,
});

/** A price with its source. */
export type Price = Readonly<z.output<typeof PRICE>>;

/** A price in tiers. */
export type TieredPrice = Readonly<z.output<typeof TIERED>>;

/** All prices of one Region and day. */
export type Prices = Readonly<z.output<typeof PRICES>>;

const PRICES_FILE = new URL('./prices.json', import.meta.url);

/** Reads a price file. @throws CommandError with the key that is not valid */
export function pricesOf(json: string, what: string): Prices {
  return readChecked(PRICES, json, what);
}

/** The prices in this repository. */
export function listPrices(): Prices {
  return pricesOf(readFileSync(PRICES_FILE, 'utf8'), 'bin/plan/prices.json');
}
