/** A table of a local catalog that grows while it is maintained. */
import { expect, onTestFinished } from 'vitest';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import type { Making } from '../../lambdas/core/iceberg/snapshots.ts';
import { type Athena, openAthena } from '../../local/athena/athena.ts';
import { filesOf } from '../../local/glue/maintenance/files-of.ts';
import { MaintainedTable } from '../../local/glue/maintenance/maintained-table.ts';
import { logOf } from '../../local/glue/table-store.ts';
import { append, dataFile, ensure, loaded, tableOf } from './iceberg-rows.ts';
import { DATABASE, LAKE, type LocalCatalog } from './local-catalog.ts';

export const WEB = tableOf('web', {
  ...{ time: 'timestamp', status: 'int', path: 'string', seconds: 'double', ok: 'boolean' },
});

export class Maintained {
  readonly #local: LocalCatalog;
  readonly #athena: Athena;
  #rows = 0;

  private constructor(local: LocalCatalog, athena: Athena) {
    this.#local = local;
    this.#athena = athena;
  }

  /** Makes the table, without a row. */
  static async open(local: LocalCatalog): Promise<Maintained> {
    await ensure(local, WEB);
    // The database of the lake is that of some table.
    const hive = {
      Name: 'hive',
      StorageDescriptor: { Columns: [{ Name: 'a', Type: 'string' }], Location: `s3://${LAKE}/data/hive/` },
    };
    const properties = { DatabaseName: DATABASE.replace('_iceberg', ''), TableInput: hive };
    const tables = [{ logicalId: 'Hive', type: 'AWS::Glue::Table', localName: 'hive', properties }];
    const athena = await openAthena({ dir: local.dir, tables });
    onTestFinished(() => athena.close());
    return new Maintained(local, athena);
  }

  /** The table as an engine sees it that maintains it. @param now milliseconds since the epoch */
  table(now = Date.now()): MaintainedTable {
    return new MaintainedTable(this.#local.glue.tables, DATABASE, 'web', now);
  }

  /** Adds a file of a day with so many rows, each another one. */
  async append(day: string, count: number, making: Partial<Making> = {}): Promise<void> {
    await this.appendRows(day, this.newRows(count), making);
  }

  newRows(count: number): { position: number }[] {
    return Array.from({ length: count }, () => ({ position: ++this.#rows }));
  }

  async appendRows(day: string, rows: readonly object[], making: Partial<Making> = {}): Promise<void> {
    await append(this.#local, 'web', [await dataFile(this.#local, WEB, day, rows)], making);
  }

  /** All rows of the table, in order. */
  async rows(): Promise<readonly (readonly unknown[])[]> {
    return (await this.#athena.query('SELECT * FROM web ORDER BY ALL')).rows;
  }

  /** The positions of all rows, in order. */
  async positions(): Promise<unknown[]> {
    return (await this.#athena.query('SELECT position FROM web ORDER BY 1')).rows.flat();
  }

  async files(): Promise<DataFile[]> {
    return Array.fromAsync(liveFiles(await loaded(this.#local, 'web'), this.#local.files));
  }

  async filesByDay(): Promise<Record<string, number>> {
    const days = Map.groupBy(await this.files(), ({ partition }) => partition);
    return Object.fromEntries([...days].map(([day, files]) => [day, files.length]));
  }

  /** What is in the table's folder, in order. */
  async allFiles(): Promise<string[]> {
    const keys = await this.#local.objects.keys(LAKE, 'iceberg/web/');
    return keys.map((key) => `s3://${LAKE}/${key}`).sort();
  }

  /** Fails unless the table's folder has exactly what the table names. */
  async expectOnlyFilesOfTable(): Promise<void> {
    const { metadata, metadataLocation } = await loaded(this.#local, 'web');
    const named = await filesOf(this.#local.files, metadata.snapshots ?? []);
    expect(await this.allFiles()).toEqual([...named, metadataLocation, ...logOf(metadata)].sort());
  }
}
