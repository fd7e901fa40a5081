import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { OtherBytesError } from '../../../lambdas/core/direct/ports.ts';
import { Upload } from '../../../lambdas/core/direct/upload.ts';
import { s3LakeFiles } from '../../../lambdas/edges/lake-files.ts';
import { diskSpill } from '../../../lambdas/edges/spill.ts';
import { Bucket, opened } from '../../local/s3/s3-fixture.ts';

const KEY = 'data/alb/dt=2026-11-22/batch-0.parquet';

async function uploaded(pieces: readonly Buffer[]) {
  const { s3, read, objects } = await opened();
  const lake = s3LakeFiles(s3, Bucket);
  const upload = new Upload(lake, KEY);
  for (const piece of pieces) await upload.write([piece]);
  return { lake, read, objects, file: await upload.end(1) };
}

test('a file is not there before it is completed, and may be completed again', async () => {
  const pieces = [randomBytes(9_000_000), randomBytes(100), randomBytes(9_000_000), randomBytes(7)];
  const { lake, objects, file } = await uploaded(pieces);
  expect(file.parts).toHaveLength(3);
  expect(await objects.keys(Bucket, '')).toEqual([]);
  for (const _ of ['first', 'again']) await lake.complete(file);
  const { size } = await objects.head(Bucket, KEY);
  expect(size).toBe(18_000_107);
});

test('a file is read as it is', async () => {
  const bytes = randomBytes(9_000_000);
  const { lake, file } = await uploaded([bytes]);
  await lake.complete(file);
  expect(Buffer.concat(await Array.fromAsync(lake.readFile(KEY))).equals(bytes)).toBe(true);
  await expect(Array.fromAsync(lake.readFile('data/none'))).rejects.toThrow();
});

test('a file is not taken for completed if its key has other bytes', async () => {
  const { lake, objects, file } = await uploaded([Buffer.from('rows')]);
  await lake.abort(KEY, file.uploadId);
  await expect(lake.complete(file)).rejects.toThrow();
  await objects.put(Bucket, KEY, 'wors');
  await expect(lake.complete(file)).rejects.toThrow(OtherBytesError);
});

test('lists are read as they were put', async () => {
  const { s3 } = await opened();
  const lake = s3LakeFiles(s3, Bucket);
  await lake.putList('direct/alb/one/candidates.json', [{ key: 'a/ü', size: 1 }]);
  expect(await lake.getList('direct/alb/one/candidates.json')).toEqual([{ key: 'a/ü', size: 1 }]);
  await expect(lake.getList('direct/none')).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('a list is renewed by being put again as it is', async () => {
  const { s3, objects } = await opened();
  const lake = s3LakeFiles(s3, Bucket);
  await lake.putList('direct/alb/one/attempt-x.json', { day: '2026-11-22' });
  const { modified } = await objects.head(Bucket, 'direct/alb/one/attempt-x.json');
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await lake.renewList('direct/alb/one/attempt-x.json')).toBe(true);
  expect(await lake.getList('direct/alb/one/attempt-x.json')).toEqual({ day: '2026-11-22' });
  const renewed = await objects.head(Bucket, 'direct/alb/one/attempt-x.json');
  expect(renewed.modified.getTime()).toBeGreaterThan(modified.getTime());
  expect(await lake.renewList('direct/none')).toBe(false);
});

test('rows that wait on the disk come back in their order, and leave nothing', async () => {
  const spill = await diskSpill();
  const pieces = Array.from({ length: 40 }, (_, index) => randomBytes(index * 9000));
  for (const piece of pieces) {
    await spill.append('app dt=2026-11-22', piece);
    await spill.append('other', Buffer.from('x'));
  }
  const read: Uint8Array[] = [];
  for await (const piece of spill.take('app dt=2026-11-22')) read.push(Uint8Array.from(piece));
  expect(Buffer.concat(read).equals(Buffer.concat(pieces))).toBe(true);
  expect(read).toHaveLength(40);
  await spill.remove();
});
