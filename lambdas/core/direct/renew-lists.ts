/**
 * Keeps the lists of batches that are not written from expiring. S3 deletes a list some weeks after it was put
 * (lib/lake-bucket.ts), and the table that a batch has files for may take no commits for longer, such as one for which a
 * permission is missing. Without its list nobody knows the files of a batch, and its rows would be lost.
 *
 * A list is renewed by putting it again: lists never change, so two that renew one at once, or a process that dies in
 * between, do no harm. Nothing is kept of what was renewed: each hour has its turn with some of the batches, by their
 * ages. A list stays for more than four turns, so some of them may fail.
 */
import { type Batch, candidatesKey } from './batch.ts';
import { isPending } from './pending-batches.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';

const HOUR_MS = 3_600_000;
/** Hours from one turn of a batch to the next: a week. */
export const TURN_HOURS = 168;
const AT_A_TIME = 16;

export interface RenewPorts {
  readonly ledger: Pick<BatchLedger, 'unfinished'>;
  readonly lake: Pick<LakeFiles, 'renewList'>;
  /** Tells a writer of a batch: it renews the files that wait for commits. */
  readonly send: (batch: string) => Promise<void>;
  readonly outOfTime: () => boolean;
}

/**
 * Renews the lists of those batches of a source whose turn is in this hour; it is to be called once in each.
 *
 * @param now milliseconds since the epoch
 * @returns keys of lists that are gone
 */
export async function renewLists(source: string, { ledger, lake, send, outOfTime }: RenewPorts, now: number) {
  const before = new Date(now - TURN_HOURS * HOUR_MS).toISOString();
  const gone: string[] = [];
  let keys: BatchList[] = [];
  const renew = async (): Promise<void> => {
    const renewed = await Promise.all(keys.map(({ key }) => lake.renewList(key)));
    gone.push(...keys.filter(({ isOptional }, index) => !renewed[index] && !isOptional).map(({ key }) => key));
    keys = [];
  };
  for await (const batch of ledger.unfinished(source, { before })) {
    if (outOfTime()) break;
    if (!isInTurn(batch, now)) continue;
    if (isPending(batch)) await send(batch.id);
    keys.push(...listsOf(batch));
    if (keys.length >= AT_A_TIME) await renew();
  }
  await renew();
  return gone;
}

function isInTurn({ since }: Batch, now: number): boolean {
  return Math.floor((now - Date.parse(since)) / HOUR_MS) % TURN_HOURS === 0;
}

interface BatchList {
  readonly key: string;
  /** Whether there may be none. */
  readonly isOptional: boolean;
}

/**
 * Those that whoever goes on with a batch reads. The candidates of a batch with an attempt are read when it is written anew, for a
 * reload, or because another table is in the place of its own. Batches that an operation added have none, and no reload.
 */
function listsOf(batch: Batch): BatchList[] {
  const { attempt, before } = batch;
  const attempts = [attempt, before].filter((key) => key !== undefined).map((key) => ({ key, isOptional: false }));
  return [{ key: candidatesKey(batch), isOptional: attempt !== undefined && before === undefined }, ...attempts];
}
