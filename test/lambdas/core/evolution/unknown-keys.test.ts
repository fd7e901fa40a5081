import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EXAMPLE_CHARS,
  KeyCounter,
  MAX_KEYS,
  SAMPLE_BYTES,
  type UnknownKeys,
} from '../../../../lambdas/core/evolution/unknown-keys.ts';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';

const format = json.compile({ columns: { level: 'string' } });

/** The records of lines, as the direct lane gets them. */
function packed(lines: readonly string[]) {
  const batcher = new LineBatcher({
    ...{ source: 'app', origin: 'RdaQZYRnoE68', format, lane: 'objects', exported: false, keepRaw: 'always' },
    ...{ shared: new Map(), now: () => new Date() },
  });
  batcher.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  batcher.end();
  return batcher.takeRemaining();
}

function countedIn(lines: readonly string[]): UnknownKeys {
  const counter = new KeyCounter();
  for (const { rows, times } of packed(lines)) counter.add(rows, times.rows);
  return counter.result();
}

describe('counting the keys of extra', () => {
  test('gives each key its rows, its first spelling and its first value', () => {
    const lines = ['{"level":"a","tenant":"one","n":1}', '{"level":"b"}', '{"TENANT":"two","level":"c"}'];
    expect(countedIn(lines)).toEqual({
      ...{ rows: 3, sampled: 3 },
      keys: [
        { key: 'tenant', rows: 2, example: 'one' },
        { key: 'n', rows: 1, example: '1' },
      ],
    });
  });

  test('is not misled by values that look like a row or like extra', () => {
    const evil = '},{"0":"x","1":1,"2":"{\\"fake\\":\\"1\\"}';
    const line = JSON.stringify({ level: evil, real: evil, '"2":"': ',"2":"', '{"0":"': '{"0":"' });
    const { rows, sampled, keys } = countedIn([line, line]);
    expect([rows, sampled]).toEqual([2, 2]);
    expect(keys.map(({ key, rows: of }) => [key, of])).toEqual([
      ['real', 2],
      ['"2":"', 2],
      ['{"0":"', 2],
    ]);
  });

  test('of any lines is that of their readings', { timeout: 60_000 }, () => {
    const key = fc.oneof(fc.constantFrom('a', 'A', 'b', '__proto__', 'level', 'é"\\'), fc.string({ maxLength: 5 }));
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.constant(null), fc.jsonValue());
    const line = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((members) => {
      const text = members.map(([name, of]) => `${JSON.stringify(name.toWellFormed())}:${JSON.stringify(of)}`);
      return `{"level":"x"${text.map((member) => `,${member}`).join('')}}`.toWellFormed();
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
        const expected = new Map<string, number>();
        const rows = packed(lines).flatMap(({ rows: records }) =>
          records.flatMap((record) =>
            Buffer.from(record)
              .toString()
              .split(/(?<=\})(?=\{"0":")/),
          ),
        );
        for (const row of rows) {
          const extra = (JSON.parse(row) as Record<string, string>)['2'];
          const keys = Object.keys(JSON.parse(extra ?? '{}') as object).map((name) => name.toLowerCase());
          for (const name of new Set(keys)) expected.set(name, (expected.get(name) ?? 0) + 1);
        }
        const { keys, sampled } = countedIn(lines);
        expect(sampled).toBe(rows.length);
        expect(new Map(keys.map(({ key: name, rows: of }) => [name.toLowerCase(), of]))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('looks at a part of a large input, and says so', () => {
    const line = JSON.stringify({ level: 'x'.repeat(1000), tenant: 'a' });
    const { rows, sampled, keys } = countedIn(Array.from({ length: 2000 }, () => line));
    expect(rows).toBe(2000);
    expect(sampled).toBeGreaterThan(2000 / 50);
    expect(sampled).toBeLessThan(2000 / 10);
    expect(keys).toEqual([{ key: 'tenant', rows: sampled, example: 'a' }]);
  });

  test('looks at one row of a record at least, however long it is', () => {
    const line = JSON.stringify({ level: 'x'.repeat(4 * SAMPLE_BYTES), tenant: 'a' });
    expect(countedIn([line]).keys).toEqual([{ key: 'tenant', rows: 1, example: 'a' }]);
  });

  test('keeps what comes often, never with too many rows, however many other keys there are', () => {
    const counter = new KeyCounter();
    for (let row = 0; row < 20_000; row++) {
      const junk = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`k${row}-${index}`, 'x']));
      counter.addExtra(JSON.stringify({ ...junk, ...(row % 10 === 0 && { tenant: 'a' }) }));
    }
    const { keys } = counter.result();
    expect(keys.length).toBeLessThanOrEqual(MAX_KEYS);
    expect(keys[0]?.key).toBe('tenant');
    expect(keys[0]?.rows).toBeGreaterThan(1500);
    expect(keys[0]?.rows).toBeLessThanOrEqual(2000);
  });

  test('leaves out keys that no column could have, and cuts examples', () => {
    const line = JSON.stringify({ level: 'x', ['k'.repeat(201)]: 1, long: 'v'.repeat(1000) });
    const { keys } = countedIn([line]);
    expect(keys.map(({ key }) => key)).toEqual(['long']);
    expect(keys[0]?.example).toBe(`${'v'.repeat(EXAMPLE_CHARS)}…`);
  });
});
