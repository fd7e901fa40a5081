import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import { openParquetFile } from '../../../../lambdas/core/parquet/file.ts';
import { rowTime } from '../../../../lambdas/core/reading/times.ts';
import { sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { sharedFolder } from '../../../helpers/folder.ts';
import { CASES } from '../reading/kernel-cases.ts';
import { byHyparquet, columnsOf, Duck, EVERY_TYPE, fileOf, metadataOf } from './reading.ts';

const dir = sharedFolder();
let duck: Duck;
beforeAll(async () => {
  duck = await Duck.open(dir);
});
afterAll(() => duck.close());

const numRuns = Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 40);

/** A row as JSON, of values that are JSON already. */
const rowOf = (values: Readonly<Record<string, string | undefined>>) =>
  `{${Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `"${key}":${value}`)
    .join(',')}}`;

/** Values of each type as rows have them. */
const VALUES = {
  string: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 90 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(62)}é`, `${'x'.repeat(62)}é1`),
    fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\\', '"', '\n', '\u0000', 'é', 'a'), maxLength: 20 }),
  ),
  int: fc.oneof(fc.integer(), fc.integer({ min: -3, max: 600 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31))),
  bigint: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 99n })),
  double: fc.oneof(
    fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
    fc.integer({ min: -99_999, max: 99_999 }).map((value) => String(value / 1000)),
    fc.constantFrom('-0', '0', '5e-324', '1.7976931348623157e+308', '0.1234567890123456', '123456789012345.5', '1E5'),
  ),
  boolean: fc.boolean(),
  timestamp: fc
    .tuple(
      fc.date({ noInvalidDate: true, min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }),
      fc.constantFrom('', '.', '.001', '.123456', '.000001', '.5', '.999999'),
    )
    .map(([date, fraction]) => rowTime(date.toISOString().slice(0, 19) + (fraction === '.' ? '' : fraction))?.value),
} as const;

const json = (value: unknown) => JSON.stringify(value);
const [A, B, C, D, E, F] = EVERY_TYPE.map(({ key }) => key) as [string, string, string, string, string, string];
const anyRow = fc
  .record(
    {
      [A]: VALUES.string.map(json),
      [B]: VALUES.int.map(json),
      [C]: VALUES.bigint.map(String),
      [D]: VALUES.double,
      [E]: VALUES.boolean.map(json),
      [F]: VALUES.timestamp.map(json),
    },
    { requiredKeys: [] },
  )
  .filter((row) => Object.keys(row).length > 0)
  .map(rowOf);

describe('a Parquet file', () => {
  // For the runs that the environment may ask for.
  test('has what Firehose makes of the same rows', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 200 }), async (rows) => {
        expect(await duck.differences(EVERY_TYPE, rows, fileOf(EVERY_TYPE, rows))).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('has the rows that the kernel and the readers make of lines of every format', { timeout: 60_000 }, async () => {
    for (const { format, lines } of CASES) {
      const batcher = new LineBatcher({
        source: 'logs',
        origin: 'origin000000',
        format,
        keepRaw: 'always',
        shared: new Map(),
        now: () => new Date(0),
      });
      batcher.push(Buffer.from(`${[...lines, ...lines].join('\n')}\n`));
      batcher.end();
      const rows = rowsOf(Buffer.concat(batcher.takeRemaining().flatMap((batch) => [...batch.rows])));
      const { columns } = sourceTable('logs', '', format.columns, 'objects');
      expect(await duck.differences(columns, rows, fileOf(columns, rows))).toEqual([]);
    }
  });

  test('may have no rows', async () => {
    const bytes = fileOf(EVERY_TYPE, []);
    expect(metadataOf(bytes)).toMatchObject({ created_by: 'tributary version 1', num_rows: 0n, row_groups: [] });
    expect(await duck.differences(EVERY_TYPE, [], bytes)).toEqual([]);
    expect(await byHyparquet(bytes)).toEqual([]);
  });

  test('may have columns without a value, of every type', async () => {
    const columns = [...EVERY_TYPE, ...columnsOf({ n: 'int' }).map((column) => ({ ...column, key: 'xyz' }))];
    const rows = Array.from({ length: 30 }, (_, index) => `{"xyz":${index}}`);
    const bytes = fileOf(columns, rows);
    expect(await duck.differences(columns, rows, bytes)).toEqual([]);
    expect(await byHyparquet(bytes)).toEqual(rows.map((_, n) => ({ n })));
  });

  test('keeps texts of a MiB, more than one in a page', { timeout: 60_000 }, async () => {
    const rows = Array.from({ length: 6 }, (_, index) => rowOf({ [A]: json(`${index} ${'é'.repeat(500_000)}`) }));
    const bytes = fileOf(EVERY_TYPE, rows);
    expect(await duck.differences(EVERY_TYPE, rows, bytes)).toEqual([]);
    expect((await byHyparquet(bytes)).map(({ text }) => (text as string).length)).toEqual(
      rows.map((_, index) => 500_001 + `${index}`.length),
    );
  });

  test('keeps null, booleans and numbers in a text column as a deserializer of JSON does', async () => {
    const rows = [`{"${A}":null}`, `{"${A}":true}`, `{"${A}":12.50}`, `{"${A}":"1"}`];
    expect(await byHyparquet(fileOf(EVERY_TYPE, rows))).toEqual([
      {},
      { text: 'true' },
      { text: '12.50' },
      { text: '1' },
    ]);
  });

  test('reads the same with a reader of its own kind', async () => {
    const row = { [A]: '"é\\u0000\\ud83d\\ude00"', [B]: '-7', [C]: '9223372036854775807', [D]: '0.25', [E]: 'false' };
    const bytes = fileOf(EVERY_TYPE, [
      rowOf({ ...row, [F]: '1795348980138' }),
      rowOf({ [F]: '"2026-1-2 03:04:05.000006"' }),
    ]);
    expect(await byHyparquet(bytes)).toEqual([
      {
        text: 'é\0😀',
        count: -7,
        bytes: 9223372036854775807n,
        seconds: 0.25,
        ok: false,
        time: new Date(1795348980138),
      },
      { time: new Date('2026-01-02T03:04:05Z') },
    ]);
  });
});

describe('its row groups', () => {
  /** Columns whose values repeat often, seldom, never, and at first often. */
  const columns = columnsOf({
    often: 'string',
    seldom: 'string',
    never: 'string',
    once: 'string',
    later: 'string',
    status: 'int',
    number: 'bigint',
    ratio: 'double',
    at: 'timestamp',
  });
  const rows = Array.from({ length: 70_000 }, (_, index) =>
    rowOf({
      [columns[0]?.key as string]: index % 7 === 0 ? undefined : json(`value ${index % 11}`),
      [columns[1]?.key as string]: json(`${index % 20_011}`),
      [columns[2]?.key as string]: json(`id ${index} of a kind`),
      [columns[3]?.key as string]: json('one'),
      [columns[4]?.key as string]: json(index < 30_000 ? `${index % 5}` : `${index} é`),
      [columns[5]?.key as string]: String([200, 404, 503][index % 3]),
      [columns[6]?.key as string]: String(2n ** 60n + BigInt(index)),
      [columns[7]?.key as string]: String((index % 1000) / 1000),
      [columns[8]?.key as string]: String(1795348980138 + index),
    }),
  );
  const options = { rowGroupBytes: 1024 * 1024 };

  test('have the rows in their order, with and without dictionaries', { timeout: 60_000 }, async () => {
    const bytes = fileOf(columns, rows, options);
    expect(await duck.differences(columns, rows, bytes)).toEqual([]);
    expect((await byHyparquet(bytes)).map(({ never }) => never)).toEqual(
      rows.map((_, index) => `id ${index} of a kind`),
    );
    const { row_groups: groups } = metadataOf(bytes);
    expect(groups.length).toBeGreaterThan(1);
    const encodings = (name: string) =>
      groups.flatMap(({ columns: chunks }) =>
        chunks
          .filter(({ meta_data: data }) => data?.path_in_schema[0] === name)
          .map(({ meta_data: data }) => data?.encodings.includes('RLE_DICTIONARY')),
      );
    expect(new Set(encodings('often'))).toEqual(new Set([true]));
    expect(new Set(encodings('never'))).toEqual(new Set([false]));
    expect(new Set(encodings('later'))).toEqual(new Set([true, false]));
  });

  test('are taken as they are full, so that the memory does not grow with the file', () => {
    const file = openParquetFile(columns, options);
    const held: number[] = [];
    let taken = 0;
    for (let round = 0; round < 12; round++) {
      for (let at = 0; at < 20_000; at += 1000) {
        file.append(Buffer.from(rows.slice(at, at + 1000).join('')));
        taken += file.take().reduce((sum, part) => sum + part.length, 0);
      }
      held.push(file.memoryBytes);
    }
    expect(file.rows).toBe(240_000);
    expect(taken).toBeGreaterThan(0);
    taken += file.finish().reduce((sum, part) => sum + part.length, 0);
    expect(file.bytes).toBe(taken);
    expect(Math.max(...held.slice(6))).toBeLessThan(Math.max(...held.slice(0, 6)) * 1.1);
  });

  test('may be compressed by another zstd', async () => {
    const compress = (page: Uint8Array) => Buffer.concat([zstdCompressSync(page), zstdCompressSync(Buffer.alloc(0))]);
    const few = rows.slice(0, 100);
    expect(await duck.differences(columns, few, fileOf(columns, few, { compress }))).toEqual([]);
  });

  test('state bounds which no value is outside of, and count nulls', async () => {
    await fc.assert(
      fc.property(fc.array(anyRow, { minLength: 1, maxLength: 12 }), (some) => {
        const bytes = fileOf(EVERY_TYPE, some);
        const values = some.map((row) => JSON.parse(row) as Record<string, unknown>);
        const chunks = metadataOf(bytes).row_groups[0]?.columns ?? [];
        for (const [index, { name, key, type }] of EVERY_TYPE.entries()) {
          const { statistics } = chunks[index]?.meta_data ?? {};
          const own = values.map((row) => row[key]).filter((value) => value !== undefined);
          expect(statistics?.null_count, name).toBe(BigInt(some.length - own.length));
          const { min_value: least, max_value: greatest } = statistics ?? {};
          if (type === 'bigint') {
            const numbers = some.flatMap((row) => /"c":(-?\d+)/.exec(row)?.[1] ?? []).map(BigInt);
            numbers.sort((a, b) => (a < b ? -1 : 1));
            expect([least, greatest], name).toEqual([numbers[0], numbers.at(-1)]);
          } else if (type === 'int' || type === 'double') {
            // A zero is below every zero as the least value, and above every zero as the greatest.
            const [smallest, largest] = [Math.min(...(own as number[])), Math.max(...(own as number[]))];
            const zeros = type === 'double' ? [-0, 0] : [0, 0];
            const wanted = [smallest === 0 ? zeros[0] : smallest, largest === 0 ? zeros[1] : largest];
            expect([least, greatest], name).toEqual(own.length > 0 ? wanted : [undefined, undefined]);
          }
          if (type !== 'string') continue;
          const texts = own.map((value) => Buffer.from(value as string)).sort(Buffer.compare);
          const [first, last] = [texts[0], texts.at(-1)];
          if (!first || !last) expect([least, greatest]).toEqual([undefined, undefined]);
          else {
            const bounds = [least, greatest].map((bound) => Buffer.from(bound as unknown as string));
            if (statistics?.is_min_value_exact) expect(bounds[0]).toEqual(first);
            else expect(Buffer.compare(bounds[0] as Buffer, first)).toBeLessThan(0);
            if (statistics?.is_max_value_exact) expect(bounds[1]).toEqual(last);
            else if (greatest !== undefined) expect(Buffer.compare(bounds[1] as Buffer, last)).toBeGreaterThan(0);
            expect(Math.max(...bounds.map(({ length }) => length))).toBeLessThanOrEqual(67);
          }
        }
      }),
      { numRuns },
    );
  });

  test('let DuckDB find rows by them', { timeout: 60_000 }, async () => {
    const from = duck.file(fileOf(columns, rows, options));
    const count = async (where: string) =>
      (await duck.query(`SELECT count(*)::INT AS n FROM (${from}) WHERE ${where}`))[0]?.n;
    expect(await count("never = 'id 69999 of a kind'")).toBe(1);
    expect(await count('number = 1152921504606846976')).toBe(1);
    expect(await count('"at" >= TIMESTAMP \'2026-11-22 12:04:09\'')).toBe(
      rows.filter((_, index) => 1795348980138 + index >= Date.parse('2026-11-22T12:04:09Z')).length,
    );
    expect(await count('ratio = 0.999')).toBe(70);
    expect(await count('often IS NULL')).toBe(10_000);
  });

  test('do not take long for values whose hashes collide', () => {
    // Numbers whose product with the hash's factor has no other bits than the lowest and the highest 16.
    const inverse = 0xf1de83e19937733dn;
    const colliding = Array.from({ length: 20_000 }, (_, index) =>
      rowOf({ [C]: String(BigInt.asIntN(64, inverse * ((BigInt(index) << 48n) | 1n))) }),
    );
    const bytes = fileOf(EVERY_TYPE, colliding);
    const [{ columns: chunks } = { columns: [] }] = metadataOf(bytes).row_groups;
    expect(chunks[2]?.meta_data?.encodings).not.toContain('RLE_DICTIONARY');
  });
});

describe('what is no row of the table is an error', () => {
  test.each([
    ['a row that breaks off', '{"a":"x","b":1}{"a":"x"', /expected a row .*got \{"a":"x"/],
    ['a text that breaks off', '{"a":"x', /expected a row/],
    ['a key that no column has', '{"zz":1}', /expected a row .*got \{"zz":1\}/],
    ['a key that is too long', '{"count":1}', /expected a row/],
    ['white space before a text', '{"a": "x"}', /expected a row/],
    ['white space before a number', '{"b": 1}', /column count/],
    ['an object in a text column', '{"a":{"b":1}}', /expected a row/],
    ['what is no JSON', 'x', /expected a row/],
    ['a number that is too large for an int', '{"b":2147483648}', /column count: row 1 of the page has no int/],
    ['a text for a number', '{"c":"1"}', /column bytes: row 1 of the page has no bigint/],
    ['a number that is too large for a bigint', '{"c":9223372036854775808}', /column bytes/],
    ['a fraction for a whole number', '{"c":1.5}', /column bytes/],
    ['a number that is too large for a double', '{"d":1e400}', /column seconds/],
    ['a word for a double', '{"d":true}', /column seconds/],
    ['a number for a boolean', '{"e":1}', /column ok/],
    ['a day that does not exist', '{"f":"2026-2-29 00:00:00"}', /column time/],
    ['an hour that does not exist', '{"f":"2026-2-28 24:00:00"}', /column time/],
    ['a time of more digits', '{"f":"2026-2-28 23:00:00.1234567"}', /column time/],
    ['a time with a fraction of seconds', '{"f":1795348980.5}', /column time/],
  ])('%s', (_, row, message) => {
    expect(() => fileOf(EVERY_TYPE, [row])).toThrow(message);
  });

  test('a column has a key of one to three characters', () => {
    const [column] = columnsOf({ text: 'string' });
    expect(() => openParquetFile([{ ...(column as (typeof EVERY_TYPE)[number]), key: 'text' }])).toThrow(
      /one to 3 ASCII characters, got text/,
    );
  });
});
