/** What a source needs more on the direct lane if its rows are in Iceberg tables. Pure arithmetic with averages. */
import { TABLES_AT_A_TIME } from '../../lambdas/core/direct/commit-tables.ts';
import { QUIET_MS } from '../../lambdas/core/direct/due.ts';
import type { Frequency } from '../../lambdas/core/iceberg/optimizers.ts';
import type { Config } from '../../lib/config/config.ts';
import { ASSUMED } from './assumed.ts';
import { GB, NO_USAGE, type Usage } from './cost.ts';
import { type Batches, directFiles, PART_BYTES } from './direct-lane.ts';
import { frequencyOf, type TableDay, tableDays } from './fan-out.ts';
import type { SourceLoad } from './source-amounts.ts';

const DAY_SECONDS = 86_400;

/** The committer runs each minute (lib/iceberg-tables.ts), and has so much memory. */
const RUN_SECONDS = 60;
const RUNS_PER_DAY = DAY_SECONDS / RUN_SECONDS;
const COMMIT_MEMORY_MIB = 1024;

/** Bytes that Iceberg's writers aim at, and the share of them from which a file is left as it is. */
const COMPACTED_FILE_BYTES = 512 * 2 ** 20;
const LARGE_ENOUGH = 0.75;

/** Days that snapshots stay (core/iceberg/optimizers.ts). */
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

/** Bytes of a batch in DynamoDB, besides the number of each table that waits for files. */
const BATCH_BYTES = 600;
const TABLE_BYTES = 4;

/** What the committer asks of Glue each day for a table that no deployment has made: each kind of maintenance, and the table. */
const DAILY_REQUESTS = 3 + 1;

/** Bytes of a snapshot in the metadata of a table. */
const SNAPSHOT_BYTES = 520;

/** A day of the Iceberg tables of a source: one, or with `fanOut` one for each value. */
export interface IcebergAmounts {
  readonly tables: number;
  readonly commitsPerDay: number;
  readonly filesPerCommit: number;
  readonly glueRequestsPerDay: number;
  /** Requests for lists, manifests and metadata. */
  readonly s3PutsPerDay: number;
  readonly s3GetsPerDay: number;
  readonly dynamoDbWritesPerDay: number;
  readonly dynamoDbReadsPerDay: number;
  /** Of the function that commits, besides its runs that have nothing to do. */
  readonly committerSecondsPerDay: number;
  /** Glue's processing units times the hours for which they run: compaction, and removing snapshots and files. */
  readonly dpuHoursPerDay: number;
  /** Files of a day when they have been merged. */
  readonly mergedFilesPerDay: number;
  /** Bytes of a day that are written once more, merged. */
  readonly mergedBytesPerDay: number;
  /** Bytes that are stored besides the files that readers read: those of before they were merged, until snapshots go. */
  readonly replacedBytes: number;
  /** Bytes of the largest metadata that a commit rewrites, with the snapshots of two days. Glue refuses 20 MB. */
  readonly metadataBytes: number;
}

export type IcebergParams = Pick<Config, 'commitIntervalSeconds'>;

export function icebergAmounts(load: SourceLoad, cut: Batches, config: IcebergParams): IcebergAmounts {
  const files = directFiles(load, cut);
  const interval = Math.max(config.commitIntervalSeconds, RUN_SECONDS);
  const { tables = 1, linesPerDay } = load;
  const divided = { tables, batchesPerDay: cut.perDay, linesPerBatch: linesPerDay / cut.perDay };
  const rowBytes = linesPerDay * load.bytesPerLine * load.rates.direct.fileBytesPerByte;
  const frequency = frequencyOf(divided);
  const days = tableDays(divided, rowBytes, files.perDay / cut.perDay, interval).map((day) => ({
    ...day,
    ...maintenanceOf(day, frequency),
  }));
  const sum = (of: (day: (typeof days)[number]) => number) => days.reduce((all, day) => all + of(day), 0);
  const commits = sum((day) => day.commits);
  const merged = sum(({ mergedBytes }) => mergedBytes);
  return {
    tables,
    commitsPerDay: commits,
    filesPerCommit: files.perDay / commits,
    s3PutsPerDay: commits * OF_A_COMMIT.puts,
    ...(tables === 1 ? notDivided(cut, commits, interval) : thousands(cut, commits, interval, files.perDay, tables)),
    dpuHoursPerDay: sum(({ dpuHours }) => dpuHours),
    mergedFilesPerDay: sum(({ mergedFiles }) => mergedFiles),
    mergedBytesPerDay: merged,
    replacedBytes: merged * (SNAPSHOT_DAYS + frequency.hours / 24 - 1),
    metadataBytes: Math.max(...days.map((day) => (day.commits + day.merges) * SNAPSHOT_DAYS * SNAPSHOT_BYTES)),
  };
}

/** What depends on how long batches wait, and on how many tables of each. */
type Waits = Pick<
  IcebergAmounts,
  'glueRequestsPerDay' | 's3GetsPerDay' | 'dynamoDbWritesPerDay' | 'dynamoDbReadsPerDay' | 'committerSecondsPerDay'
>;

function notDivided(cut: Batches, commits: number, interval: number): Waits {
  const { writesPerBatch, writesPerCommit, readsPerBatch, readsPerCommit } = ICEBERG_UNITS;
  // A list is read in each run that its batch waits.
  const runs = interval / 2 / RUN_SECONDS;
  return {
    glueRequestsPerDay: commits * OF_A_COMMIT.glue + cut.perDay * OF_A_BATCH.glue,
    s3GetsPerDay: commits * OF_A_COMMIT.gets + cut.perDay * (OF_A_BATCH.gets + runs),
    dynamoDbWritesPerDay: cut.perDay * writesPerBatch + commits * writesPerCommit,
    dynamoDbReadsPerDay: cut.perDay * readsPerBatch + commits * readsPerCommit,
    committerSecondsPerDay: commits * ASSUMED.commitSeconds,
  };
}

/** A batch waits until the last of its tables has had its turn; each run reads its list twice, and commits some tables. */
function thousands(cut: Batches, commits: number, interval: number, files: number, tables: number): Waits {
  const runs = (QUIET_MS / 1000 + interval) / RUN_SECONDS;
  const filesOfBatch = files / cut.perDay;
  const item = BATCH_BYTES + filesOfBatch * TABLE_BYTES;
  const waiting = (BATCH_BYTES + item) / 2;
  const lists = cut.perDay * (OF_A_BATCH.gets + 2 * runs);
  // Each function that writes asks for each table once an hour.
  const writers = Math.max(1, (cut.perDay * cut.seconds) / DAY_SECONDS);
  const asked = Math.min(files, tables * 24 * writers);
  const { writesPerCommit, readsPerCommit } = ICEBERG_UNITS;
  return {
    glueRequestsPerDay: commits * OF_A_COMMIT.glue + asked + tables * DAILY_REQUESTS,
    s3GetsPerDay: commits * OF_A_COMMIT.gets + lists,
    dynamoDbWritesPerDay:
      cut.perDay * 2 * (writeUnits(item) + runs * writeUnits(waiting)) + commits * writesPerCommit + tables * 2,
    // The batch, by the run, and among others, by the run and by the planner.
    dynamoDbReadsPerDay: cut.perDay * runs * (Math.ceil(waiting / 4096) + waiting / 4096) + commits * readsPerCommit,
    committerSecondsPerDay:
      (commits * ASSUMED.commitSeconds) / TABLES_AT_A_TIME +
      (lists * filesOfBatch * ASSUMED.listedFileBytes) / ASSUMED.listBytesPerSecond,
  };
}

function writeUnits(bytes: number): number {
  return Math.ceil(bytes / 1024);
}

/** What Glue does for a table in a day. */
function maintenanceOf({ files, bytes }: TableDay, { minInputFiles, hours }: Frequency) {
  const isMerged = files >= minInputFiles && bytes / files < COMPACTED_FILE_BYTES * LARGE_ENOUGH;
  const mergedBytes = isMerged ? bytes : 0;
  const merges = isMerged ? Math.min(ASSUMED.compactionRunsPerDay, files / minInputFiles) : 0;
  const runs = merges + (ASSUMED.clearingRunsPerDay * 24) / hours;
  return {
    ...{ merges, mergedBytes },
    mergedFiles: isMerged ? Math.max(1, bytes / COMPACTED_FILE_BYTES) : files,
    dpuHours: mergedBytes / GB / ASSUMED.compactedGBPerDpuHour + runs * ASSUMED.leastDpuHours,
  };
}

/** A day of committing, besides what the direct lane needs. */
export function icebergUsage(amounts: IcebergAmounts): Usage {
  const parts = amounts.mergedBytesPerDay / PART_BYTES;
  return {
    ...NO_USAGE,
    glueDpuHours: amounts.dpuHoursPerDay,
    glueRequests: amounts.glueRequestsPerDay,
    lambdaGBSeconds: (amounts.committerSecondsPerDay * COMMIT_MEMORY_MIB) / 1024,
    s3Puts: amounts.s3PutsPerDay + parts,
    s3Gets: amounts.s3GetsPerDay + parts,
    dynamoDbWrites: amounts.dynamoDbWritesPerDay,
    dynamoDbReads: amounts.dynamoDbReadsPerDay,
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
