import { openDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { type Intercept, openEndpoint } from '../../local/endpoint.ts';
import { newFolder, remove } from './folder.ts';

/** Names of keys, which are strings. */
interface Keys {
  readonly partition: string;
  readonly sort?: string;
}

/** A table by its name and the names of its keys, and its global secondary indexes, which have all attributes. */
export interface TableDefinition extends Keys {
  readonly name: string;
  readonly indexes?: readonly (Keys & { readonly name: string })[];
}

export interface LocalTable {
  /** Endpoint of DynamoDB. */
  readonly url: string;
  close(): Promise<void>;
}

/** Opens a DynamoDB with one empty table. */
export async function openLocalTable(
  { name, indexes = [], ...own }: TableDefinition,
  intercept?: Intercept,
): Promise<LocalTable> {
  const dir = newFolder();
  const names = new Set([own, ...indexes].flatMap(({ partition, sort }) => [partition, sort ?? partition]));
  const properties = {
    KeySchema: schemaOf(own),
    AttributeDefinitions: [...names].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map(({ name: IndexName, ...keys }) => ({
        IndexName,
        KeySchema: schemaOf(keys),
        Projection: { ProjectionType: 'ALL' },
      })),
    }),
  };
  const service = await openDynamoDb({
    dir,
    durable: false,
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

function schemaOf({ partition, sort }: Keys): object[] {
  const hash = { AttributeName: partition, KeyType: 'HASH' };
  return sort === undefined ? [hash] : [hash, { AttributeName: sort, KeyType: 'RANGE' }];
}
