import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_METRICS } from '../../../../lambdas/core/iceberg/data-file.ts';
import { openParquetFile, type ParquetOptions } from '../../../../lambdas/core/parquet/file.ts';
import type { Column, ColumnType } from '../../../../lambdas/core/tables/table.ts';
import { sharedFolder } from '../../../helpers/folder.ts';
import { byArrow, byHyparquet, columnsOf, Duck, EVERY_TYPE, metadataOf } from './reading.ts';

const dir = sharedFolder();
let duck: Duck;
beforeAll(async () => {
  duck = await Duck.open(dir);
});
afterAll(() => duck.close());

const DAY = '2026-11-22';
const idsOf = (columns: readonly Column[]) =>
  Object.fromEntries([...columns.map(({ name }, index) => [name, 3 * index + 2]), ['dt', 1000]]);

/** A file of an Iceberg table, with what it says of itself. */
function icebergFile(columns: readonly Column[], rows: readonly string[], options: ParquetOptions = {}) {
  const ids = idsOf(columns);
  const file = openParquetFile(columns, { ...options, iceberg: { ids, day: DAY } });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < rows.length; at += 1000) {
    file.append(Buffer.from(rows.slice(at, at + 1000).join('')));
    parts.push(...file.take());
  }
  parts.push(...file.finish());
  return { bytes: Buffer.concat(parts), ids, metrics: file.metrics() };
}

/** Iceberg's binary form of one value. https://iceberg.apache.org/spec/#binary-single-value-serialization */
const READERS: Readonly<Record<ColumnType, (bytes: Buffer) => unknown>> = {
  string: (bytes) => bytes.toString(),
  int: (bytes) => bytes.readInt32LE(),
  bigint: (bytes) => bytes.readBigInt64LE(),
  double: (bytes) => bytes.readDoubleLE(),
  boolean: (bytes) => bytes.readUInt8() === 1,
  timestamp: (bytes) => bytes.readBigInt64LE(),
};
const valueIn = (type: ColumnType, base64: string | undefined) =>
  base64 === undefined ? undefined : READERS[type](Buffer.from(base64, 'base64'));

const textOf = (value: string) => `{"a":${JSON.stringify(value)}}`;

describe('a file of an Iceberg table', () => {
  const rows = [
    '{"a":"x","b":-7,"c":9,"d":0.25,"e":true,"f":1795348980138}',
    '{"b":12,"c":-9223372036854775808,"d":-1,"f":"2026-1-2 03:04:05.000006"}',
    '{"a":"é"}',
  ];

  test('names its columns by the ids of their fields', () => {
    const { bytes, ids } = icebergFile(EVERY_TYPE, rows);
    const [, ...schema] = metadataOf(bytes).schema;
    expect(Object.fromEntries(schema.map(({ name, field_id: id }) => [name, id]))).toEqual(ids);
    expect(schema.map(({ name }) => name)).toEqual([...EVERY_TYPE.map(({ name }) => name), 'dt']);
    const hive = openParquetFile(EVERY_TYPE);
    hive.append(Buffer.from(rows.join('')));
    const ofHive = metadataOf(Buffer.concat(hive.finish())).schema.slice(1);
    expect(ofHive.map(({ name, field_id: id }) => [name, id])).toEqual(EVERY_TYPE.map(({ name }) => [name, undefined]));
  });

  test('has its day in each row, beside the columns that a file of Hive has', { timeout: 60_000 }, async () => {
    for (const count of [0, 1, 63, 64, 127, 128, 70_000]) {
      const some = Array.from({ length: count }, (_, index) => `{"b":${index},"a":"text ${index % 100}"}`);
      const { bytes } = icebergFile(EVERY_TYPE, some, { rowGroupBytes: 1 });
      const wanted = [{ rows: `${count}`, days: `${count}`, b: count === 0 ? null : `${(count * (count - 1)) / 2}` }];
      for (const file of [bytes, byArrow(bytes)]) {
        const sql = `SELECT count(*) AS rows, count(*) FILTER (dt = '${DAY}') AS days, sum(b_) AS b
          FROM (SELECT dt, count AS b_ FROM (${duck.file(file)}))`;
        expect(await duck.query(sql)).toEqual(wanted);
      }
      if (count < 1000) expect((await byHyparquet(bytes)).map(({ dt }) => dt)).toEqual(some.map(() => DAY));
    }
  });

  test('says how many values and nulls each column has, and its bounds', () => {
    const { bytes, ids, metrics } = icebergFile(EVERY_TYPE, rows);
    const of = (name: string, type: ColumnType) => {
      const id = ids[name] as number;
      const { valueCounts, nullCounts, lower, upper } = metrics;
      return [valueCounts[id], nullCounts[id], valueIn(type, lower[id]), valueIn(type, upper[id])];
    };
    expect(of('text', 'string')).toEqual([3, 1, 'x', 'é']);
    expect(of('count', 'int')).toEqual([3, 1, -7, 12]);
    expect(of('bytes', 'bigint')).toEqual([3, 1, -(2n ** 63n), 9n]);
    expect(of('seconds', 'double')).toEqual([3, 1, -1, 0.25]);
    expect(of('ok', 'boolean')).toEqual([3, 2, true, true]);
    const micros = (time: string) => BigInt(Date.parse(time)) * 1000n;
    expect(of('time', 'timestamp')).toEqual([3, 1, micros('2026-01-02T03:04:05Z') + 6n, 1795348980138000n]);
    expect(of('dt', 'string')).toEqual([3, 0, DAY, DAY]);
    const chunks = metadataOf(bytes).row_groups[0]?.columns ?? [];
    expect(Object.values(metrics.columnSizes)).toEqual(
      chunks.map(({ meta_data: data }) => Number(data?.total_compressed_size)),
    );
    expect(metrics.splitOffsets).toEqual([4]);
  });

  test('says no bounds of a column without values', () => {
    const { ids, metrics } = icebergFile(EVERY_TYPE, ['{"b":1}']);
    const id = ids.text as number;
    expect([metrics.nullCounts[id], metrics.lower[id], metrics.upper[id]]).toEqual([1, undefined, undefined]);
  });

  test.each([
    ['a text of 16 characters', 'é'.repeat(16), 'é'.repeat(16), 'é'.repeat(16)],
    ['a text of 17 characters', `${'x'.repeat(15)}yz`, `${'x'.repeat(15)}y`, `${'x'.repeat(15)}z`],
    ['characters of four bytes', '😀'.repeat(40), '😀'.repeat(16), `${'😀'.repeat(15)}😁`],
    [
      'an end that is the last character',
      `${'x'.repeat(15)}\u{10ffff}z`,
      `${'x'.repeat(15)}\u{10ffff}`,
      `${'x'.repeat(14)}y`,
    ],
    ['the last character alone', '\u{10ffff}'.repeat(17), '\u{10ffff}'.repeat(16), undefined],
    [
      'the character before the surrogates',
      `${'x'.repeat(15)}\ud7ffz`,
      `${'x'.repeat(15)}\ud7ff`,
      `${'x'.repeat(15)}\ue000`,
    ],
    ['nothing', '', '', ''],
  ])('cuts the bounds of texts to 16 characters: %s', (_, value, lower, upper) => {
    const { ids, metrics } = icebergFile(EVERY_TYPE, [textOf(value)]);
    const id = ids.text as number;
    expect([valueIn('string', metrics.lower[id]), valueIn('string', metrics.upper[id])]).toEqual([lower, upper]);
  });

  test('has bounds which no value is outside of, in any row group', { timeout: 60_000 }, async () => {
    const columns = columnsOf({ text: 'string', count: 'int', bytes: 'bigint', seconds: 'double', time: 'timestamp' });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 3, maxLength: 3 }),
        async (seeds) => {
          const some = seeds.flatMap((seed) =>
            // More than a page, and so more than a row group.
            Array.from({ length: 21_000 }, (_, index) => {
              const number = (Math.imul(seed, index + 1) ^ (index * 7919)) | 0;
              return `{"a":"${number} of a kind ${index}","b":${number},"c":${BigInt(number) * 4_000_000_001n},"d":${number / 1000},"e":${Math.abs(number)}}`;
            }),
          );
          const { bytes, ids, metrics } = icebergFile(columns, some, { rowGroupBytes: 1 });
          expect(metrics.splitOffsets.length).toBeGreaterThan(2);
          const [found] = await duck.query(
            `SELECT min(text) AS a, max(text) AS b, min(count) AS c, max(count) AS d, min(bytes) AS e, max(bytes) AS f,
            min(seconds) AS g, max(seconds) AS h, epoch_us(min(time)) AS i, epoch_us(max(time)) AS j
          FROM (${duck.file(bytes)})`,
          );
          const stated = columns.slice(1).flatMap(({ name, type }) => {
            const id = ids[name] as number;
            return [valueIn(type, metrics.lower[id]), valueIn(type, metrics.upper[id])].map(String);
          });
          expect(stated).toEqual(['c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((key) => String(found?.[key])));
          const [least, greatest] = [metrics.lower, metrics.upper].map((of) =>
            valueIn('string', of[ids.text as number]),
          );
          expect(`${found?.a}`.slice(0, 16)).toBe(least);
          expect(`${found?.b}` <= `${greatest}` && `${greatest}`.length <= 16).toBe(true);
        },
      ),
      { numRuns: 3 },
    );
  });

  test('says nothing of columns after the hundredth', () => {
    const columns = Array.from({ length: 120 }, (_, index) => ({
      ...{ name: `c${index}`, key: index.toString(36).padStart(2, '0'), type: 'int' as const, comment: '' },
    }));
    const { metrics } = icebergFile(columns, ['{"00":1}']);
    expect(Object.keys(metrics.valueCounts)).toHaveLength(MAX_METRICS);
  });

  test('needs the id of each column', () => {
    const iceberg = { ids: { text: 1, dt: 2 }, day: DAY };
    expect(() => openParquetFile(columnsOf({ text: 'string', other: 'int' }), { iceberg })).toThrow(
      'column other: expected the id of its field, got none',
    );
    expect(() => openParquetFile(columnsOf({ text: 'string' })).metrics()).toThrow('column text: expected the id');
  });
});
