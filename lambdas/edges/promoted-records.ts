/** The records of promoted columns in the ledger: one item for each source that could have some. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { PromotedRecords } from '../core/evolution/promote.ts';
import type { PromotedColumn, PromotedRecord } from '../core/evolution/promoted.ts';
import { LedgerItems } from './ledger-items.ts';

export function dynamoPromotedRecords(client: DynamoDBClient, table: string): PromotedRecords {
  // Such an item does not expire.
  const items = new LedgerItems(client, table, 0);
  return {
    async read(source) {
      const { version, columns, declared } = (await items.get(itemId(source))) ?? {};
      return {
        version: Number(version?.N ?? 0),
        columns: JSON.parse(columns?.S ?? '[]') as PromotedColumn[],
        declared: JSON.parse(declared?.S ?? '{}') as PromotedRecord['declared'],
      };
    },
    async replace(source, { version, columns, declared }) {
      const replaced = await items.update(
        itemId(source),
        version === 0 ? 'attribute_not_exists(#version)' : '#version = :seen',
        'SET #version = :next, #columns = :columns, #declared = :declared',
        {
          ...(version > 0 && { ':seen': { N: String(version) } }),
          ':next': { N: String(version + 1) },
          ':columns': { S: JSON.stringify(columns) },
          ':declared': { S: JSON.stringify(declared) },
        },
      );
      return replaced !== undefined;
    },
  };
}

/** No entry of an input has an id with a space. */
function itemId(source: string): string {
  return `promoted ${source}`;
}
