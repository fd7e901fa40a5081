import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type InputFile, readInputs } from '../../../bin/input/input-files.ts';
import { eventBatches, type LogEvent, logStreamOf } from '../../../bin/input/log-events.ts';
import { compiled } from '../../helpers/compiled.ts';
import { sharedFolder } from '../../helpers/folder.ts';

const MODIFIED = new Date('2026-01-05T10:00:00Z');
const format = compiled('json', { columns: { time: 'timestamp' } });
const dir = sharedFolder();

async function fileOf(name: string, content: string | Buffer, modified = MODIFIED): Promise<InputFile> {
  const path = join(dir, name);
  await writeFile(path, content);
  await utimes(path, modified, modified);
  const { files } = await readInputs([path]);
  return files[0] as InputFile;
}

async function batchesOf(file: InputFile): Promise<{ batches: LogEvent[][]; notes: string[] }> {
  const notes: string[] = [];
  const batches = await Array.fromAsync(eventBatches(file, format, (note) => notes.push(note)));
  return { batches, notes };
}

const messages = (batches: LogEvent[][]) => batches.flat().map(({ message }) => message);

describe('eventBatches', () => {
  test('makes an event of each line of a raw file, a millisecond apart from the first time in it', async () => {
    const lines = ['no time', '', '{"time":"2026-01-05T10:00:00.500Z"}', '{"time":"2026-01-05T11:00:00Z"}'];
    const { batches } = await batchesOf(await fileOf('raw.log', lines.join('\r\n')));

    const start = Date.parse('2026-01-05T10:00:00.500Z');
    expect(batches).toEqual([lines.map((message, index) => ({ timestamp: start + index, message }))]);
  });

  test('gives the same events of a file that was touched, and of one without times at times of its own', async () => {
    const events = async (name: string, content: string, modified?: Date) =>
      (await batchesOf(await fileOf(name, content, modified))).batches;
    const first = await events('timeless.log', 'one\ntwo');

    expect(await events('timeless.log', 'one\ntwo', new Date('2026-02-01T00:00:00Z'))).toEqual(first);
    expect(await events('timeless.log', 'one\ntwo!')).not.toEqual(first);
    expect(first.flat().map(({ timestamp }) => new Date(timestamp).getUTCFullYear())).toEqual([2000, 2000]);
  });

  test('takes times and several-line messages from an export file, gzipped or not', async () => {
    const text = '2024-01-01T00:00:00.002Z {\n  "a": 1\n}\n2024-01-01T00:00:00.001Z two\n';
    const { batches } = await batchesOf(await fileOf('000000.gz', gzipSync(text)));

    expect(batches).toEqual([
      [
        { timestamp: Date.parse('2024-01-01T00:00:00.001Z'), message: 'two' },
        { timestamp: Date.parse('2024-01-01T00:00:00.002Z'), message: '{\n  "a": 1\n}' },
      ],
    ]);
  });

  test('leaves container logs, which begin with a time as well, as they are', async () => {
    const line = '2024-01-01T00:00:00.000Z stdout F 192.0.2.1 - -';
    const { batches } = await batchesOf(await fileOf('cri.log', line));

    expect(messages(batches)).toEqual([line]);
  });

  test('keeps to the events and bytes PutLogEvents takes at once', async () => {
    const lines = [
      ...Array.from({ length: 10_001 }, (_, index) => `line ${index}`),
      ...Array(3).fill('x'.repeat(600_000)),
    ];
    const { batches } = await batchesOf(await fileOf('many.log', lines.join('\n')));

    expect(batches.map(({ length }) => length)).toEqual([10_000, 2, 1, 1]);
    expect(messages(batches)).toEqual(lines);
  });

  test('cuts a line no event can hold, and says so', async () => {
    const { batches, notes } = await batchesOf(await fileOf('long.log', `first\n${'x'.repeat(1_100_000)}\nlast\n`));

    expect(messages(batches).map(({ length }) => length)).toEqual([5, 65_536, 4]);
    expect(notes).toEqual([expect.stringContaining('long.log: line 2 has 1100000 bytes')]);
  });

  test('gives the whole lines before a break in the gzip', async () => {
    const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index} ${Math.sin(index)}`);
    const gzipped = gzipSync(lines.join('\n'));
    const file = await fileOf('broken.gz', gzipped.subarray(0, gzipped.length / 2));
    const { batches } = await batchesOf(file);
    const found = messages(batches);

    expect(file.unreadable?.reason).toBe('broken_gzip');
    expect(found.length).toBeGreaterThan(1000);
    expect(found).toEqual(lines.slice(0, found.length));
  });
});

describe('logStreamOf', () => {
  test('begins with the file’s name, and with the folder’s for an export file', async () => {
    expect(logStreamOf(await fileOf('gateway.log.gz', gzipSync('a')))).toMatch(/^gateway\.log\//);
    expect(logStreamOf({ ...(await fileOf('a', 'a')), path: '/exports/pod-7/000000.gz' })).toMatch(/^pod-7\//);
  });

  test('is the same for the same file and another for other events', async () => {
    const first = logStreamOf(await fileOf('same.log', 'a'));

    expect(logStreamOf(await fileOf('same.log', 'a'))).toBe(first);
    expect(logStreamOf(await fileOf('same.log', 'b'))).not.toBe(first);
    expect(logStreamOf(await fileOf('same.log', 'a', new Date('2026-01-06T00:00:00Z')))).toBe(first);
  });
});
