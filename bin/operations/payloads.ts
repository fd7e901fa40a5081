/** Loads payloads of log events in this process, with the code and the ledger of the loading function. */
import { type LoadResult, loadPayload, type Source } from '../../lambdas/core/loading/load.ts';
import type { Payload } from '../../lambdas/core/loading/payload.ts';
import { firehoseEncode } from '../../lambdas/edges/firehose.ts';
import { dynamoLedger } from '../../lambdas/edges/ledger.ts';
import type { LakeHandle } from './lake-handle.ts';

/** Time limit for loading a payload; afterwards it is left to the next run. */
const LOADING_MS = 5 * 60_000;
const CLOCK_SKEW_MS = 60_000;

/**
 * Loads a payload.
 *
 * @param holder holder of the claim; it must be the same when an interrupted operation is run again
 * @throws the errors of Firehose and of the ledger; the ledger then has the checkpoint to continue from
 */
export function loadHere(lake: LakeHandle, source: Source, payload: Payload, holder: string): Promise<LoadResult> {
  const giveUpAt = performance.now() + LOADING_MS;
  const ports = {
    ...lake,
    ledger: dynamoLedger(lake.dynamodb, lake.ledgerTable),
    encode: firehoseEncode(lake.firehose, giveUpAt),
    now: () => new Date(),
    objectEntryDays: lake.ledgerDays,
  };
  return loadPayload(source, payload, ports, {
    holder,
    leaseUntil: Date.now() + LOADING_MS + CLOCK_SKEW_MS,
    outOfTime: () => false,
  });
}
