import { appendFile, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readBatches, type Spool, Spools } from '../../../local/firehose/spool.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

async function recordsOf(spool: Spool | undefined): Promise<string[][]> {
  const batches: string[][] = [];
  if (spool) for await (const { records } of readBatches(spool)) batches.push(records.map(String));
  return batches;
}

const batch = (...records: string[]) => ({ arrival: 1000, records: records.map((record) => Buffer.from(record)) });

test('a spool gives back the batches it took, empty records among them', async () => {
  const spools = await Spools.open(folder);
  await spools.append(batch('a', '', 'b'));
  expect(await spools.append(batch('cc'))).toBe(4);
  await spools.seal();
  expect(await recordsOf(spools.sealed[0])).toEqual([['a', '', 'b'], ['cc']]);
});

test('batches that come at once do not run into each other', async () => {
  const spools = await Spools.open(folder);
  const sent = Array.from({ length: 50 }, (_, index) => [`${index}-`.repeat(index * 100), String(index)]);
  await Promise.all([...sent.map((records) => spools.append(batch(...records))), spools.seal()]);
  await spools.seal();
  const kept = await Promise.all(spools.sealed.map(recordsOf));
  expect(kept.flat()).toEqual(sent);
});

test.each([1, 4, 10, 25])(
  'a batch of which %i bytes are missing is not there, those before it are',
  async (missing) => {
    const spools = await Spools.open(folder);
    await spools.append(batch('kept'));
    await spools.seal();
    const [file = ''] = await readdir(folder);
    const whole = join(folder, file);
    const other = await Spools.open(temporaryFolder());
    await other.append(batch('cut off', 'here'));
    await other.seal();
    const frame = await readFile(other.sealed[0]?.file ?? '');
    await appendFile(whole, frame.subarray(0, frame.length - missing));

    const reopened = await Spools.open(folder);
    expect(await recordsOf(reopened.sealed[0])).toEqual([['kept']]);
  },
);

test('what an earlier process left waits, oldest first', async () => {
  const first = await Spools.open(folder);
  await first.append({ arrival: 2000, records: [Buffer.from('later')] });
  await first.seal();
  await first.append({ arrival: 999, records: [Buffer.from('sooner')] });

  const second = await Spools.open(folder);
  expect(second.oldestArrival).toBe(999);
  expect(await Promise.all(second.sealed.map(recordsOf))).toEqual([[['sooner']], [['later']]]);
  await first.seal();
});

test('a spool with nothing whole in it is empty', async () => {
  const first = await Spools.open(folder);
  await first.append(batch('x'));
  await first.seal();
  await truncate(first.sealed[0]?.file ?? '', 3);
  expect(await recordsOf((await Spools.open(folder)).sealed[0])).toEqual([]);
});

test('a removed spool is forgotten on disk too', async () => {
  const spools = await Spools.open(folder);
  await spools.append(batch('x'));
  await spools.seal();
  for (const spool of spools.sealed) await spools.remove(spool);
  expect(spools.isEmpty).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});
