/** As much of Glue's catalog as Trino asks: tables as CloudFormation has created them, and views that Trino creates. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf } from '../../../local/endpoint.ts';
import type { Resource, Service } from '../../../local/template/resource.ts';

/** A TableInput. https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html */
interface TableInput {
  readonly Name: string;
  readonly TableType?: string;
  readonly Parameters?: Readonly<Record<string, string>>;
  readonly StorageDescriptor?: Readonly<Record<string, unknown>>;
}

interface Asked {
  readonly DatabaseName: string;
  readonly Name: string;
  readonly TableInput: TableInput;
}

/** Glue answers a request with 400 and this name. */
class Refusal extends Error {}

/** Glue with the tables of a template. */
export class Glue implements Service {
  readonly name = 'Glue';
  readonly #databases = new Map<string, Map<string, TableInput>>();

  /**
   * @param resources of a template: its AWS::Glue::Table are taken
   * @param iceberg names of Iceberg tables, by their database
   */
  constructor(resources: readonly Resource[], iceberg: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [database, names] of Object.entries(iceberg)) {
      this.#databases.set(database, new Map(names.map((name) => [name, icebergTable(name)])));
    }
    for (const { type, properties } of resources) {
      if (type !== 'AWS::Glue::Table') continue;
      const { DatabaseName, TableInput } = properties as unknown as Asked;
      const tables = this.#databases.get(DatabaseName) ?? new Map();
      this.#databases.set(DatabaseName, tables.set(TableInput.Name, TableInput));
    }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers['x-amz-target']).replace('AWSGlue.', '');
    const asked = JSON.parse((await bodyOf(request)).toString()) as Asked;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      response.end(JSON.stringify(this.#answer(action, asked)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response
        .writeHead(400)
        .end(JSON.stringify({ __type: error.message, Message: `${action} ${JSON.stringify(asked)}` }));
    }
  }

  async close(): Promise<void> {}

  #answer(action: string, asked: Asked): unknown {
    const { DatabaseName, Name, TableInput } = asked;
    switch (action) {
      case 'GetDatabases':
        return { DatabaseList: [...this.#databases.keys()].map((database) => ({ Name: database })) };
      case 'GetDatabase':
        this.#tablesOf(Name);
        return { Database: { Name } };
      case 'GetTables':
        return { TableList: [...this.#tablesOf(DatabaseName).values()].map((table) => described(DatabaseName, table)) };
      case 'GetTable': {
        const table = this.#tablesOf(DatabaseName).get(Name);
        if (!table) throw new Refusal('EntityNotFoundException');
        return { Table: described(DatabaseName, table) };
      }
      case 'CreateTable':
      case 'UpdateTable':
        this.#tablesOf(DatabaseName).set(TableInput.Name, TableInput);
        return {};
      case 'GetColumnStatisticsForTable':
      case 'GetColumnStatisticsForPartition':
        return { ColumnStatisticsList: [], Errors: [] };
      // Partitions of tables with partition projection are not in the catalog, so nothing else may be asked.
      default:
        throw new Refusal('InvalidInputException');
    }
  }

  #tablesOf(database: string): Map<string, TableInput> {
    const tables = this.#databases.get(database);
    if (!tables) throw new Refusal('EntityNotFoundException');
    return tables;
  }
}

/** What is known without the table's metadata: by this, Hive's connector of Trino leaves the table to that of Iceberg. */
function icebergTable(Name: string): TableInput {
  return { Name, TableType: 'EXTERNAL_TABLE', Parameters: { table_type: 'ICEBERG' } };
}

/** A table as Glue describes it, with what it fills in. */
function described(DatabaseName: string, table: TableInput): unknown {
  const { StorageDescriptor } = table;
  return {
    ...table,
    DatabaseName,
    ...(StorageDescriptor && { StorageDescriptor: { NumberOfBuckets: 0, ...StorageDescriptor } }),
  };
}
