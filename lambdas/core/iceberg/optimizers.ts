/** How Glue maintains an Iceberg table. The stack asks for it in core terms, so that a change of these values is deployed. */

/** The kinds of maintenance. https://docs.aws.amazon.com/glue/latest/dg/table-optimizers.html */
export type OptimizerKind = 'compaction' | 'retention' | 'orphan_file_deletion';

/** What one kind is set to, in the form of Glue's `TableOptimizerConfiguration` without the role. */
export interface Optimizer {
  readonly kind: OptimizerKind;
  readonly configuration: Readonly<
    Record<string, { readonly icebergConfiguration: Readonly<Record<string, unknown>> }>
  >;
}

/** Readers may look back so far, and a query may run so long, before its files are deleted. */
const SNAPSHOT_DAYS = 2;

/**
 * A file that no snapshot names is either left over or not committed yet. An upload may be completed until 14 days after it
 * was begun, S3 dates the file by its beginning, and then the commit itself may wait as long as somebody needs to mend it:
 * files are renewed each week then (core/direct/renew-files.ts).
 * Glue's default, 3 days, would delete rows that a stopped committer has yet to commit.
 */
const ORPHAN_DAYS = 30;

/** How often a table is maintained: Glue bills each time, however little there is to do. */
export interface Frequency {
  /** Small files are merged from so many in a partition on. */
  readonly minInputFiles: number;
  /** From one look for old snapshots, and one for files that no snapshot names, to the next. Glue takes 3 to 168 hours. */
  readonly hours: number;
}

/** A day of commits has more files than this, and one batch has fewer. */
export const OFTEN: Frequency = { minInputFiles: 20, hours: 24 };

/** For a table that shares a source with thousands of others, each with few rows: what each costs is paid as often. */
export const SELDOM: Frequency = { minInputFiles: 100, hours: 168 };

/** All maintenance of an Iceberg table of the lake. */
export function optimizers({ minInputFiles, hours }: Frequency): readonly Optimizer[] {
  return [
    {
      kind: 'compaction',
      configuration: { compactionConfiguration: { icebergConfiguration: { strategy: 'binpack', minInputFiles } } },
    },
    {
      kind: 'retention',
      configuration: {
        retentionConfiguration: {
          icebergConfiguration: {
            snapshotRetentionPeriodInDays: SNAPSHOT_DAYS,
            numberOfSnapshotsToRetain: 1,
            cleanExpiredFiles: true,
            runRateInHours: hours,
          },
        },
      },
    },
    {
      kind: 'orphan_file_deletion',
      configuration: {
        orphanFileDeletionConfiguration: {
          icebergConfiguration: { orphanFileRetentionPeriodInDays: ORPHAN_DAYS, runRateInHours: hours },
        },
      },
    },
  ];
}

export const OPTIMIZERS = optimizers(OFTEN);
/** Of a table whose rows are a part of those of its source. */
export const OPTIMIZERS_OF_PARTS = optimizers(SELDOM);
