/**
 * Keeps the files of a batch that wait for their commits from being deleted. Glue deletes files of a table's folder that no
 * snapshot names 30 days after they were put (core/iceberg/optimizers.ts), and a table may take no commits for longer.
 *
 * A file is renewed by putting the same bytes again, as another upload. Two that do so at once, or a process that dies in
 * between, do no harm: the file is there all the time, with the same bytes.
 */
import type { AttemptList } from './attempt-list.ts';
import type { Batch } from './batch.ts';
import { isPending } from './pending-batches.ts';
import type { LakeFiles } from './ports.ts';
import { TURN_HOURS } from './renew-lists.ts';
import { Upload } from './upload.ts';

const HOUR_MS = 3_600_000;

/** Whether a batch waits for its commits for so long that its files are to be renewed. */
export function isToBeRenewed(batch: Batch, now: number): boolean {
  return isPending(batch) && now - Date.parse(batch.since) >= TURN_HOURS * HOUR_MS;
}

/** @throws if a file is gone, or has not as many bytes as its list says: nothing is put in its place then */
export async function renewFiles({ attempt = '', uncommitted = [] }: Batch, lake: LakeFiles): Promise<void> {
  const { tables = [] } = await lake.getList<AttemptList>(attempt);
  for (const index of uncommitted) {
    for (const { path, bytes, rows } of tables[index]?.files ?? []) {
      await renewFile({ key: lake.keyOf(path), size: bytes, rows }, lake);
    }
  }
}

async function renewFile(
  { key, size, rows }: { readonly key: string; readonly size: number; readonly rows: number },
  lake: LakeFiles,
): Promise<void> {
  const upload = new Upload(lake, key);
  for await (const bytes of lake.readFile(key)) await upload.write([bytes]);
  const file = await upload.end(rows);
  if (file.size !== size) {
    await upload.abort();
    throw new Error(`${key}: expected ${size} bytes, got ${file.size}`);
  }
  await lake.complete(file);
}
