import type { FirehoseClient } from '@aws-sdk/client-firehose';
import { Packer } from '../../lambdas/core/loading/pack.ts';
import { inTurn } from '../../lambdas/core/loading/spread.ts';
import { firehoseEncode } from '../../lambdas/edges/firehose.ts';
import type { LakeHandle } from './lake-handle.ts';

/** Time limit for a batch to be acknowledged; afterwards the operation fails and has to be run again. */
const SENDING_MS = 5 * 60_000;

/**
 * Packs rows into records and sends them to the streams of a table, round-robin. Resolves after Firehose has
 * acknowledged every row.
 *
 * @throws Error if a row is too large for a record; DeliveryError if the time limit is exceeded
 */
export async function sendRows(
  { firehose }: LakeHandle,
  streams: readonly string[],
  rows: Iterable<string>,
): Promise<void> {
  const packer = new Packer();
  let turn = anyTurn(streams);
  const flush = () => sendBatch(firehose, inTurn(streams, turn++), packer.take());
  for (const row of rows) {
    let packed = packer.add(row);
    if (packed === 'full') {
      await flush();
      packed = packer.add(row);
    }
    if (packed !== 'packed')
      throw new Error(`stream ${streams[0]}: a row of ${row.length} characters does not fit into a record`);
  }
  await flush();
}

/** Sends each group of rows as a record of its own. All groups together must fit into one batch. */
export async function sendRecords(
  { firehose }: LakeHandle,
  streams: readonly string[],
  groups: readonly (readonly string[])[],
): Promise<void> {
  const records = groups.map((rows) => Buffer.from(rows.join('')));
  await sendBatch(firehose, inTurn(streams, anyTurn(streams)), records);
}

function sendBatch(client: FirehoseClient, streams: readonly string[], records: readonly Uint8Array[]): Promise<void> {
  return firehoseEncode(client, performance.now() + SENDING_MS)(streams, records).send();
}

function anyTurn({ length }: readonly string[]): number {
  return Math.floor(Math.random() * length);
}
