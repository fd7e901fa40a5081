import { meterOf } from '../../../bench/duplicate-check.ts';
import { DUPLICATES } from '../../../lambdas/core/duplicates/store.ts';
import { duplicatesClient } from '../../../lambdas/edges/duplicates.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { openLocalTable } from '../../helpers/local-table.ts';

export const TABLE = 'duplicates';

/** Opens a table of its own; its client counts what it consumes. */
export async function openTable() {
  const { partition, sort } = DUPLICATES;
  const opened = {
    /** Is every request answered with an error that no retry can cure? */
    deny: false,
  };
  const { url, close } = await openLocalTable({ name: TABLE, partition, sort }, (_, __, response) => {
    if (!opened.deny) return false;
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end('{"__type":"com.amazon.coral.service#AccessDeniedException","message":"as the test wants it"}');
    return true;
  });
  const client = duplicatesClient(clientOptions(url));
  const meter = meterOf(client);
  return Object.assign(opened, {
    url,
    client,
    meter,
    close: async () => {
      client.destroy();
      await close();
    },
  });
}
