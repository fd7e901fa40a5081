import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { landingKey } from '../../../bin/input/landing-key.ts';
import { alb } from '../../../lambdas/core/formats/alb.ts';
import { json } from '../../../lambdas/core/formats/json.ts';
import { kong } from '../../../lambdas/core/formats/kong.ts';
import { textOf } from '../../../lambdas/core/lines/utf8.ts';
import type { CompiledFormat } from '../../../lambdas/core/reading/format.ts';
import { Row } from '../../../lambdas/core/reading/row.ts';
import { albLines } from '../../../local/sample/alb.ts';
import { ALB_ODDITIES } from '../../../local/sample/alb-oddities.ts';
import { appEvents } from '../../../local/sample/app.ts';
import { kongLines } from '../../../local/sample/kong.ts';
import { count, emptyTally, type SampleLine } from '../../../local/sample/sample-line.ts';
import { type SampleSource, writeSample } from '../../../local/sample/write-sample.ts';
import { LOAD_BALANCER, NODE } from '../../helpers/alb.ts';
import { sharedFolder } from '../../helpers/folder.ts';

const FROM = Date.parse('2026-01-05T10:00:00Z');
const SPAN = { from: FROM, to: FROM + 300_000 };

interface Generator {
  readonly name: string;
  readonly format: CompiledFormat;
  readonly lines: (seed: string, count: number, oddEvery?: number) => Iterable<SampleLine>;
  /** The line as a reader gets it. */
  readonly text: (line: SampleLine) => string;
}

const GENERATORS: readonly Generator[] = [
  {
    name: 'albLines',
    format: alb.compile({}),
    lines: (seed, lines, oddEvery) =>
      albLines(seed, lines, { ...SPAN, loadBalancer: LOAD_BALANCER, node: NODE, oddEvery }),
    text: ({ text }) => textOf(Buffer.from(text, 'latin1')).replace(/\r$/, ''),
  },
  {
    name: 'kongLines',
    format: kong.compile({}),
    lines: (seed, lines, oddEvery) => kongLines(seed, lines, { ...SPAN, node: 'gateway', oddEvery }),
    text: ({ text }) => text,
  },
  {
    name: 'appEvents',
    format: json.compile({ preset: 'server-logs' }),
    lines: (seed, lines, oddEvery) => appEvents(seed, lines, { ...SPAN, instance: 'web', oddEvery }),
    text: ({ text }) => text,
  },
];

describe.each(GENERATORS)('$name', ({ format, lines, text }) => {
  test('gives the same lines for the same seed and others for another', () => {
    const texts = (seed: string) => [...lines(seed, 200)].map((line) => line.text);

    expect(texts('one')).toEqual(texts('one'));
    expect(texts('one')).not.toEqual(texts('two'));
  });

  test('gives lines in order of time, within the interval', () => {
    const times = [...lines('seed', 1000)].map(({ time }) => time);

    expect(times).toHaveLength(1000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(SPAN.from);
    expect(times.at(-1)).toBeLessThan(SPAN.to);
  });

  test('gives everyday traffic alone when no line is to be odd', () => {
    const odd = [...lines('seed', 500, Number.POSITIVE_INFINITY)].filter(({ fate }) => fate.oddity !== undefined);

    expect(odd).toEqual([]);
  });

  test('tells of each line what its format makes of it', () => {
    const row = new Row(format.columns);
    const tally = emptyTally();

    for (const line of lines('seed', 600, 2)) {
      row.begin();
      const { kind } = format.reader.read(text(line), row);
      const counted = kind === 'row' ? [row.fieldErrors, row.unknownFields] : [0, 0];
      expect([kind, ...counted], line.text).toEqual([
        line.fate.outcome,
        line.fate.fieldErrors,
        line.fate.unknownFields,
      ]);
      count(tally, line.fate);
    }

    expect(tally.lines).toBe(600);
    expect(tally.lines).toBe(tally.rows + tally.filtered + tally.rejected);
    expect([...tally.oddities.values()].every((lines) => lines > 1)).toBe(true);
  });
});

describe('albLines', () => {
  const everyday = [
    ...albLines('seed', 5000, { ...SPAN, loadBalancer: LOAD_BALANCER, node: NODE, oddEvery: Number.POSITIVE_INFINITY }),
  ].map(({ text }) => text);

  test.each([
    ['WebSockets', /^wss .* 101 101 /],
    ['IPv6 clients', /^\S+ \S+ \S+ 2001:db8:/],
    ['requests the firewall blocked', / 403 - .*"waf"/],
    ['redirects', / 301 - .*"redirect" "https:/],
    ['functions as targets', /^\S+ \S+ \S+ \S+ - .* 200 200 .*targetgroup\/reports-function/],
    ['failures of the target', / -1 -1 504 - /],
  ])('has %s among its everyday traffic', (_name, pattern) => {
    expect(everyday.some((line) => pattern.test(line))).toBe(true);
  });

  test('has every oddity once in a turn', () => {
    const lines = [
      ...albLines('seed', ALB_ODDITIES.length, { ...SPAN, loadBalancer: LOAD_BALANCER, node: NODE, oddEvery: 1 }),
    ];

    expect(new Set(lines.map(({ fate }) => fate.oddity)).size).toBe(ALB_ODDITIES.length);
  });

  test('has bytes that are no UTF-8', () => {
    const lines = [...albLines('seed', 100, { ...SPAN, loadBalancer: LOAD_BALANCER, node: NODE, oddEvery: 1 })];
    const wrong = lines.filter(({ text }) => Buffer.from(text, 'latin1').toString('utf8').includes('\ufffd'));

    expect(new Set(wrong.map(({ fate }) => fate.oddity))).toEqual(new Set(['byte that is no UTF-8']));
  });
});

describe('writeSample', () => {
  const lines = { alb: 2000, kong: 500, app: 500 };
  const dir = sharedFolder();
  let sample: SampleSource[];

  beforeAll(async () => {
    sample = await writeSample(dir, { seed: 'seed', end: new Date('2026-01-05T10:33:12Z'), lines });
  });

  test('plants the lines asked for in every source', () => {
    expect(sample.map(({ source, planted }) => [source, planted.lines])).toEqual(Object.entries(lines));
  });

  test('names ALB files as ELB does, five minutes apart, the last at the last full interval', () => {
    const names = (sample[0]?.files ?? []).map((file) => basename(file));
    const minutes = new Set(names.map((name) => /_(\d{8}T\d{4}Z)_/.exec(name)?.[1]));

    expect([...minutes]).toEqual([
      '20260105T1005Z',
      '20260105T1010Z',
      '20260105T1015Z',
      '20260105T1020Z',
      '20260105T1025Z',
      '20260105T1030Z',
    ]);
    expect(names.map(landingKey).every((key) => key.startsWith('AWSLogs/'))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
  });

  test('writes as many lines as it says', async () => {
    const texts = await Promise.all((sample[0]?.files ?? []).map(async (file) => gunzipSync(await readFile(file))));

    expect(texts.flatMap((text) => text.toString('latin1').trimEnd().split('\n'))).toHaveLength(lines.alb);
  });

  test('writes log streams as CloudWatch exports them', async () => {
    const [file = ''] = sample[1]?.files ?? [];
    const text = await readFile(file, 'utf8');

    expect(
      text
        .trimEnd()
        .split('\n')
        .every((line) => /^2026-01-05T10:\d\d:\d\d\.\d{3}Z /.test(line)),
    ).toBe(true);
  });
});
