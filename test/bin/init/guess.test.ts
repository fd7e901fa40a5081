import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guessFormats } from '../../../bin/init/guess.ts';
import { FORMATS } from '../../../lambdas/core/formats/registry.ts';

const lines = (...records: object[]) => records.map((record) => JSON.stringify(record));
const best = (given: readonly string[]) => {
  const [{ format, options } = { format: undefined, options: undefined }] = guessFormats(given);
  return { format, options };
};

describe('the format of lines', () => {
  test.each([...FORMATS.values()].map((format) => [format.name, format.exampleLines] as const))(
    '%s is found by its examples',
    (name, exampleLines) => {
      expect(best(exampleLines).format).toBe(name);
    },
  );

  test('has the log_format that reads them, among those that are known', () => {
    const before = '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET / HTTP/1.1" 200';
    expect(best([`${before} 0.005 12 "example.com" "-" "curl/8.9.1"`])).toEqual({
      format: 'nginx',
      options: { preset: 'timed' },
    });
    const ingress = `${before} 12 "-" "curl/8.9.1" 99 0.005 [app] [] 198.51.100.7:80 12 0.004 200 1f2e3d4c`;
    expect(best([ingress])).toEqual({ format: 'nginx', options: { preset: 'ingress-nginx' } });
  });

  test('is the one that is asked for, with its options', () => {
    const asked = { format: 'nginx', options: { logFormat: '$remote_addr $status $request_time' } };
    expect(guessFormats(['192.0.2.1 200 0.1'], asked)).toMatchObject([asked]);
    expect(guessFormats(['192.0.2.1 200 0.1'])).toEqual([]);
    expect(guessFormats(['192.0.2.1 200 0.1'], { format: 'alb' })).toEqual([]);
  });

  test.each([['prose that is no log'], [''], ['{'], ['[1,2]'], ['{}']])('is not found for %j', (line) => {
    expect(guessFormats([line, line])).toEqual([]);
  });
});

describe('lines of JSON', () => {
  test('have the preset of their logger, and columns for what it does not take', () => {
    const pino = { level: 30, time: 1795348980123, pid: 7, hostname: 'web-1', msg: 'started', port: 8080 };
    expect(best(lines(pino, pino))).toEqual({
      format: 'json',
      options: { preset: 'pino', columns: { port: 'bigint' } },
    });
    const ecs = { '@timestamp': '2026-11-22T10:00:00Z', 'log.level': 'info', message: 'm', 'ecs.version': '8.11' };
    expect(best(lines({ ...ecs, service: { name: 'web' } }))).toEqual({ format: 'json', options: { preset: 'ecs' } });
  });

  test('have no preset that takes only what most logs have', () => {
    const { options } = best(
      lines({ timestamp: '2026-11-22T10:00:00Z', level: 'INFO', message: 'm', shop: 'a', cart: 2 }),
    );
    expect(options).toEqual({
      columns: { timestamp: 'timestamp', level: 'string', message: 'string', shop: 'string', cart: 'bigint' },
    });
  });

  test('have columns that their format reads without an error and without leaving a field', () => {
    const given = lines(
      { 'a.b': 1, c: { d: { e: 'x' }, f: [1] }, dt: 1, Ünïcode: 1, '9lives': true, userId: 5, USERID2: 1 },
      { 'a.b': 2.5, c: { d: { e: 7 } }, raw: 'r', origin: null, 'x y': '2026-11-22 10:00:00', '': 'empty' },
      { c: 'text' },
    );
    const [guess] = guessFormats(given);
    expect(guess).toMatchObject({ format: 'json', errors: 0, share: 1 });
    expect(guess?.options.columns).toEqual({
      a_b: { type: 'double', from: 'a.b' },
      c: 'string',
      dt_2: { type: 'bigint', from: 'dt' },
      n_code: { type: 'bigint', from: 'Ünïcode' },
      lives: { type: 'boolean', from: '9lives' },
      user_id: { type: 'bigint', from: 'userId' },
      userid2: 'bigint',
      raw_2: { type: 'string', from: 'raw' },
      x_y: { type: 'timestamp', from: 'x y' },
    });
  });

  test('have a time where numbers are one, and a fraction where one may come', () => {
    const columns = (record: object) => best(lines(record, record)).options?.columns;
    expect(columns({ ts: 1795348980, id: 1795348980, took_ms: 3, big: 12345678901234567n.toString(), n: 1 })).toEqual({
      ts: 'timestamp',
      id: 'bigint',
      took_ms: 'double',
      big: 'string',
      n: 'bigint',
    });
  });

  test('keep an object whose keys are values as text', () => {
    const map = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`user-${index}`, index]));
    expect(best(lines({ map, a: 1, b: 2 })).options?.columns).toEqual({ map: 'string', a: 'bigint', b: 'bigint' });
  });

  test('have columns whose JSON keys differ, where two names would have the same one by chance', () => {
    const columns = { jyo_eu_am_p0g: 'double', a_2: { type: 'string', from: 'a' } };
    expect(best(lines({ jyo_eu_am_p0g: 0.5 }, { a: {} })).options?.columns).toEqual(columns);
    expect(best(lines({ a: {} }, { jyo_eu_am_p0g: 0.5 })).options?.columns).toEqual({
      a: 'string',
      jyo_eu_am_p0g_2: { type: 'double', from: 'jyo_eu_am_p0g' },
    });
  });

  test('of any kind have columns that their format accepts', () => {
    const key = fc.oneof(fc.constantFrom('a', 'b', 'A', 'a.b', 'b.c', 'dt', 'time', 'x y', '1', 'ts'), fc.string());
    const plain = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom(1795348980, '2026-11-22'));
    const value = fc.oneof(plain, fc.dictionary(key, fc.oneof(plain, fc.dictionary(key, plain)), { maxKeys: 3 }));
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, value, { maxKeys: 4 }), { minLength: 1, maxLength: 3 }), (records) => {
        // An option that the format refuses would throw.
        expect(guessFormats(lines(...records)).every(({ share }) => share >= 0.5)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('within an envelope have the columns of the record', () => {
    const record = JSON.stringify({ a: 1, b: { c: true } });
    const docker = JSON.stringify({ log: `${record}\n`, stream: 'stdout', time: '2026-11-22T10:00:00Z' });
    expect(best([docker]).options?.columns).toMatchObject({ a: 'bigint', b_c: { type: 'boolean', from: 'b.c' } });
  });
});
