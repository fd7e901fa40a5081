/** Firehose's quotas of a Direct PUT stream, by Region. https://docs.aws.amazon.com/firehose/latest/dev/limits.html */

export interface RegionQuota {
  /** The Regions; empty: all others. */
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

/** What a table's streams are asked to take in a second. */
export interface Throughput {
  readonly mibPerSecond: number;
  readonly recordsPerSecond: number;
  readonly requestsPerSecond: number;
}

/** Streams that take so much within their quotas. */
export function streamsNeeded(throughput: Throughput, quota: RegionQuota): number {
  const streams = (['mibPerSecond', 'recordsPerSecond', 'requestsPerSecond'] as const).map(
    (what) => throughput[what] / quota[what],
  );
  return Math.max(1, Math.ceil(Math.max(...streams)));
}
