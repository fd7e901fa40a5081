/** Firehose's quotas for a Direct PUT stream, by Region. https://docs.aws.amazon.com/firehose/latest/dev/limits.html */

export interface RegionQuota {
  /** Regions with these quotas; empty for all other Regions. */
  readonly regions: readonly string[];
  readonly mibPerSecond: number;
  readonly recordsPerSecond: number;
  readonly requestsPerSecond: number;
}

export const QUOTAS: readonly RegionQuota[] = [
  {
    regions: ['us-east-1', 'us-west-2', 'eu-west-1'],
    mibPerSecond: 5,
    recordsPerSecond: 500_000,
    requestsPerSecond: 2000,
  },
  { regions: [], mibPerSecond: 1, recordsPerSecond: 100_000, requestsPerSecond: 1000 },
];

/** Throughput of all streams that write to a table. */
export interface Throughput {
  readonly mibPerSecond: number;
  readonly recordsPerSecond: number;
  readonly requestsPerSecond: number;
}

const MEASURES = ['mibPerSecond', 'recordsPerSecond', 'requestsPerSecond'] as const;

/** Units as they are shown; a request is called a put. */
export const UNITS = { mibPerSecond: 'MiB/s', recordsPerSecond: 'records/s', requestsPerSecond: 'puts/s' } as const;

/** The quota that is exhausted first. */
export function tightest(throughput: Throughput, quota: RegionQuota): keyof Throughput {
  return MEASURES.reduce((one, other) =>
    throughput[other] / quota[other] > throughput[one] / quota[one] ? other : one,
  );
}

/** Number of streams whose quotas together allow the throughput. */
export function streamsNeeded(throughput: Throughput, quota: RegionQuota): number {
  const what = tightest(throughput, quota);
  return Math.max(1, Math.ceil(throughput[what] / quota[what]));
}
