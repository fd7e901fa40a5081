import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Spool, Spools } from '../../../local/firehose/spool.ts';
import { readBatches } from '../../../local/firehose/spool-file.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** Of a spool's file, before the first batch. */
const HEADER_BYTES = 24;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

async function recordsOf(spool: Spool | undefined): Promise<string[][]> {
  const batches: string[][] = [];
  if (spool) for await (const { records } of readBatches(spool.file)) batches.push(records.map(String));
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
  'a batch of which %i bytes were not written yet when the process died is not there, those before it are',
  async (missing) => {
    const spools = await Spools.open(folder);
    await spools.append(batch('kept'));
    await spools.seal();
    const [file = ''] = await readdir(folder);
    const whole = join(folder, file);
    const other = await Spools.open(temporaryFolder());
    await other.append(batch('cut off', 'here'));
    await other.seal();
    const frame = (await readFile(other.sealed[0]?.file ?? '')).subarray(HEADER_BYTES);
    await appendFile(whole, frame.subarray(0, frame.length - missing));

    const reopened = await Spools.open(folder);
    expect(await recordsOf(reopened.sealed[0])).toEqual([['kept']]);
    expect(await readdir(folder)).toEqual([file]);
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

describe('a damaged spool is set aside under the number of records that are lost, and the batches before remain:', () => {
  const cut = (bytes: number) => (file: Buffer) => file.subarray(0, file.length - bytes);
  const flipped = (at: number) => (file: Buffer) => {
    const changed = Buffer.from(file);
    changed[at < 0 ? file.length + at : at] = 0xee;
    return changed;
  };

  test.each<[string, (file: Buffer) => Buffer, string[][], string]>([
    ['its end is missing', cut(1), [['first', 'batch']], '.3-records.spool.damaged'],
    ['its last batch is missing', cut(40), [['first', 'batch']], '.3-records.spool.damaged'],
    ['a byte of the last batch differs', flipped(-1), [['first', 'batch']], '.3-records.spool.damaged'],
    ['a byte of the first batch differs', flipped(HEADER_BYTES + 20), [], '.5-records.spool.damaged'],
    ['a length differs', flipped(HEADER_BYTES + 2), [], '.5-records.spool.damaged'],
    ['its header differs', flipped(9), [], '.spool.damaged'],
    ['it is empty', () => Buffer.alloc(0), [], '.spool.damaged'],
    ['it is something else', () => Buffer.from('something else, and longer than a header'), [], '.spool.damaged'],
  ])('%s', async (_name, damage, left, ending) => {
    const first = await Spools.open(folder);
    await first.append(batch('first', 'batch'));
    await first.append(batch('a', 'second', 'one'));
    await first.seal();
    const file = first.sealed[0]?.file ?? '';
    await writeFile(file, damage(await readFile(file)));

    const reopened = await Spools.open(folder);
    expect(await recordsOf(reopened.sealed[0])).toEqual(left);
    expect(reopened.sealed).toHaveLength(left.length === 0 ? 0 : 1);
    const names = await readdir(folder);
    const base = basename(file, '.spool');
    expect(names.sort()).toEqual([...(left.length > 0 ? [`${base}.spool`] : []), `${base}${ending}`].sort());
    // What was set aside stays, and is not taken for a spool.
    expect((await Spools.open(folder)).sealed).toHaveLength(reopened.sealed.length);
    expect((await readdir(folder)).sort()).toEqual(names.sort());
  });
});

test('a removed spool is forgotten on disk too', async () => {
  const spools = await Spools.open(folder);
  await spools.append(batch('x'));
  await spools.seal();
  for (const spool of spools.sealed) await spools.remove(spool);
  expect(spools.isEmpty).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});
