/**
 * Looks for rows that would be lost: uploads that a seal names, and that nobody has completed. Attempts that ended without a
 * seal leave uploads too, as is ordinary; S3 gives these up after some days, and their number says nothing.
 */
import type { AttemptList } from './attempt-list.ts';
import type { Batch } from './batch.ts';

/** An upload that S3 has not been told to complete. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  /** ISO 8601. */
  readonly begunAt: string;
}

export interface MissedUploadsPorts {
  readonly uploads: AsyncIterable<OpenUpload>;
  readonly ledger: { read(batch: string): Promise<Batch | undefined> };
  readonly lake: { getList<List>(key: string): Promise<List> };
}

/** A day: all that is ordinary has long ended. */
const OLD_MS = 86_400_000;

/** Batches that are looked at in a run: leftovers of so many are not ordinary any more. */
const MAX_BATCHES = 1_000;

/** @returns how many uploads are missed, by source */
export async function missedUploads(
  { uploads, ledger, lake }: MissedUploadsPorts,
  now: number,
): Promise<Map<string, number>> {
  const byBatch = new Map<string, Set<string>>();
  for await (const { key, uploadId, begunAt } of uploads) {
    const batch = batchOf(key);
    if (batch === undefined || Date.parse(begunAt) + OLD_MS > now) continue;
    if (!byBatch.has(batch) && byBatch.size === MAX_BATCHES) break;
    byBatch.set(batch, (byBatch.get(batch) ?? new Set()).add(uploadId));
  }
  const missed = new Map<string, number>();
  for (const [id, open] of byBatch) {
    const batch = await ledger.read(id);
    if (batch?.attempt === undefined) continue;
    const { files } = await lake.getList<Pick<AttemptList, 'files'>>(batch.attempt);
    const count = files.filter(({ uploadId }) => open.has(uploadId)).length;
    if (count > 0) missed.set(batch.source, (missed.get(batch.source) ?? 0) + count);
  }
  return missed;
}

/** The batch that a file is of: `<batch>-<number>.parquet`, and in an Iceberg table `<batch>.<attempt>-<number>.parquet`. */
function batchOf(key: string): string | undefined {
  const [first = '', ...others] = key.slice(key.lastIndexOf('/') + 1).split('.');
  if (others.at(-1) !== 'parquet') return undefined;
  return others.length > 1 ? first : first.slice(0, Math.max(0, first.lastIndexOf('-')));
}
