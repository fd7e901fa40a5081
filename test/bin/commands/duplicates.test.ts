import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { linesText, reportText } from '../../../bin/output/duplicates-text.ts';
import { everydayAlbLines } from '../../helpers/alb.ts';
import { sharedFolder } from '../../helpers/folder.ts';

const LAKE = fileURLToPath(new URL('../../../bin/lake.ts', import.meta.url));

const dir = sharedFolder();

const lake = (...args: readonly string[]) => command('duplicates', ...args);

function command(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [LAKE, ...args], { cwd: dir }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const lines = (seed: string, count: number) =>
  everydayAlbLines(seed, count, { from: Date.now() - 600_000, node: '192.0.2.9' });

describe('lake duplicates', () => {
  test('--check counts in files, and tells where duplicates stand', async () => {
    const own = lines('check', 30);
    await writeFile(join(dir, 'a.log'), [...own, own[4], own[4]].join('\n'));
    await writeFile(join(dir, 'b.log.gz'), gzipSync(own.slice(20).join('\n')));
    const { code, stdout } = await lake('--check', 'a.log', 'b.log.gz', 'a.log', '--json');
    expect(code).toBe(0);
    const checked = JSON.parse(stdout);
    expect(checked).toMatchObject({
      source: 'alb',
      files: [
        { file: 'a.log', records: 32 },
        { file: 'b.log.gz', records: 10 },
      ],
      checked: 42,
      duplicates: 12,
      withinObject: 2,
      acrossObjects: 10,
      rate: 12 / 42,
      problems: [],
    });
    expect(checked.sample).toContainEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
      text: own[4],
      places: [5, 31, 32].map((line) => ({ file: 'a.log', line })),
    });
  });

  test('--check goes by the recordKey a source has', async () => {
    await writeFile(join(dir, 'c.log'), ['{"id":"1","n":1}', '{"id":"1","n":2}', '{"id":"2","n":2}'].join('\n'));
    const source = { name: 'app', format: 'json', columns: { id: 'string', n: 'int' } };
    const of = async (sources: object) => {
      const args = ['--source', 'app', '-c', `sources=${JSON.stringify([sources])}`, '--json'];
      return JSON.parse((await lake('--check', 'c.log', ...args)).stdout).duplicates;
    };
    expect(await of(source)).toBe(0);
    expect(await of({ ...source, recordKey: ['id'] })).toBe(1);
  });

  test.each([
    [['--check', 'missing.log'], 1, 'nothing to check: missing.log: no such file or folder'],
    [['--check', 'missing.log', '--json'], 1, 'nothing to check: missing.log: no such file or folder'],
    [['--check', 'a.log', '--source', 'other'], 2, 'no source other: give one of alb, kong, app with --source'],
    [
      ['--check', 'a.log', '--since', '1h'],
      2,
      "option '--check <file...>' cannot be used with option '--since <time>'",
    ],
    [[], 1, 'no lake in this folder'],
  ])('%j ends with exit code %i and a line that says why', async (args, code, message) => {
    const ended = await lake(...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(message);
  });
});

describe('lake duplicates of a lake', () => {
  const none = {
    checked: 0,
    duplicates: 0,
    withinObject: 0,
    acrossObjects: 0,
    redelivered: 0,
    outsideWindow: 0,
    late: 0,
    rate: 0,
  };
  const place = (key: string) => ({ origin: expect.any(String), what: `s3://landing/${key}` });

  beforeAll(async () => {
    const own = lines('lake', 30);
    await writeFile(join(dir, 'one.log'), [...own, own[4], own[4]].join('\n'));
    await writeFile(join(dir, 'two.log'), own.slice(20).join('\n'));
    expect(await command('run', 'one.log', 'two.log', '--lake', 'mine')).toMatchObject({ code: 0 });
    expect(await command('run', 'two.log', '--lake', 'mine')).toMatchObject({ code: 0 });
  }, 120_000);

  test('--json is the sources and a sample that names both places, and nothing else', async () => {
    const { code, stdout } = await lake('--lake', 'mine', '--json');
    expect(code).toBe(0);
    const { sources, sample, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({});
    expect(sources).toEqual([
      {
        ...none,
        source: 'alb',
        checked: 42,
        duplicates: 12,
        withinObject: 2,
        acrossObjects: 10,
        redelivered: 1,
        rate: 12 / 42,
      },
      { source: 'kong', ...none },
      { source: 'app', ...none },
    ]);
    const of = { source: 'alb', minute: expect.any(String), fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) };
    expect(sample).toContainEqual({ ...of, kind: 'within', places: [place('one.log')] });
    expect(sample).toContainEqual({
      ...of,
      kind: 'across',
      places: expect.arrayContaining([place('one.log'), place('two.log')]),
    });
    expect(sample.length).toBeLessThanOrEqual(10);
  });

  test('--source and --since leave out the rest', async () => {
    const of = async (...args: readonly string[]) =>
      JSON.parse((await lake('--lake', 'mine', '--json', ...args)).stdout);
    expect((await of('--source', 'kong')).sources).toEqual([{ source: 'kong', ...none }]);
    expect((await of('--source', 'alb', '--since', '1h')).sources).toMatchObject([{ checked: 42 }]);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect(await of('--source', 'alb', '--since', later)).toEqual({
      sources: [{ source: 'alb', ...none }],
      sample: [],
    });
  });

  test('is rates, a chart and the sample for people; --lines shows what came twice', async () => {
    const { stdout } = await lake('--lake', 'mine', '--source', 'alb', '--lines');
    expect(stdout).toContain('28.57 %');
    expect(stdout).toMatch(/alb: duplicate rate over event time, up to [\d.]+ %\n[·▁▂▃▄▅▆▇█ ]+\n/);
    expect(stdout).toContain('s3://landing/two.log line ');
    expect(stdout).toMatch(/^[0-9a-f]{12} {2}\w+ \d{4}-/m);
  });

  test('--check counts in objects of the lake, beside files', async () => {
    const { code, stdout } = await lake('--check', 's3://landing/one.log', 'two.log', '--lake', 'mine', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ checked: 42, withinObject: 2, acrossObjects: 10 });
    expect(await lake('--check', 's3://landing/none.log', '--lake', 'mine')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('s3://landing/none.log'),
    });
  });
});

describe('what people read', () => {
  const source = {
    source: 'alb',
    checked: 3000,
    duplicates: 30,
    withinObject: 10,
    acrossObjects: 20,
    redelivered: 2,
    outsideWindow: 1,
    rate: 0.01,
    sampleRate: 0.1,
    minutes: [
      { minute: '2026-11-22T10:00:00.000Z', checked: 1000, duplicates: 0 },
      { minute: '2026-11-22T10:01:00.000Z', checked: 1000, duplicates: 10 },
      { minute: '2026-11-22T10:03:00.000Z', checked: 1000, duplicates: 20 },
    ],
  };

  test('is a table of rates with a chart over time: a gap where nothing was checked, a dot where nothing was found', () => {
    const text = reportText({ sources: [source], sample: [] });
    expect(text).toContain('1.00 %');
    expect(text).toContain('10.00 %');
    expect(text).toContain('up to 2.00 %\n·▄ █\n2026-11-22T10:00 to 2026-11-22T10:03');
  });

  test('has a chart of one line, however long the time', () => {
    const minutes = Array.from({ length: 1440 }, (_, index) => ({
      minute: new Date(Date.parse('2026-11-21T00:00:00Z') + index * 60_000).toISOString(),
      checked: 10,
      duplicates: index % 2,
    }));
    const [, , , , bars] = reportText({ sources: [{ ...source, minutes }], sample: [] }).split('\n');
    expect(bars).toBe('█'.repeat(60));
  });

  test('shows no control characters of the lines', () => {
    const places = [{ file: 's3://logs/a', line: 7 }];
    const text = linesText([{ fingerprint: '0'.repeat(16), text: '\x1b[31mred', places }]);
    expect(text).toBe('0000000000000000  \\x1b[31mred\n  s3://logs/a line 7');
  });
});
