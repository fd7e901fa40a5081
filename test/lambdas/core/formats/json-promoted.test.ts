import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { MAX_PROMOTED } from '../../../../lambdas/core/formats/json-columns.ts';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { type Reading, readLines } from '../../../helpers/read-lines.ts';

const DECLARED = {
  columns: { time: 'timestamp', level: 'string', message: 'string', status: { type: 'int', from: 'http.status' } },
};
const KEYS = ['tenant', 'order_id', 'kubernetes'];
const PROMOTED = { ...DECLARED, promoted: Object.fromEntries(KEYS.map((key) => [key, 'string'])) };

/** The reading that promotion must not change: what columns of promoted keys have is in extra instead. */
function unpromoted(reading: Reading): Reading {
  if (!('row' in reading)) return reading;
  const extra = { ...Object(reading.row.extra) };
  const row = Object.entries(reading.row).filter(([name, value]) => {
    if (KEYS.includes(name)) extra[name] = value;
    return !KEYS.includes(name) && name !== 'extra';
  });
  return { row: { ...Object.fromEntries(row), ...(Object.keys(extra).length > 0 && { extra }) } };
}

/** Keys of extra in lower case, as the column's name is. */
function inLowerCase(reading: Reading): Reading {
  if (!('row' in reading) || !reading.row.extra) return reading;
  const extra = Object.entries(reading.row.extra as Record<string, string>).map(([key, value]) => {
    return [KEYS.includes(key.toLowerCase()) ? key.toLowerCase() : key, value];
  });
  return { row: { ...reading.row, extra: Object.fromEntries(extra) } };
}

describe('promoted columns', () => {
  test('change nothing of a line but that their values are in columns, in envelopes too', { timeout: 60_000 }, () => {
    const member = fc.tuple(
      fc.constantFrom(
        ...KEYS,
        'Tenant',
        'log',
        'message',
        'stream',
        'source',
        'level',
        'http',
        '_p',
        'partial_message',
        'other',
      ),
      fc.oneof(
        fc.constantFrom(
          '"stdout"',
          '"{\\"level\\":\\"x\\",\\"tenant\\":\\"inner\\"}"',
          '"P"',
          '{"offset":1}',
          '"true"',
          'null',
        ),
        fc.constantFrom('7', '"text"', '{"status":200}', '[1,{"a":2}]', '"2026-11-22T10:00:00Z stdout F {}"'),
        fc.jsonValue().map((value) => JSON.stringify(value).toWellFormed()),
      ),
    );
    const line = fc
      .array(member, { maxLength: 7 })
      .map((members) => `{${members.map(([key, value]) => `"${key}":${value}`)}}`);
    const [declared, promoted] = [json.compile(DECLARED), json.compile(PROMOTED)];
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
        expect(readLines(promoted, lines).map(unpromoted)).toEqual(readLines(declared, lines).map(inLowerCase));
      }),
      { numRuns: 500 },
    );
  });

  test('follow the declared columns, and are in no record key', () => {
    const { columns, recordKeys } = json.compile({
      ...DECLARED,
      promoted: { request_id: 'string', order: { type: 'bigint', from: 'orderId' } },
    });
    expect(Object.keys(columns)).toEqual(['time', 'level', 'message', 'status', 'request_id', 'order']);
    expect(columns.order).toMatchObject({ type: 'bigint', comment: 'Value of the key or path orderId.' });
    expect(recordKeys).toEqual([]);
  });

  test('have the JSON keys that they would have if they were declared', () => {
    const { columns: declared } = json.compile({ columns: { ...DECLARED.columns, tenant: 'string' } });
    expect(json.compile(PROMOTED).columns.tenant).toEqual(declared.tenant);
  });

  test.each<[string, FormatOptions['promoted'], string]>([
    ['a list', ['a'], 'promoted: expected an object of name: type'],
    ['a declared name', { Level: 'string' }, 'promoted.Level: expected a name that no declared column has'],
    ['a name twice', { a: 'string', A: 'string' }, 'promoted.A: expected names that differ by more than case'],
    ['a type unknown', { a: 'text' }, 'promoted.a: expected a type of timestamp'],
    [
      'a key of a declared column',
      { a: { type: 'string', from: 'HTTP' } },
      'promoted.a: expected a key or path that is not',
    ],
    ['a key of an envelope', { a: { type: 'string', from: 'log.level' } }, 'promoted.a: expected another key than log'],
    [
      'too many',
      Object.fromEntries(Array.from({ length: MAX_PROMOTED + 1 }, (_, index) => [`c${index}`, 'string'])),
      'at most 50 columns, got 51',
    ],
  ])('cannot be %s', (_, promoted, message) => {
    expect(() => json.compile({ ...DECLARED, promoted })).toThrow(message);
  });

  test('cannot have the JSON key of another column as their name', () => {
    const names = Array.from({ length: 3000 }, (_, index) => `c${index}`);
    const key = (name: string) => json.compile({ columns: { [name]: 'string' } }).columns[name]?.key ?? '';
    const declared = names.find((name) => /^[a-z][a-z0-9]{2}$/.test(key(name))) ?? '';
    expect(() => json.compile({ columns: { [declared]: 'string' }, promoted: { [key(declared)]: 'string' } })).toThrow(
      `promoted.${key(declared)}: expected another name, because by chance it is a JSON key`,
    );
  });
});
