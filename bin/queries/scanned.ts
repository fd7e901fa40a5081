/** What a query on AWS has read, and what that costs. */
import type { Answer } from '../operations/aws-athena.ts';
import { bytesText } from '../output/render.ts';
import { TB } from '../plan/cost.ts';
import { listPrices } from '../plan/prices.ts';

const MB = 2 ** 20;

/** Athena bills whole megabytes, and at least ten of them. https://aws.amazon.com/athena/pricing/ */
const LEAST_MB = 10;

/** `scanned 1.5 GiB in 3.2 s, about 0.73 cents`. A query that reads nothing, such as SHOW TABLES, is free. */
export function scannedText({ bytes, millis }: NonNullable<Answer['scanned']>): string {
  const billed = bytes === 0 ? 0 : Math.max(LEAST_MB, Math.ceil(bytes / MB)) * MB;
  const cents = (100 * billed * listPrices().athenaPerTB.usd) / TB;
  return `scanned ${bytesText(bytes)} in ${(millis / 1000).toFixed(1)} s, about ${centsText(cents)} cents`;
}

/** Two digits that count: 0.0048, 0.73, 12. */
function centsText(cents: number): string {
  return cents === 0 || cents >= 10 ? cents.toFixed(0) : cents.toFixed(1 - Math.floor(Math.log10(cents)));
}
