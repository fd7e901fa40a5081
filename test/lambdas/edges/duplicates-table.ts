import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { meterOf } from '../../../bench/duplicate-check.ts';
import { DUPLICATES } from '../../../lambdas/core/duplicates/store.ts';
import { duplicatesClient } from '../../../lambdas/edges/duplicates.ts';
import { openDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { openEndpoint } from '../../../local/endpoint.ts';

export const TABLE = 'duplicates';

/** Opens a table of its own; its client counts what it consumes. */
export async function openTable() {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-duplicates-'));
  const { partition, sort } = DUPLICATES;
  const service = await openDynamoDb({
    dir,
    tables: [
      {
        logicalId: 'Duplicates',
        type: 'AWS::DynamoDB::Table',
        localName: TABLE,
        properties: {
          KeySchema: [
            { AttributeName: partition, KeyType: 'HASH' },
            { AttributeName: sort, KeyType: 'RANGE' },
          ],
          AttributeDefinitions: [
            { AttributeName: partition, AttributeType: 'S' },
            { AttributeName: sort, AttributeType: 'S' },
          ],
        },
      },
    ],
  });
  const endpoint = await openEndpoint();
  endpoint.serve(service);
  const client = duplicatesClient({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const meter = meterOf(client);
  return {
    client,
    meter,
    close: async () => {
      client.destroy();
      await endpoint.close();
      await service.close();
      rmSync(dir, { recursive: true });
    },
  };
}
