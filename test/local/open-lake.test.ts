import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { stackOf } from '../../local/local-lake.ts';
import { openLake } from '../../local/open-lake.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';

const LINE =
  'http 2026-03-04T05:06:07.186641Z app/web/50dc6c495c0c9188 192.0.2.1:2817 192.0.2.2:80 0.000 0.001 0.000 200 200 34 366 ' +
  '"GET http://www.example.com:80/ HTTP/1.1" "curl/8.5.0" - - ' +
  'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067 ' +
  '"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-03-04T05:06:07.186000Z "forward" "-" "-" "192.0.2.2:80" "200" "-" "-"\n';

test('a lake runs the stack that is deployed, for one process at a time', { timeout: 120_000 }, async () => {
  const dir = temporaryFolder();
  const lake = await openLake({ dir });
  onTestFinished(() => lake.close());
  await expect(openLake({ dir })).rejects.toThrow(`lake ${dir} is in use by process ${process.pid}`);

  const file = join(dir, 'input.log.gz');
  writeFileSync(file, gzipSync(LINE.repeat(3)));
  await lake.putObject('landing', 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/03/04/some.log.gz', file);
  expect(await lake.drain()).toEqual(NOTHING_FAILED);
  const delivered = (table: string): string[] =>
    readdirSync(join(dir, 'buckets/lake/data', table), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.parquet'),
    );
  expect(delivered('alb')).toHaveLength(1);
  expect(delivered('loads')).toHaveLength(1);

  await lake.close();
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('a lake opens whatever a process left that died while it replaced the stack', { timeout: 240_000 }, async () => {
  const dir = temporaryFolder();
  /** @returns whether the stack was synthesized */
  const open = async (context = {}) => {
    const lines: string[] = [];
    await (await openLake({ dir, context, progress: (line) => lines.push(line) })).close();
    return lines.includes('synthesizing the stack');
  };
  expect(await open()).toBe(true);
  expect(await open()).toBe(false);
  const [stack, old, made] = ['stack', 'stack.old', 'stack.tmp'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];

  renameSync(stack, old);
  mkdirSync(made);
  expect(stackOf(dir)).toBe(old);
  expect(readLakeFolder(dir).tables.length).toBeGreaterThan(0);
  expect(await open({ scanLimitGiB: 1 })).toBe(true);
  expect(stackOf(dir)).toBe(stack);
  expect(await open({ scanLimitGiB: 1 })).toBe(false);

  mkdirSync(old);
  writeFileSync(join(stack, 'manifest.json'), '');
  expect(await open({ scanLimitGiB: 1 })).toBe(true);
  expect(readLakeFolder(dir).tables.length).toBeGreaterThan(0);
  expect([existsSync(old), existsSync(made)]).toEqual([false, false]);
});
