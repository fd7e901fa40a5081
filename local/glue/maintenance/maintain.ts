import { enabledSettings } from '../optimizers.ts';
import type { TableStore } from '../table-store.ts';
import { compact } from './compact.ts';
import { expireSnapshots } from './expire.ts';
import { MaintainedTable } from './maintained-table.ts';
import { removeOrphans } from './orphans.ts';

/**
 * Does once what Glue does from time to time with a table: each kind of maintenance that is set for it. Nobody calls this
 * when a lake is run: its data is small and its tables are young.
 *
 * @param now milliseconds since the epoch
 */
export async function maintain(tables: TableStore, database: string, name: string, now = Date.now()): Promise<void> {
  const table = new MaintainedTable(tables, database, name, now);
  const compaction = await enabledSettings(tables, database, name, 'compaction');
  if (compaction) await compact(table, compaction.compactionConfiguration.icebergConfiguration.minInputFiles);
  const retention = await enabledSettings(tables, database, name, 'retention');
  if (retention) {
    const { snapshotRetentionPeriodInDays, numberOfSnapshotsToRetain, cleanExpiredFiles } =
      retention.retentionConfiguration.icebergConfiguration;
    await expireSnapshots(table, {
      ...{ days: snapshotRetentionPeriodInDays, count: numberOfSnapshotsToRetain, cleanFiles: cleanExpiredFiles },
    });
  }
  const orphans = await enabledSettings(tables, database, name, 'orphan_file_deletion');
  if (orphans) {
    const { orphanFileRetentionPeriodInDays } = orphans.orphanFileDeletionConfiguration.icebergConfiguration;
    await removeOrphans(table, orphanFileRetentionPeriodInDays);
  }
}
