import { Packer } from '../../lambdas/core/pack.ts';
import { firehoseSend } from '../../lambdas/edges/firehose.ts';
import type { Account } from './account.ts';

/** Rows are acknowledged in this time, or the operation ends and is to be run again. */
const SENDING_MS = 5 * 60_000;

/**
 * Packs rows and sends them to a stream. Resolves when Firehose has acknowledged every one.
 *
 * @throws Error for a row that no record can hold; DeliveryError when the time is over
 */
export async function sendRows({ firehose }: Account, stream: string, rows: Iterable<string>): Promise<void> {
  const packer = new Packer();
  const flush = () => firehoseSend(firehose, Date.now() + SENDING_MS)(stream, packer.take());
  for (const row of rows) {
    let packed = packer.add(row);
    if (packed === 'full') {
      await flush();
      packed = packer.add(row);
    }
    if (packed !== 'packed') throw new Error(`stream ${stream}: a row of ${row.length} characters fits no record`);
  }
  await flush();
}

/** Sends each group of rows as a record of its own; together they must fit a batch. */
export async function sendRecords({ firehose }: Account, stream: string, groups: readonly (readonly string[])[]) {
  const records = groups.map((rows) => Buffer.from(rows.map((row) => `${row}\n`).join('')));
  await firehoseSend(firehose, Date.now() + SENDING_MS)(stream, records);
}
