import { GetTableCommand, type GlueClient } from '@aws-sdk/client-glue';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';

/** Finds the Iceberg tables of a source in a database of Glue, which has the columns of their schema too. */
export function awsIcebergTables(glue: GlueClient, database: string) {
  return async (source: string): Promise<TablePlace[]> => {
    try {
      const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: source }));
      // A column that was dropped stays in Glue's list: https://iceberg.apache.org/docs/latest/aws/#glue-catalog
      const columns = (Table?.StorageDescriptor?.Columns ?? []).flatMap(({ Name = '', Parameters }) =>
        Parameters?.['iceberg.field.current'] === 'false' ? [] : [Name],
      );
      return [{ database, name: source, ...(columns.length > 0 && { columns }) }];
    } catch (error) {
      // The database is not there either, if a former version made the stack.
      if (error instanceof Error && error.name === 'EntityNotFoundException') return [];
      throw error;
    }
  };
}
