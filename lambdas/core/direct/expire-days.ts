/**
 * Removes the rows of old days from Iceberg tables, by whole files. Nothing is planned, as it is for files that are added:
 * removing the same files twice removes them once. A request that comes late is refused, as it names the snapshot that it
 * follows.
 */
import { buildDelete } from '../iceberg/delete-days.ts';
import { ChangeDeniedError } from '../iceberg/ports.ts';
import { type CommitPorts, TRIES } from './commit.ts';

/**
 * Removes the files of days before one, in as many snapshots as that takes.
 *
 * @param before the first day that stays, yyyy-MM-dd
 * @returns false if no time was left for some of them
 */
export async function expireDays(table: string, before: string, ports: CommitPorts): Promise<boolean> {
  for (let failed = 0; !ports.outOfTime(); ) {
    const loaded = await ports.catalog.load(table);
    // Who takes a table away takes its rows.
    if (!loaded) return true;
    const change = await buildDelete(loaded, before, { ...ports.making, now: ports.now().getTime() });
    if (!change) return true;
    try {
      await ports.catalog.commit(table, change);
      failed = 0;
    } catch (error) {
      // Each try leaves files that nobody needs.
      if (error instanceof ChangeDeniedError) throw error;
      // Refused or not, the table says what became of it.
      if (++failed === TRIES) throw error;
      await ports.wait(failed);
    }
  }
  return false;
}
