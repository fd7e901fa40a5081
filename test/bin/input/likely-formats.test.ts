import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { likelyFormats, noRowsText } from '../../../bin/input/likely-formats.ts';
import { FORMATS } from '../../../lambdas/core/formats/registry.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function fileOf(content: string | Buffer): string {
  const path = join(temporaryFolder(), 'some.log');
  writeFileSync(path, content);
  return path;
}

describe('likelyFormats', () => {
  test.each([...FORMATS.values()].map((format) => [format.name, format] as const))(
    'finds %s by its example lines, plain or compressed',
    async (name, { exampleLines }) => {
      const text = `${exampleLines.join('\n')}\n`.repeat(40);
      expect(await likelyFormats(fileOf(text))).toContain(name);
      expect(await likelyFormats(fileOf(gzipSync(text)))).toContain(name);
    },
  );

  test.each([
    ['prose', 'Dear reader,\nthis is no log.\n'],
    ['an empty file', ''],
    ['binary data', Buffer.from([0x1f, 0x8b, 0, 1, 2, 3])],
  ])('finds no format for %s', async (_, content) => {
    expect(await likelyFormats(fileOf(content))).toEqual([]);
  });
});

test('noRowsText names the other formats, and never the one that was given', () => {
  expect(noRowsText('a.log', 'alb', ['nginx', 'kong'])).toBe(
    'a.log: none of its lines is a row: is this a log of the format alb?; the first lines are read by the format nginx, or by kong',
  );
  expect(noRowsText('a.log', 'alb', ['alb'])).toBe(
    'a.log: none of its lines is a row: is this a log of the format alb?; `lake init --like a.log` guesses another',
  );
});
