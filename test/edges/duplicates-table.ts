import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DUPLICATES } from '../../lambdas/core/duplicates/store.ts';
import { openDynamoDb } from '../../local/dynamodb.ts';
import { openEndpoint } from '../../local/endpoint.ts';

/** What requests cost, as DynamoDB counts it, reads and writes apart. */
export interface Meter {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

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
  const meter: Meter = { requests: 0, readUnits: 0, writeUnits: 0 };
  const client = new DynamoDBClient({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
        const { ConsumedCapacity: consumed } = result.output as { ConsumedCapacity?: unknown };
        const units = [consumed].flat().reduce<number>((sum, each) => sum + Number(Object(each).CapacityUnits ?? 0), 0);
        meter.requests++;
        if (/Get|Query/.test(commandName)) meter.readUnits += units;
        else meter.writeUnits += units;
        return result;
      },
    { step: 'initialize' },
  );
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
