import { GetTableCommand, type GlueClient, paginateGetTables, type Table } from '@aws-sdk/client-glue';
import { mayHaveRowsOf, type TableOwner } from '../../lambdas/core/tables/fan-out.ts';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';

/**
 * Finds the Iceberg tables of a source in a database of Glue, which has the columns of their schema too.
 *
 * @param owners all sources of the stack
 */
export function awsIcebergTables(glue: GlueClient, database: string, owners: readonly TableOwner[]) {
  return async (source: string): Promise<TablePlace[]> => {
    try {
      const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: source }));
      const own = placeOf(database, source, Table);
      if (!owners.some(({ name, fanOut }) => name === source && fanOut)) return [own];
      const others: TablePlace[] = [];
      for await (const page of paginateGetTables(
        { client: glue },
        { DatabaseName: database, Expression: `${source}_*` },
      )) {
        for (const table of page.TableList ?? []) {
          const { Name = '' } = table;
          if (Name !== source && mayHaveRowsOf(source, Name, owners)) others.push(placeOf(database, Name, table));
        }
      }
      return [own, ...others];
    } catch (error) {
      // The database is not there either, if a former version made the stack.
      if (error instanceof Error && error.name === 'EntityNotFoundException') return [];
      throw error;
    }
  };
}

function placeOf(database: string, name: string, table: Table | undefined): TablePlace {
  // A column that was dropped stays in Glue's list: https://iceberg.apache.org/docs/latest/aws/#glue-catalog
  const columns = (table?.StorageDescriptor?.Columns ?? []).flatMap(({ Name = '', Parameters }) =>
    Parameters?.['iceberg.field.current'] === 'false' ? [] : [Name],
  );
  return { database, name, ...(columns.length > 0 && { columns }) };
}
