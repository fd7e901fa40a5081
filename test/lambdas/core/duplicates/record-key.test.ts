import { describe, expect, test } from 'vitest';
import { fingerprintOf, isSampled } from '../../../../lambdas/core/duplicates/record-key.ts';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { everydayAlbLines } from '../../../helpers/alb.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { recordsOf as objectRecords } from '../../../helpers/records.ts';

const FROM = Date.parse('2026-01-05T10:00:00Z');

/** An everyday line's fields; quoted ones without spaces between, so that each is one. */
const FIELDS = everydayAlbLines('recordKey', 1, { from: FROM, to: FROM + 60_000 }).flatMap(
  (line) => line.match(/"[^"]*"|\S+/g) ?? [],
);

const KONG =
  '192.0.2.7 - - [29/Nov/2024:11:41:46 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl" kong_request_id: "0123456789abcdef"';

interface Case {
  readonly format: string;
  readonly options?: FormatOptions;
  readonly recordKey?: readonly string[];
}

/** The records of some lines: their fingerprints and minutes. */
const recordsOf = ({ format, options = {}, recordKey }: Case, lines: readonly string[]) =>
  objectRecords(compiled(format, options), [Buffer.from(`${lines.join('\n')}\n`)], recordKey);

function areAlike(of: Case, one: string, other: string): boolean {
  const [first, second, ...rest] = recordsOf(of, [one, other]);
  expect(rest).toEqual([]);
  return first?.fingerprint === second?.fingerprint;
}

const albWith = (changes: Readonly<Record<number, string>>) =>
  FIELDS.map((field, index) => changes[index] ?? field).join(' ');

const app = { format: 'json', options: { preset: 'server-logs' } };
const event = (keys: object) =>
  JSON.stringify({ timestamp: '2026-01-05T10:00:00Z', request_id: 'r1', level: 'INFO', path: '/a', ...keys });

describe('the recordKey of a record', () => {
  test.each([
    ['another time', { 1: '2026-01-05T10:00:00.000001Z' }],
    ['another client', { 3: '192.0.2.99:1' }],
    ['another target', { 4: '203.0.113.99:1' }],
    ['no target', { 4: '-' }],
    ['another request', { 12: '"GET https://example.com:443/other HTTP/1.1"' }],
    ['another trace id', { 17: '"Root=1-0-1"' }],
    ['another time of the request', { 21: '2026-01-05T10:00:00.000001Z' }],
    ['another connection', { 29: 'TID_0' }],
  ])('an ALB line with %s is another record', (_, changes) => {
    expect(areAlike({ format: 'alb' }, albWith({}), albWith(changes))).toBe(false);
  });

  test.each([
    ['another user agent', { 13: '"other"' }],
    ['more bytes', { 11: '1234567' }],
    ['a field AWS has added since', { 33: '192.0.2.1 "new"' }],
  ])('an ALB line with %s is the same record', (_, changes) => {
    expect(areAlike({ format: 'alb' }, albWith({}), albWith(changes))).toBe(true);
  });

  test('a Kong line is told by its request id, and by the whole line where there is none', () => {
    expect(areAlike({ format: 'kong' }, KONG, KONG.replace(' 200 ', ' 201 '))).toBe(true);
    expect(areAlike({ format: 'kong' }, KONG, KONG.replace('0123', '9999'))).toBe(false);
    const [old = ''] = KONG.split(' kong_request_id');
    expect(areAlike({ format: 'kong' }, old, old)).toBe(true);
    expect(areAlike({ format: 'kong' }, old, old.replace(' 200 ', ' 201 '))).toBe(false);
  });

  test('a gateway line with a trace id alone is told by that, the time and the URL', () => {
    const logFormat = '[$time_local] "$request" $status $http_traceparent';
    const of = { format: 'nginx', options: { logFormat } };
    const line = '[29/Nov/2024:11:41:46 +0000] "GET /a HTTP/1.1" 200 00-0af7651916cd43dd8448eb211c80319c-b7ad6b71-01';
    expect(areAlike(of, line, line.replace(' 200 ', ' 500 '))).toBe(true);
    expect(areAlike(of, line, line.replace('/a', '/b'))).toBe(false);
    expect(areAlike(of, line, line.replace('0af7', '1111'))).toBe(false);
  });

  test('an application event is told by its request id and time: a request logs several events', () => {
    expect(areAlike(app, event({}), event({ level: 'WARN' }))).toBe(true);
    expect(areAlike(app, event({}), event({ request_id: 'r2' }))).toBe(false);
    expect(areAlike(app, event({}), event({ timestamp: '2026-01-05T10:00:00.5Z' }))).toBe(false);
    expect(areAlike(app, event({ request_id: null }), event({ request_id: null, level: 'WARN' }))).toBe(false);
  });

  test('events of one request in one millisecond are told by their type and their message', () => {
    const lambda = { format: 'json', options: { preset: 'lambda-platform' } };
    const platform = (type: string, status = 'success') =>
      `{"time":"2026-11-22T12:03:00.401Z","type":"${type}","record":{"requestId":"r-1","status":"${status}"}}`;
    expect(areAlike(lambda, platform('platform.report'), platform('platform.runtimeDone'))).toBe(false);
    expect(areAlike(lambda, platform('platform.report'), platform('platform.report', 'timeout'))).toBe(true);
    const pino = { format: 'json', options: { preset: 'pino' } };
    const served = (msg: string) => `{"level":30,"time":1795348980186,"req":{"id":"r-1"},"msg":"${msg}"}`;
    expect(areAlike(pino, served('begun'), served('done'))).toBe(false);
    expect(areAlike(pino, served('done'), served('done'))).toBe(true);
  });

  test('a record is told by the columns a source names instead', () => {
    const of = { ...app, recordKey: ['path', 'level'] };
    expect(areAlike(of, event({}), event({ request_id: 'r2', timestamp: '2026-01-05T10:09:00Z' }))).toBe(true);
    expect(areAlike(of, event({}), event({ level: 'WARN' }))).toBe(false);
    expect(areAlike(of, event({ path: null }), event({ path: null, request_id: 'r2' }))).toBe(false);
  });

  test('tells lists of values apart that read the same one after the other', () => {
    const of = { format: 'json', options: { columns: { a: 'string', b: 'string' } }, recordKey: ['a', 'b'] };
    expect(areAlike(of, '{"a":"x","b":"|1:y"}', '{"a":"x|1:","b":"y"}')).toBe(false);
    expect(areAlike(of, '{"a":"x","b":null}', '{"a":"x","b":"-"}')).toBe(false);
  });
});

describe('the records of an object', () => {
  test('the records of an object are its rows and its rejected lines, not the blank ones nor what filters leave out', () => {
    const health = KONG.replace('192.0.2.7', '127.0.0.1');
    const lines = [KONG, '', health, KONG.replace('0123', '9999'), '2024/11/29 11:41:46 [warn] no request'];
    expect(recordsOf({ format: 'kong' }, lines).map(({ position }) => position)).toEqual([1, 4]);
    expect(recordsOf({ format: 'alb' }, [albWith({}), 'no ALB line', '   ']).map(({ position }) => position)).toEqual([
      1, 2,
    ]);
  });

  test('have the minute of their event, and none where the line tells none', () => {
    const minutes = recordsOf(app, [event({ timestamp: '2026-01-05T10:00:59.999Z' }), '{"request_id":"r"}', 'x']);
    expect(minutes.map(({ minute }) => minute)).toEqual([
      Date.parse('2026-01-05T10:00:00Z') / 60_000,
      undefined,
      undefined,
    ]);
  });

  test('records are of the last minute there is where they tell a later one', () => {
    const lines = ['6000-01-01T00:00:00Z', '7000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'];
    const minutes = recordsOf(app, ['', ...lines.map((timestamp) => event({ timestamp })), '']);
    const last = 2 ** 31 - 1;
    expect(minutes.map(({ minute }) => minute)).toEqual([Date.parse('6000-01-01T00:00:00Z') / 60_000, last, last]);
    const [, ...alone] = lines.map((timestamp) => recordsOf(app, [event({ timestamp })])[0]?.minute);
    expect(alone).toEqual([last, last]);
  });
});

describe('a sample', () => {
  const fingerprints = Array.from({ length: 20_000 }, (_, index) => fingerprintOf(undefined, `line ${index}`)[1] ?? 0);

  test.each([0.001, 0.1, 0.5])('a sample of rate %s has that share of fingerprints', (rate) => {
    const kept = fingerprints.filter((high) => isSampled(high, rate)).length;
    const deviation = Math.sqrt(fingerprints.length * rate * (1 - rate));
    expect(Math.abs(kept - fingerprints.length * rate)).toBeLessThan(4 * deviation);
  });

  test('a sample of a lower rate is part of that of a higher one; of rate 1 everything', () => {
    for (const fingerprint of fingerprints) {
      if (isSampled(fingerprint, 0.1)) expect(isSampled(fingerprint, 0.2)).toBe(true);
      expect(isSampled(fingerprint, 1)).toBe(true);
    }
  });
});

test('a record whose time has no zone has the minute and the key of its time in UTC', () => {
  const local = { format: 'json', options: { preset: 'server-logs', localTimeZone: 'Asia/Seoul' } };
  // The first line is read by the TypeScript reader, the second by the kernel.
  const lines = ['2026-01-05T19:00:30', '2026-01-05 19:00:30'].map((timestamp) => event({ timestamp }));
  const [exact] = recordsOf(app, [event({ timestamp: '2026-01-05T10:00:30Z' })]);
  for (const record of recordsOf(local, lines)) {
    expect(record).toMatchObject({ minute: exact?.minute, fingerprint: exact?.fingerprint });
  }
});
