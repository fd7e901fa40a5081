import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInputs } from '../../../bin/input/input-files.ts';
import { loadFiles, sortOut } from '../../../bin/input/load-files.ts';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';
import type { LocalLake } from '../../../local/local-lake.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sorted-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('sortOut', () => {
  test('takes a file without lines of text as an object, and leaves it out where lines become log events', async () => {
    await writeFile(join(dir, 'lines.log'), 'a line\n');
    await writeFile(join(dir, 'archive.log'), 'PK\x03\x04');
    const { files } = await readInputs([dir]);
    const settings = { name: 'app', format: 'json', streams: ['app'], keepRaw: 'never' } as const;
    const objects: SourceSettings = { ...settings, lane: 'objects', bucket: 'logs' };
    const events: SourceSettings = { ...settings, lane: 'events', logGroups: ['/app'] };
    const taken = (source: SourceSettings) => sortOut(source, files).taken.map(({ path }) => path);
    expect(taken(objects)).toEqual([join(dir, 'archive.log'), join(dir, 'lines.log')]);
    expect(taken(events)).toEqual([join(dir, 'lines.log')]);
    expect(sortOut(events, files).left).toEqual([]);
  });
});

test('a file that breaks off before its first line becomes no log event, and is not waited for', async () => {
  await writeFile(join(dir, 'broken.log.gz'), gzipSync('{"n":1}\n').subarray(0, 12));
  await writeFile(join(dir, 'whole.log'), '{"n":1}\n');
  const put: string[] = [];
  const lake = {
    putLogEvents: async (_group: string, stream: string) => void put.push(stream),
  } as unknown as LocalLake;
  const settings = { name: 'app', format: 'json', options: { columns: { n: 'int' } }, streams: ['app'] } as const;
  const source: SourceSettings = { ...settings, keepRaw: 'never', lane: 'events', logGroups: ['/app'] };
  const { files } = await readInputs([join(dir, 'broken.log.gz'), join(dir, 'whole.log')]);
  const handed = await loadFiles(lake, source, files, () => {});
  expect(handed.map(({ path }) => path)).toEqual([join(dir, 'whole.log')]);
  expect(put).toEqual(handed.map(({ logStream }) => logStream));
});
