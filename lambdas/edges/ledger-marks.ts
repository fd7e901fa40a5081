/** The ledger's marks in DynamoDB. core/direct/ledger-mark.ts has what they are for. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LedgerMarks } from '../core/direct/ledger-mark.ts';
import { LEDGER } from '../core/loading/ledger.ts';
import { LedgerItems } from './ledger-items.ts';

export function ledgerMarks(client: DynamoDBClient, table: string): LedgerMarks {
  // Such an item does not expire.
  const items = new LedgerItems(client, table, 0);
  return {
    async read(source) {
      const item = await items.get(markId(source));
      return item && { number: Number(item.number?.N), at: item.at?.S ?? '' };
    },

    async put(source, before, { number, at }) {
      const id = markId(source);
      const values = { number: { N: String(number) }, at: { S: at } };
      if (!before) return await items.putNew({ [LEDGER.key]: { S: id }, source: { S: source }, ...values });
      const put = await items.update(id, '#number = :before', 'SET #number = :number, #at = :at', {
        ':before': { N: String(before.number) },
        ':number': values.number,
        ':at': values.at,
      });
      return put !== undefined;
    },
  };
}

/** No entry of an input has an id with a space. */
function markId(source: string): string {
  return `mark ${source}`;
}
