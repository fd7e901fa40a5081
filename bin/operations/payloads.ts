/** Payloads of log events, loaded by this process as the function would: by the same code, under the same ledger. */
import { type LoadResult, loadPayload, type Source } from '../../lambdas/core/loading/load.ts';
import type { Payload } from '../../lambdas/core/loading/payload.ts';
import { firehoseEncode } from '../../lambdas/edges/firehose.ts';
import { dynamoLedger } from '../../lambdas/edges/ledger.ts';
import type { LakeHandle } from './lake-handle.ts';

/** A payload is loaded within this time, or given up until the next run. */
const LOADING_MS = 5 * 60_000;
const CLOCK_SKEW_MS = 60_000;

/**
 * Loads a payload.
 *
 * @param holder whose claim it is: the same again when the operation is broken off and run again
 * @throws what Firehose and the ledger throw; the ledger then knows how far it came
 */
export function loadHere(lake: LakeHandle, source: Source, payload: Payload, holder: string): Promise<LoadResult> {
  const giveUpAt = Date.now() + LOADING_MS;
  const ports = {
    ...lake,
    ledger: dynamoLedger(lake.dynamodb, lake.ledgerTable),
    encode: firehoseEncode(lake.firehose, giveUpAt),
    now: () => new Date(),
    objectEntryDays: lake.ledgerDays,
  };
  return loadPayload(source, payload, ports, { holder, leaseUntil: giveUpAt + CLOCK_SKEW_MS, outOfTime: () => false });
}
