import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInputs } from '../../../bin/input/input-files.ts';
import { sortOut } from '../../../bin/input/load-files.ts';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';

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
