import { expect, test } from 'vitest';
import type { Batch } from '../../../lambdas/core/direct/batch.ts';
import { missedUploads } from '../../../lambdas/core/direct/missed-uploads.ts';
import { Upload } from '../../../lambdas/core/direct/upload.ts';
import { s3LakeFiles } from '../../../lambdas/edges/lake-files.ts';
import { openUploads } from '../../../lambdas/edges/open-uploads.ts';
import { Bucket, opened } from '../../local/s3/s3-fixture.ts';

const DAY_MS = 86_400_000;

test('of uploads that are old and not completed, those are missed that a seal names', async () => {
  const { s3 } = await opened();
  const lake = s3LakeFiles(s3, Bucket);
  const uploaded = async (key: string) => {
    const upload = new Upload(lake, key);
    await upload.write([Buffer.from('rows')]);
    return upload.end(1);
  };
  const keyOf = (batch: string, number: number) => `data/alb/dt=2026-11-22/${batch}-${number}.parquet`;
  const [missed, inIceberg, done, leftOver, unsealed] = await Promise.all([
    uploaded(keyOf('20261122-a', 0)),
    uploaded('iceberg/alb/data/dt=2026-11-22/20261122-a.6f1c2d9e-1.parquet'),
    uploaded(keyOf('20261122-a', 2)),
    // Of another attempt of the same batch, and of one without a seal.
    uploaded(keyOf('20261122-a', 0)),
    uploaded(keyOf('20261122-b', 0)),
    // Of somebody else.
    uploaded('data/alb/dt=2026-11-22/export.parquet'),
    uploaded('athena-results/20261122-a-0.parquet'),
  ]);
  await lake.complete(done);
  await lake.putList('direct/alb/20261122-a/attempt-1.json', { files: [missed, inIceberg, done], members: [] });
  const batch: Batch = { id: '', source: 'alb', state: 'written', since: '', attempts: 1, generation: 1 };
  const batches = new Map([
    ['20261122-a', { ...batch, attempt: 'direct/alb/20261122-a/attempt-1.json' }],
    ['20261122-b', { ...batch, state: 'open' as const }],
  ]);
  const ledger = { read: async (id: string) => batches.get(id) };
  const look = (now: number) => missedUploads({ uploads: openUploads(s3, Bucket), ledger, lake }, now);

  expect((await Array.fromAsync(openUploads(s3, Bucket))).map(({ uploadId }) => uploadId)).toEqual(
    expect.arrayContaining([missed, inIceberg, leftOver, unsealed].map(({ uploadId }) => uploadId)),
  );
  expect(await look(Date.now() + DAY_MS - 60_000)).toEqual(new Map());
  expect(await look(Date.now() + DAY_MS + 60_000)).toEqual(new Map([['alb', 2]]));
  for (const file of [missed, inIceberg]) await lake.complete(file);
  expect(await look(Date.now() + DAY_MS + 60_000)).toEqual(new Map());
});
