/** Makes an object wait that its notification announces. */
import { entryPlaces } from '../loading/input.ts';
import type { CreatedObject } from '../loading/notification.ts';
import type { AnnounceResult, BatchLedger } from './ports.ts';

const DAY_MS = 86_400_000;

export interface AnnouncePorts {
  readonly ledger: BatchLedger;
  readonly now: () => Date;
  /** Days that the ledger keeps the entry of an object. */
  readonly entryDays: number;
}

/**
 * Makes an object wait, unless the ledger knows it. If the process dies before the message is deleted, the message
 * returns and finds the entry.
 *
 * An object that is older than the ledger's memory is refused, because it may have been loaded and forgotten, unless a
 * backfill asks for it.
 */
export async function announceObject(
  source: string,
  object: CreatedObject,
  { ledger, now, entryDays }: AnnouncePorts,
): Promise<AnnounceResult | 'older_than_ledger'> {
  const { bucket, key, etag, size, sequencer, modified, backfill = false } = object;
  const since = now().toISOString();
  if (!backfill && modified !== undefined && Date.parse(modified) < now().getTime() - entryDays * DAY_MS) {
    return 'older_than_ledger';
  }
  return await ledger.announce({
    ...entryPlaces(source, object),
    ...{ source, since, bucket, key, etag, size, modified: modified ?? since, kind: backfill ? 'backfill' : 'live' },
    ...(sequencer !== undefined && { sequencer }),
  });
}
