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

/** Small files are merged from so many in a partition on: a day of commits has more, and one batch has fewer. */
const MIN_INPUT_FILES = 20;

/** All maintenance of every Iceberg table of the lake. */
export const OPTIMIZERS: readonly Optimizer[] = [
  {
    kind: 'compaction',
    configuration: {
      compactionConfiguration: { icebergConfiguration: { strategy: 'binpack', minInputFiles: MIN_INPUT_FILES } },
    },
  },
  {
    kind: 'retention',
    configuration: {
      retentionConfiguration: {
        icebergConfiguration: {
          snapshotRetentionPeriodInDays: SNAPSHOT_DAYS,
          numberOfSnapshotsToRetain: 1,
          cleanExpiredFiles: true,
        },
      },
    },
  },
  {
    kind: 'orphan_file_deletion',
    configuration: {
      orphanFileDeletionConfiguration: {
        icebergConfiguration: { orphanFileRetentionPeriodInDays: ORPHAN_DAYS },
      },
    },
  },
];
