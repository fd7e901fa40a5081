import { afterAll, describe, expect, test } from 'vitest';
import { bisected } from '../bin/operations/bisect.ts';
import { escapeControls } from '../bin/output/render.ts';
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import { LineSplitter } from '../lambdas/core/lines/lines.ts';
import { textOf } from '../lambdas/core/lines/utf8.ts';
import { LineBatcher } from '../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../lambdas/core/loading/pack.ts';
import { unwrap } from '../lambdas/core/reading/envelope.ts';
import { type CompiledFormat, type FormatOptions, readLine } from '../lambdas/core/reading/format.ts';
import { objectMembers, plainText, readObject } from '../lambdas/core/reading/json-text.ts';
import { clientAddress } from '../lambdas/core/reading/log-values.ts';
import { Row } from '../lambdas/core/reading/row.ts';
import { readTime } from '../lambdas/core/reading/time-forms.ts';
import { rowTime, shownTime } from '../lambdas/core/reading/times.ts';
import { bigint, boolean, double, int, numbered, text, timestamp } from '../lambdas/core/tables/table.ts';
import { ConversionError, openXByKey } from '../local/firehose/openx.ts';
import { StepCounter } from './helpers/steps.ts';

/** What a line may repeat: what formats give a meaning to, and what is hard to read. */
const UNITS = [
  ...['1', '0', '.', '1.', 'e', '-', '::', '[', ']', '{', '}', '[]', '{}', '1,', ' ', ' : ', ', ', '"', '""', '" "'],
  ...['\\', '\\\\', '\\"', '\\x', '\\x41', '\\u0041', '\t', 'é', '\ud800', '\uFEFF', '\r', 'a', '?', '/', '%', '|'],
  ...['NaN,', '-Infinity', '"a":1,', '{"a":', '[1,', '"a":{"b":NaN},', 'HTTP/', '255.', '"-" ', '\\" ', '}\n', '{"0":'],
];

const SIZE = 300;

const steps = new StepCounter();
afterAll(() => steps.close());

/** Fails if the steps grow by more than the input does. */
function expectLinear(run: (text: string) => unknown, unit: string): void {
  const [small, large] = [SIZE, 4 * SIZE].map((times) => steps.of(() => run(unit.repeat(times)))) as [number, number];
  expect(
    large / small,
    `${small} steps for ${SIZE} times ${JSON.stringify(unit)}, ${large} for 4 times as many`,
  ).toBeLessThan(5);
}

/** Puts a text at many places of another. */
function* placed(line: string, inserted: string): Generator<string> {
  const ends = [...line.matchAll(/\b|["\s]/g)].map(({ index }) => index);
  const places = ends.filter((_, index) => index % Math.ceil(ends.length / 12) === 0);
  for (const at of [...places, line.length]) {
    yield line.slice(0, at) + inserted + line.slice(at);
    yield line.slice(0, at) + inserted;
  }
}

test('steps show a loop within a loop, and a built-in function within one', () => {
  const nested = (value: string) => {
    let count = 0;
    for (const _ of value) for (const _ of value) count++;
    return count;
  };
  const searched = (value: string) => [...value].filter((_, index) => value.indexOf('no', index) < 0);
  for (const quadratic of [nested, searched]) expect(() => expectLinear(quadratic, '1')).toThrow('4 times as many');
});

test('steps are the same each time', () => {
  const run = () => readObject('{"a":[1,2,{"b":"c"}]}');
  steps.of(run);
  expect(steps.of(run)).toBe(steps.of(run));
});

const NGINX = '$remote_addr|$time_local|$msec|"$request"|$status|$upstream_response_time|$http_traceparent|$http_a';
const OTHER: readonly (readonly [string, FormatOptions, string])[] = [
  [
    'nginx',
    { logFormat: `${NGINX} : $http_b`, filters: { no_http: false, no_client_address: false } },
    '192.0.2.1|29/Nov/2024:11:41:46 +0000|1732880506.1|"GET /a?b HTTP/1.1"|200|0.1, 0.2|00-1-2|a, b : c',
  ],
  [
    'nginx',
    { logFormat: '{"a":"$request","b":"$remote_addr:$remote_port"}', escape: 'json', filters: { no_http: false } },
    '{"a":"GET / HTTP/1.1","b":"::1:80"}',
  ],
  ['kong', {}, '{"log":"192.0.2.1 - - [29/Nov/2024:11:41:46 +0000] \\"GET / HTTP/1.1\\" 200 1\\n","stream":"stdout"}'],
  ['kong', {}, '2024-11-29T11:41:46.1Z stdout F 192.0.2.1 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1'],
  [
    'json',
    { columns: { a: 'int', b: 'bigint', c: 'double', d: 'timestamp', e: 'boolean', f: 'string' } },
    '{"a":1.0,"b":"2","c":3e5,"d":1732880506.5,"e":true,"f":{"g":[1]},"h":{"i":"j"}}',
  ],
];

const READERS: readonly (readonly [string, CompiledFormat, readonly string[]])[] = [
  ...[...FORMATS.values()].map(
    (format) => [format.name, format.compile(format.exampleOptions ?? {}), format.exampleLines] as const,
  ),
  ...OTHER.map(
    ([name, options, line]) => [name, FORMATS.get(name)?.compile(options) as CompiledFormat, [line]] as const,
  ),
];

describe.each(READERS)('the reader of %s', (_, format, lines) => {
  const row = new Row(format.columns);
  const read = (line: string) => {
    row.begin();
    readLine(format.reader, line, row);
    row.json('origin', 1, line, 'always');
    format.reader.pieceOf?.(line);
  };

  test.each(UNITS)('takes linear time where a line repeats %j', (unit) => {
    const line = lines[0] ?? '';
    expectLinear((repeated) => {
      for (const each of placed(line, repeated)) read(each);
    }, unit);
  });
});

const columns = {
  a: text(''),
  b: int(''),
  c: bigint(''),
  d: double(''),
  e: timestamp(''),
  f: boolean(''),
} as const;

describe('in linear time', () => {
  const row = new Row(columns);
  const convert = openXByKey(numbered(columns));
  const values = (repeated: string) => [repeated, `1${repeated}`, `${repeated}1`, `1${repeated}e`, `-1.${repeated}x`];
  const keys = numbered(columns).map(({ key }) => key);

  test.each(UNITS)('a row is written of values that repeat %j', (unit) => {
    expectLinear((repeated) => {
      for (const value of values(repeated)) {
        row.begin();
        row.text('a', value);
        row.int('b', value);
        row.bigint('c', value);
        row.double('d', value);
        row.timestamp('e', value);
        for (let times = 0; times < repeated.length / 4; times++) row.extra(`${times % 7}#${times}`, '');
        for (let times = 0; times < repeated.length / 4; times++) row.error(`b#${2 ** (times % 30)}`, '', '');
        row.json('origin', 1, value, 'always');
        const time = readTime(value);
        if (time) rowTime(time);
        shownTime(value);
        clientAddress(value);
        unwrap(value);
        escapeControls(value);
      }
    }, unit);
  });

  test.each(UNITS)('JSON is read that repeats %j', (unit) => {
    expectLinear((repeated) => {
      for (const line of placed('{"a":{"b":["c",1]},"d":NaN,"e":""}', repeated)) {
        for (const member of readObject(line).members ?? []) {
          plainText(member.json);
          objectMembers(member);
        }
      }
    }, unit);
  });

  test.each(UNITS)('Firehose converts records that repeat %j', (unit) => {
    expectLinear((repeated) => {
      for (const value of values(repeated)) {
        for (const key of keys) tryConvert(`{"0":"o","${key}":${JSON.stringify(value)}}`);
        for (const record of placed('{"0":"o","a":1}{"0":"o","b":{"c":"d"}}', repeated)) tryConvert(record);
      }
    }, unit);
  });

  const tryConvert = (record: string) => {
    try {
      convert(record);
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
    }
    const rows = rowsOf(Buffer.from(record));
    bisected({ name: 't', columns: numbered(columns) } as never, { rows, code: 'x.ParseError', message: '' });
  };

  test.each(UNITS)('bytes that repeat %j become lines, and text', (unit) => {
    expectLinear((repeated) => {
      const bytes = Buffer.from(`\xff${repeated}\xc3${repeated}`, 'latin1');
      const read = (line: Uint8Array) => textOf(Buffer.from(line));
      const splitter = new LineSplitter({ line: read, longLine: read });
      for (let at = 0; at < bytes.length; at += 7) splitter.push(bytes.subarray(at, at + 7));
      splitter.end();
    }, unit);
  });

  test.each(UNITS)('lines are packed that repeat %j', (unit) => {
    const format = FORMATS.get('json')?.compile({ preset: 'server-logs' }) as CompiledFormat;
    expectLinear((repeated) => {
      const batcher = new LineBatcher({
        source: 'logs',
        origin: 'origin',
        format,
        keepRaw: 'always',
        shared: new Map(),
        now: () => new Date(0),
      });
      for (const line of placed('{"level":"INFO","status_code":200}\n', repeated)) batcher.push(Buffer.from(line));
      batcher.end();
      batcher.takeRemaining();
    }, unit);
  });
});
