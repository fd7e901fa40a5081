/** The record of promoted columns and the table in the catalog, of a world of the direct lane. */
import type { PromotePorts } from '../../lambdas/core/evolution/promote.ts';
import { NO_RECORD, type PromotedRecord } from '../../lambdas/core/evolution/promoted.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import type { Request } from './world-tables.ts';

export class WorldPromotions {
  record: PromotedRecord = NO_RECORD;
  /** Columns of the table in the catalog. */
  readonly columns = new Map<string, ColumnType>();

  /** Columns of a record that the catalog did not have when it was made. */
  readonly early: string[] = [];

  ports(request: Request): Omit<PromotePorts, 'now'> {
    return {
      records: {
        read: () => request('read promoted', () => this.record),
        replace: (_, { version, columns, declared }) =>
          request('replace promoted', () => {
            if (this.record.version !== version) return false;
            this.early.push(...columns.flatMap(({ name, type }) => (this.columns.get(name) === type ? [] : [name])));
            this.record = { version: version + 1, columns, declared };
            return true;
          }),
      },
      tables: {
        types: () => request('read table', () => [new Map(this.columns)]),
        addColumns: ({ columns }) =>
          request('add columns', () => {
            for (const { name, type } of columns) if (!this.columns.has(name)) this.columns.set(name, type);
          }),
      },
    };
  }
}
