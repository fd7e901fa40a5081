/** The batches of a source that the lists in the lake bucket still know of, with what came of each. */
import type { AttemptList } from '../../lambdas/core/direct/attempt-list.ts';
import { type Batch, LISTS_PREFIX } from '../../lambdas/core/direct/batch.ts';
import type { BatchLedger, LakeFiles } from '../../lambdas/core/direct/ports.ts';
import type { LakeHandle } from './lake-handle.ts';
import { listObjects, nothingIfMissing } from './objects.ts';

export interface WrittenBatch {
  readonly batch: Batch;
  readonly list: AttemptList;
}

export interface BatchPorts {
  readonly ledger: Pick<BatchLedger, 'read'>;
  readonly lake: Pick<LakeFiles, 'getList'>;
}

const BATCHES_AT_A_TIME = 16;

/** Batches of a source of which an attempt is sealed, in the order of their ids: their lists are kept for `landingRetentionDays`. */
export async function* writtenBatches(
  lake: Pick<LakeHandle, 's3' | 'lakeBucket'>,
  source: string,
  ports: BatchPorts,
): AsyncGenerator<WrittenBatch> {
  const prefix = `${LISTS_PREFIX}${source}/`;
  let last = '';
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix })) {
    const ids: string[] = [];
    for (const { key } of page) {
      const [id = ''] = key.slice(prefix.length).split('/');
      if (id !== last) ids.push(id);
      last = id;
    }
    for (let at = 0; at < ids.length; at += BATCHES_AT_A_TIME) {
      const found = await Promise.all(ids.slice(at, at + BATCHES_AT_A_TIME).map((id) => writtenBatch(id, ports)));
      for (const each of found) if (each) yield each;
    }
  }
}

async function writtenBatch(id: string, { ledger, lake }: BatchPorts): Promise<WrittenBatch | undefined> {
  const batch = await ledger.read(id);
  if (batch?.attempt === undefined) return undefined;
  const list = await lake.getList<AttemptList>(batch.attempt).catch(nothingIfMissing);
  return list && { batch, list };
}
