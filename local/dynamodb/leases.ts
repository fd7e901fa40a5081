import { DynamoDBClient, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import { ENV } from '../../lambdas/core/settings.ts';
import { REGION } from '../account.ts';
import { CREDENTIALS } from '../credentials.ts';
import { isObject } from '../template/intrinsics.ts';
import type { Resource } from '../template/resource.ts';

/** Expires the leases of all ledgers, for when no process runs that could hold one. */
export async function endLeases(endpoint: string, resources: readonly Resource[]): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  const names = { '#id': LEDGER.key, '#lease': LEDGER.lease };
  for (const TableName of new Set(resources.flatMap(ledgerOf))) {
    const pages = paginateScan(
      { client },
      {
        TableName,
        ProjectionExpression: '#id',
        FilterExpression: '#lease > :now',
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ':now': { N: String(Date.now()) } },
      },
    );
    for await (const { Items = [] } of pages) {
      for (const Key of Items) {
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key,
            UpdateExpression: 'SET #lease = :over',
            ExpressionAttributeNames: { '#lease': LEDGER.lease },
            ExpressionAttributeValues: { ':over': { N: '0' } },
          }),
        );
      }
    }
  }
  client.destroy();
}

function ledgerOf({ properties }: Resource): string[] {
  const variables = isObject(properties.Environment) ? properties.Environment.Variables : undefined;
  const name = isObject(variables) ? variables[ENV.ledgerTable] : undefined;
  return typeof name === 'string' ? [name] : [];
}
