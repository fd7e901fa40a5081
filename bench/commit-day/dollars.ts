/** What a simulated day costs by list prices, without Glue's maintenance, which `lake plan` reckons. */
import { listPrices } from '../../bin/plan/prices.ts';
import type { Day } from './simulate.ts';

/** Requests that write a file: its beginning, its one part and its completion. */
const WRITES_OF_A_FILE = 3;
/** Of the committer (lib/iceberg-tables.ts). */
const MEMORY_GB = 1;

export function dollarsOf({ requests, amounts, files, runs, runSeconds }: Day): Readonly<Record<string, number>> {
  const prices = listPrices();
  const sum = (start: string) => {
    return [...requests].reduce((all, [what, count]) => all + (what.startsWith(start) ? count : 0), 0);
  };
  const millions = (count: number, { usd }: { readonly usd: number }) => (count / 1e6) * usd;
  const parts = {
    'files, S3 writes': millions(files * WRITES_OF_A_FILE, prices.s3PerMillionPuts),
    'commits, S3 writes': millions(sum('S3 PUT'), prices.s3PerMillionPuts),
    'commits, S3 reads': millions(sum('S3 GET'), prices.s3PerMillionGets),
    'requests to Glue': millions(sum('Glue'), prices.gluePerMillionRequests),
    DynamoDB:
      millions(amounts.get('DynamoDB write units') ?? 0, prices.dynamoDbPerMillionWrites) +
      millions(amounts.get('DynamoDB read units') ?? 0, prices.dynamoDbPerMillionReads),
    'Lambda, the committer':
      runSeconds * MEMORY_GB * prices.lambdaPerGBSecond.usd + millions(runs, prices.lambdaPerMillionRequests),
  };
  return { ...parts, all: Object.values(parts).reduce((all, usd) => all + usd) };
}
