/** What a source needs more on the direct lane if its rows are in an Iceberg table. Pure arithmetic with averages. */
import type { Config } from '../../lib/config/config.ts';
import { ASSUMED } from './assumed.ts';
import { GB, NO_USAGE, type Usage } from './cost.ts';
import { type Batches, directFiles, PART_BYTES } from './direct-lane.ts';
import type { SourceLoad } from './source-amounts.ts';

const DAY_SECONDS = 86_400;

/** The committer runs each minute (lib/iceberg-tables.ts), and has so much memory. */
const RUN_SECONDS = 60;
const RUNS_PER_DAY = DAY_SECONDS / RUN_SECONDS;
const COMMIT_MEMORY_MIB = 1024;

/** Bytes that Iceberg's writers aim at, and the share of them from which a file is left as it is. */
const COMPACTED_FILE_BYTES = 512 * 2 ** 20;
const LARGE_ENOUGH = 0.75;

/** Files of a day from which Glue merges them, and days that snapshots stay (core/iceberg/optimizers.ts). */
const LEAST_FILES = 20;
const SNAPSHOT_DAYS = 2;

/**
 * Requests of one commit. To Glue: load and commit. To S3: the list of the commit, a manifest, the list of manifests and
 * Glue's own metadata are written; Glue reads the metadata for both requests, and the list and, for being merged, each
 * manifest is read once (core/iceberg/append.ts).
 */
const OF_A_COMMIT = { glue: 2, puts: 4, gets: 2 + 2 } as const;

/** A batch: the writer may ask for its table, and its list is read to commit it and to publish it. */
const OF_A_BATCH = { glue: 1, gets: 2 } as const;

/**
 * DynamoDB units, each write with that of the index. A batch is stored, and its tables are noted as committed; a commit is
 * planned and ended. Read are the batch before its commit and its publishing, the record, and two queries in each run.
 */
export const ICEBERG_UNITS = { writesPerBatch: 4, writesPerCommit: 4, readsPerBatch: 2, readsPerCommit: 1 } as const;
const RUN_READS = 2 / 2;

/** Bytes of a snapshot in the metadata of a table. */
const SNAPSHOT_BYTES = 520;

/** A day of a table. */
export interface IcebergAmounts {
  readonly commitsPerDay: number;
  readonly filesPerCommit: number;
  readonly glueRequestsPerDay: number;
  /** Requests for lists, manifests and metadata. */
  readonly s3PutsPerDay: number;
  readonly s3GetsPerDay: number;
  /** Glue's processing units times the hours for which they run: compaction, and removing snapshots and files. */
  readonly dpuHoursPerDay: number;
  /** Files of a day when they have been merged. */
  readonly mergedFilesPerDay: number;
  /** Bytes of a day that are written once more, merged. */
  readonly mergedBytesPerDay: number;
  /** Bytes of the metadata that a commit rewrites, with the snapshots of two days. Glue refuses 20 MB. */
  readonly metadataBytes: number;
}

export type IcebergParams = Pick<Config, 'commitIntervalSeconds'>;

export function icebergAmounts(load: SourceLoad, cut: Batches, config: IcebergParams): IcebergAmounts {
  const files = directFiles(load, cut);
  const interval = Math.max(config.commitIntervalSeconds, RUN_SECONDS);
  const commits = Math.min(cut.perDay, DAY_SECONDS / interval);
  // A list is read in each run that its batch waits.
  const runs = interval / 2 / RUN_SECONDS;
  const bytes = files.perDay * files.bytes;
  const isMerged = files.perDay >= LEAST_FILES && files.bytes < COMPACTED_FILE_BYTES * LARGE_ENOUGH;
  const mergedBytes = isMerged ? bytes : 0;
  const merges = isMerged ? Math.min(ASSUMED.compactionRunsPerDay, files.perDay / LEAST_FILES) : 0;
  const runsOfGlue = merges + ASSUMED.clearingRunsPerDay;
  return {
    commitsPerDay: commits,
    filesPerCommit: files.perDay / commits,
    glueRequestsPerDay: commits * OF_A_COMMIT.glue + cut.perDay * OF_A_BATCH.glue,
    s3PutsPerDay: commits * OF_A_COMMIT.puts,
    s3GetsPerDay: commits * OF_A_COMMIT.gets + cut.perDay * (OF_A_BATCH.gets + runs),
    dpuHoursPerDay: mergedBytes / GB / ASSUMED.compactedGBPerDpuHour + runsOfGlue * ASSUMED.leastDpuHours,
    mergedFilesPerDay: isMerged ? Math.max(1, bytes / COMPACTED_FILE_BYTES) : files.perDay,
    mergedBytesPerDay: mergedBytes,
    metadataBytes: (commits + merges) * SNAPSHOT_DAYS * SNAPSHOT_BYTES,
  };
}

/** Bytes that are stored besides the files that readers read: those of before they were merged, until snapshots go. */
export function replacedBytes({ mergedBytesPerDay }: IcebergAmounts): number {
  return mergedBytesPerDay * SNAPSHOT_DAYS;
}

/** A day of committing, besides what the direct lane needs. */
export function icebergUsage(amounts: IcebergAmounts, cut: Batches): Usage {
  const { commitsPerDay, mergedBytesPerDay, dpuHoursPerDay, glueRequestsPerDay } = amounts;
  const { writesPerBatch, writesPerCommit, readsPerBatch, readsPerCommit } = ICEBERG_UNITS;
  const parts = mergedBytesPerDay / PART_BYTES;
  return {
    ...NO_USAGE,
    glueDpuHours: dpuHoursPerDay,
    glueRequests: glueRequestsPerDay,
    lambdaGBSeconds: (commitsPerDay * ASSUMED.commitSeconds * COMMIT_MEMORY_MIB) / 1024,
    s3Puts: amounts.s3PutsPerDay + parts,
    s3Gets: amounts.s3GetsPerDay + parts,
    dynamoDbWrites: cut.perDay * writesPerBatch + commitsPerDay * writesPerCommit,
    dynamoDbReads: cut.perDay * readsPerBatch + commitsPerDay * readsPerCommit,
  };
}

/** A day of the committer with nothing to do: it is there with the direct lane, whatever the tables are. */
export const COMMITTER_BASE_USAGE: Usage = {
  ...NO_USAGE,
  lambdaGBSeconds: (RUNS_PER_DAY * ASSUMED.commitRunSeconds * COMMIT_MEMORY_MIB) / 1024,
  lambdaRequests: RUNS_PER_DAY,
  logBytes: RUNS_PER_DAY * ASSUMED.logBytesPerInvocation,
  dynamoDbReads: RUNS_PER_DAY * RUN_READS,
};
