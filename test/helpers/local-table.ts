import { openDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { type Intercept, openEndpoint } from '../../local/endpoint.ts';
import { newFolder, remove } from './folder.ts';

/** A table by its name and the names of its keys, which are strings. */
export interface TableDefinition {
  readonly name: string;
  readonly partition: string;
  readonly sort?: string;
}

export interface LocalTable {
  /** Endpoint of DynamoDB. */
  readonly url: string;
  close(): Promise<void>;
}

/** Opens a DynamoDB with one empty table. */
export async function openLocalTable(
  { name, partition, sort }: TableDefinition,
  intercept?: Intercept,
): Promise<LocalTable> {
  const dir = newFolder();
  const keys = [
    { AttributeName: partition, KeyType: 'HASH' },
    ...(sort === undefined ? [] : [{ AttributeName: sort, KeyType: 'RANGE' }]),
  ];
  const AttributeDefinitions = keys.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' }));
  const properties = { KeySchema: keys, AttributeDefinitions };
  const service = await openDynamoDb({
    dir,
    tables: [{ logicalId: 'Table', type: 'AWS::DynamoDB::Table', localName: name, properties }],
  });
  const endpoint = await openEndpoint({ intercept });
  endpoint.serve(service);
  return {
    url: endpoint.url,
    close: async () => {
      await endpoint.close();
      await service.close();
      remove(dir);
    },
  };
}
