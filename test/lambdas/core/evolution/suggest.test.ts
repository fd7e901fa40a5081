import { describe, expect, test } from 'vitest';
import { OFTEN, suggestions } from '../../../../lambdas/core/evolution/suggest.ts';
import { type Tally, wholeOf, withBatch } from '../../../../lambdas/core/evolution/tally.ts';
import { MAX_KEYS, type UnknownKeys } from '../../../../lambdas/core/evolution/unknown-keys.ts';

const at = (day: number, hour = 12) => new Date(Date.UTC(2026, 10, day, hour));
const batch = (keys: Readonly<Record<string, number>>, sampled = 1000): UnknownKeys => ({
  ...{ rows: sampled * 10, sampled },
  keys: Object.entries(keys).map(([key, rows]) => ({ key, rows, example: `of ${key}` })),
});
const tallyOf = (...batches: [UnknownKeys, Date][]): Tally =>
  batches.reduce<Tally>((tally, [of, now]) => withBatch(tally, of, now), []);

describe('a tally', () => {
  test('adds batches, and knows when a key came first and last', () => {
    const tally = tallyOf([batch({ a: 5 }), at(1, 1)], [batch({ A: 2, b: 1 }), at(1, 2)], [batch({}), at(1, 3)]);
    const [first, last] = [at(1, 1).toISOString(), at(1, 2).toISOString()];
    expect(tally).toEqual([
      {
        ...{ day: '2026-11-01', batches: 3, rows: 30_000, sampled: 3000 },
        keys: [
          { key: 'a', rows: 7, batches: 2, example: 'of a', first, last },
          { key: 'b', rows: 1, batches: 1, example: 'of b', first: last, last },
        ],
      },
    ]);
  });

  test('remembers two days, and adds what a clock behind says to the newer one', () => {
    const tally = tallyOf([batch({ a: 1 }), at(1)], [batch({ b: 1 }), at(2)], [batch({ c: 1 }), at(3)]);
    expect(tally.map(({ day }) => day)).toEqual(['2026-11-03', '2026-11-02']);
    expect(withBatch(tally, batch({}), at(2)).map(({ day, batches }) => [day, batches])).toEqual([
      ['2026-11-03', 2],
      ['2026-11-02', 1],
    ]);
    expect(wholeOf(withBatch(tally, batch({ B: 2 }), at(3)))).toMatchObject({
      ...{ batches: 3, sampled: 3000 },
      keys: [
        { key: 'b', rows: 3, batches: 2, first: at(2).toISOString(), last: at(3).toISOString() },
        { key: 'c', rows: 1 },
      ],
    });
  });

  test('has room for what comes often beside any number of other keys', () => {
    let tally: Tally = [];
    for (let number = 0; number < 20; number++) {
      const junk = Object.fromEntries(Array.from({ length: 99 }, (_, index) => [`k${number}-${index}`, 1]));
      tally = withBatch(tally, batch({ ...junk, tenant: 50 }), at(1));
    }
    expect(tally[0]?.keys).toHaveLength(MAX_KEYS);
    expect(tally[0]?.keys[0]).toMatchObject({ key: 'tenant', rows: 1000, batches: 20 });
  });
});

describe('suggestions', () => {
  const options = { columns: { time: 'timestamp', level: { type: 'string', from: 'severity' } } };
  const often = (...keys: string[]) => {
    const counts = batch(Object.fromEntries(keys.map((key) => [key, OFTEN.rows])));
    return wholeOf(tallyOf(...Array.from({ length: OFTEN.batches }, (): [UnknownKeys, Date] => [counts, at(1)])));
  };

  test('are the keys that come often enough, in rows, batches and share', () => {
    const once = batch({ once: 5000, often: 500, seldom: 9, rare: 40 }, 10_000);
    const some = batch({ often: 500, seldom: 9, rare: 40 }, 10_000);
    const counts = wholeOf(tallyOf([once, at(1)], [some, at(1)], [some, at(1)]));
    expect(suggestions(counts, options)).toMatchObject([
      { key: 'often', column: 'often', rows: 1500, batches: 3, share: 0.05, example: 'of often' },
    ]);
    expect(suggestions(counts, options)[0]).not.toHaveProperty('refused');
  });

  test.each([
    ['a key whose name another column has', 'Level', 'expected a name that no declared column has'],
    ["a name of the lake's own", 'origin', 'expected another name, got the name of a column of the lake itself'],
    ["the partition's name", 'dt', 'expected another name, got the name of a column of the lake itself'],
    ['a key by which envelopes are told', 'stream', 'expected another key than log, message, stream, source, '],
    ['an object that another column has a part of', 'http', 'expected a key or path that is not another'],
    ['a key that begins with a digit', '0', 'expected a name of letters, digits and _ that begins with a letter'],
    ['a name that is promoted', 'tenant', 'expected a name that no column has'],
    ['a key that is promoted under another name', 'orderId', 'expected a key or path that is not another'],
  ])('say why %s cannot be a column', (_, key, refused) => {
    const more = {
      columns: { ...options.columns, status: { type: 'int', from: 'http.status' } },
      promoted: { tenant: 'int', order_id: { type: 'string', from: 'orderid' } },
    };
    const [found] = suggestions(often(key), more);
    expect(found?.refused).toContain(refused);
  });

  test('have a name for keys that are none', () => {
    const found = suggestions(often('user-id', 'orderId', 'a.b'), options);
    expect(found.map(({ column, refused }) => [column, refused])).toEqual([
      ['user_id', undefined],
      ['orderid', undefined],
      ['a_b', undefined],
    ]);
  });
});
