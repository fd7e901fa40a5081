import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passedOverText, readInputs } from '../../../bin/input/input-files.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'inputs-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function inputOf(name: string, content: Buffer) {
  const path = join(dir, name);
  await writeFile(path, content);
  const { files, problems } = await readInputs([path]);
  return { file: files[0], problems: problems.map((problem) => problem.replace(`${dir}/`, '')) };
}

describe('readInputs', () => {
  test('has no complaint of zstd, nor of a layer in another', async () => {
    for (const content of [zstdCompressSync('a line\n'), gzipSync(gzipSync('a line\n'))]) {
      expect((await inputOf('fine.log', content)).problems).toEqual([]);
    }
  });

  test('names what a file is that has no lines of text, and takes the hash of all its bytes', async () => {
    const archive = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(3_000_000, 'a\n')]);
    const { file, problems } = await inputOf('logs.zip', archive);
    expect(problems).toEqual([
      'logs.zip: expected lines of text, gzip or zstd, got a zip archive; none of its lines is read; ' +
        'give them as UTF-8 text, plain or compressed by gzip or zstd',
    ]);
    expect(file?.sha256).toBe(createHash('sha256').update(archive).digest('hex'));
  });

  test('says where a file breaks, and takes the hash of all its bytes', async () => {
    const broken = Buffer.concat([zstdCompressSync('a line\n'), Buffer.alloc(3_000_000, 'garbage')]);
    const { file, problems } = await inputOf('broken.log', broken);
    expect(problems).toEqual([
      'broken.log: expected zstd up to its end, got bytes after the end of the compressed data; ' +
        'only the lines before the break are read; get a whole copy',
    ]);
    expect(file?.sha256).toBe(createHash('sha256').update(broken).digest('hex'));
  });

  test('reads the logs of a folder, and tells which other files it passes over', async () => {
    const folder = join(dir, 'mixed');
    await mkdir(join(folder, 'inner'), { recursive: true });
    for (const name of ['a.log', 'access_log', 'inner/b.log.1', 'inner/notes.txt', '.hidden']) {
      await writeFile(join(folder, name), 'a line\n');
    }
    const { files, problems, passedOver } = await readInputs([folder]);
    expect(files.map(({ path }) => path)).toEqual([join(folder, 'a.log'), join(folder, 'inner', 'b.log.1')]);
    expect(problems).toEqual([]);
    expect(passedOver).toEqual([join(folder, 'access_log'), join(folder, 'inner', 'notes.txt')]);
  });

  test('names five of the files that it passes over', () => {
    expect(passedOverText([])).toEqual([]);
    expect(passedOverText(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toEqual([
      'not read, because their names are not those of logs (*.log, *.gz, *.zst, *.json): a, b, c, d, e and 2 more; ' +
        'give the files themselves if they have other names',
    ]);
  });

  test('finds nothing to load in an empty file within layers', async () => {
    const { file, problems } = await inputOf('empty.log.gz', gzipSync(zstdCompressSync('')));
    expect(file).toBeUndefined();
    expect(problems).toEqual(['empty.log.gz: no lines in the compressed file; nothing to load']);
  });
});
