import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFile } from '../../../bin/input/parse-file.ts';
import { FORMATS } from '../../../lambdas/core/formats/registry.ts';
import type { CompiledFormat } from '../../../lambdas/core/reading/format.ts';

const JSON_LINES = FORMATS.get('json')?.compile({ columns: { id: 'int' } }) as CompiledFormat;

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'parse-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function parsedAs(name: string, content: string | Buffer) {
  const path = join(dir, name);
  await writeFile(path, content);
  return parseFile(path, JSON_LINES, 10);
}

describe('parseFile', () => {
  test.each([
    ['plain lines in a file called .gz', '{"id":1}\n{"id":2}\n'],
    ['zstd in a file called .gz', zstdCompressSync('{"id":1}\n{"id":2}\n')],
    ['gzip within zstd', zstdCompressSync(gzipSync('{"id":1}\n{"id":2}\n'))],
  ])('reads %s', async (_, content) => {
    expect(await parsedAs('lines.log.gz', content)).toMatchObject({ lines: 2, rows: 2, rejected: 0 });
  });

  test('rejects a file without lines of text as one line that names what it is', async () => {
    const content = Buffer.from('\uFEFF{"id":1}\n{"id":2}\n', 'utf16le');
    for (const stored of [content, gzipSync(content), zstdCompressSync(content)]) {
      expect(await parsedAs('utf-16.json', stored)).toMatchObject({
        lines: 1,
        rows: 0,
        rejected: 1,
        reasons: { unreadable_content: 1 },
        parsed: [
          {
            line: 1,
            outcome: 'rejected',
            reason: 'unreadable_content',
            detail: 'expected lines of text, gzip or zstd, got UTF-16 text',
            raw: 'ff fe 7b 00 22 00 69 00 64 00 22 00 3a 00 31 00',
          },
        ],
      });
    }
  });

  test('names the layer that is broken', async () => {
    const content = zstdCompressSync('{"id":1}\n'.repeat(1000));
    expect(await parsedAs('broken.zst', gzipSync(content.subarray(0, -3)))).toMatchObject({
      rejected: 1,
      reasons: { broken_zstd: 1 },
    });
  });
});
