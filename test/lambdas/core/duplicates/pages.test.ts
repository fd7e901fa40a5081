import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countPages, type StoredPage } from '../../../../lambdas/core/duplicates/counting.ts';
import { minuteOf } from '../../../../lambdas/core/duplicates/minutes.ts';
import { mostPackedBytes, PackedPage, pack } from '../../../../lambdas/core/duplicates/packed-page.ts';
import { MAX_PAGE_FINGERPRINTS, MAX_WAITING, type Page, Pager } from '../../../../lambdas/core/duplicates/pages.ts';
import { oneRecord, type Records } from '../../../../lambdas/core/duplicates/records.ts';
import { RECORD_WORDS } from '../../../../lambdas/core/reading/kernel.ts';

const MINUTE_MS = 60_000;
const NOON = Date.parse('2026-11-22T12:00:00Z');

function pager(over: Partial<ConstructorParameters<typeof Pager>[0]> = {}) {
  const pages: Page[] = [];
  const props = { sampleRate: 1, from: 0, to: Number.POSITIVE_INFINITY, take: (page: Page) => pages.push(page) };
  return { pager: new Pager({ ...props, ...over }), pages };
}

/** A hash of 64 bits that comes to a fingerprint. */
const hashOf = (fingerprint: number | bigint) => new Uint32Array(BigUint64Array.of(BigInt(fingerprint) << 16n).buffer);

const record = (fingerprint: number, time?: number, timestamp?: number) =>
  oneRecord(hashOf(fingerprint), time, 1, '', timestamp);

interface Together {
  readonly number: number | bigint;
  readonly time?: number | undefined;
  readonly position: number;
  readonly timestamp?: number;
}

/** Records in one batch, as the kernel gives them. */
function together(each: readonly Together[]): Records {
  const all = each.map(({ number, time, position }) => oneRecord(hashOf(number), time, position, ''));
  const words = new Uint32Array(all.length * RECORD_WORDS);
  for (const [index, one] of all.entries()) words.set(one.words, index * RECORD_WORDS);
  const position = (index: number) => each[index]?.position ?? 0;
  const timestamp = (index: number) => each[index]?.timestamp;
  return { count: all.length, words, minutes: new Int32Array(words.buffer), position, line: () => '', timestamp };
}

/** Some of the records of a batch, as a batch of their own. */
function part({ words: all, position, line, timestamp }: Records, from: number, to: number): Records {
  const words = all.subarray(from * RECORD_WORDS, to * RECORD_WORDS);
  const minutes = new Int32Array(words.buffer, words.byteOffset, words.length);
  const at = (index: number) => from + index;
  return {
    count: to - from,
    words,
    minutes,
    position: (index) => position(at(index)),
    line: (index) => line(at(index)),
    timestamp: (index) => timestamp(at(index)),
  };
}

/** A number as a fingerprint would be, some of them the same. */
function spread(index: number, repeats: number): bigint {
  return BigInt.asUintN(48, BigInt(Math.floor(index / (repeats + 1)) + 1) * 0x9e3779b97f4bn);
}

function numbersOf({ fingerprints }: { readonly fingerprints: Uint8Array }): number[] {
  const numbers: number[] = [];
  const page = new PackedPage(fingerprints);
  for (; page.passed < page.count; page.next()) numbers.push(page.upper * 2 ** 32 + page.lower);
  return numbers;
}

describe('pages', () => {
  test('hold the fingerprints of a minute, sorted, repeats included', () => {
    const { pager: to, pages } = pager();
    for (const [number, time] of [
      [3, NOON],
      [1, NOON + 59_999],
      [2, NOON + MINUTE_MS],
      [3, NOON],
    ] as const) {
      to.add(record(number, time), NOON);
    }
    to.end(NOON);
    expect(pages.map((page) => [page.minute - minuteOf(NOON), page.sequence, numbersOf(page)])).toEqual([
      [0, 0, [1, 3, 3]],
      [1, 0, [2]],
    ]);
  });

  test('fit a DynamoDB item with room for its keys, however many records there are', () => {
    const { pager: to, pages } = pager();
    for (let number = 0; number < 2 * MAX_PAGE_FINGERPRINTS + 5; number++) to.add(record(number, NOON), NOON);
    to.end(NOON);
    expect(pages.map(({ sequence, count }) => [sequence, count])).toEqual([
      [0, MAX_PAGE_FINGERPRINTS],
      [1, MAX_PAGE_FINGERPRINTS],
      [2, 5],
    ]);
    expect(mostPackedBytes(MAX_PAGE_FINGERPRINTS)).toBeLessThan(300_000);
    expect(pages.flatMap(numbersOf).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 2 * MAX_PAGE_FINGERPRINTS + 5 }, (_, number) => number),
    );
  });

  test('put records without a time together, under the hour of the first record that has one', () => {
    const { pager: to, pages } = pager();
    const later = NOON + 17 * MINUTE_MS;
    for (const each of [
      record(1),
      record(2),
      record(3, later),
      record(4),
      record(5, later + 60 * MINUTE_MS),
      record(6),
    ])
      to.add(each, NOON + 300 * MINUTE_MS);
    to.end(NOON);
    expect(pages.map((page) => [page.minute - minuteOf(NOON), numbersOf(page)])).toEqual([
      [0, [1, 2, 4, 6]],
      [17, [3]],
      [77, [5]],
    ]);
  });

  test('put records together that arrive in one hour where none tells a time', () => {
    const minutes = [NOON, NOON + 59 * MINUTE_MS, NOON + 60 * MINUTE_MS].map((arrivedAt) => {
      const { pager: to, pages } = pager();
      to.add(record(1), arrivedAt);
      to.end(arrivedAt);
      return (pages[0]?.minute ?? 0) - minuteOf(NOON);
    });
    expect(minutes).toEqual([0, 0, 60]);
  });

  test('hold only so many records back for a time to come', () => {
    const { pager: to, pages } = pager();
    for (let number = 0; number < 25_000; number++) to.add(record(number), NOON);
    to.add(record(25_000, NOON + 500 * MINUTE_MS), NOON);
    to.add(record(25_001), NOON);
    to.end(NOON);
    expect(pages.map(({ count }) => count)).toEqual([25_001, 1]);
  });

  test('hold back no more of them when many come at a time', () => {
    const { pager: to, pages } = pager();
    const some = Array.from({ length: MAX_WAITING / 2 }, (_, number) => ({ number, position: 1 }));
    for (let batch = 0; batch < 3; batch++) to.add(together(some), NOON);
    to.add(record(1, NOON + 500 * MINUTE_MS), NOON);
    to.end(NOON);
    expect(pages.map((page) => [page.minute - minuteOf(NOON), page.count])).toEqual([
      [0, some.length * 3],
      [500, 1],
    ]);
  });

  test('take a log event without a time of its own by the hour it was logged in', () => {
    const { pager: to, pages } = pager();
    to.addEvents(record(1, NOON + MINUTE_MS, NOON + 7 * MINUTE_MS));
    to.addEvents(record(2, undefined, NOON + 7 * MINUTE_MS));
    to.end(0);
    expect(pages.map((page) => [page.minute - minuteOf(NOON), numbersOf(page)])).toEqual([
      [1, [1]],
      [0, [2]],
    ]);
  });

  test('take log events without a time of their own by the hour each was logged in, many at once', () => {
    const { pager: to, pages } = pager();
    const hours = [0, 0, 1, 2];
    const timestamps = hours.map((hour) => NOON + hour * 60 * MINUTE_MS);
    to.addEvents(together(timestamps.map((timestamp, position) => ({ number: position, position, timestamp }))));
    to.end(0);
    expect(pages.map((page) => [page.minute - minuteOf(NOON), numbersOf(page)])).toEqual([
      [0, [0, 1]],
      [60, [2]],
      [120, [3]],
    ]);
  });

  test('pages are the same however many records come at a time', { timeout: 20_000 }, () => {
    const limits = [MAX_WAITING, MAX_PAGE_FINGERPRINTS];
    const short = fc.integer({ min: 1, max: 50 });
    const long = fc.oneof(...limits.map((at) => fc.integer({ min: at - 9, max: at + 9 })));
    // Of the hour before, this one and the next, half of them without a time.
    const minutes = fc.option(fc.constantFrom(-2, -1, 0, 1, 59, 60, 61, 70), { freq: 1, nil: undefined });
    const runsOf = (length: fc.Arbitrary<number>, maxLength: number) =>
      fc.array(fc.record({ length, minutes }), { maxLength });
    // One long run, for records take time to make.
    const allRuns = fc
      .tuple(runsOf(short, 3), fc.record({ length: long, minutes }), runsOf(short, 3))
      .map(([before, run, after]) => [...before, run, ...after]);
    const batch = fc.oneof(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1000, max: 100_000 }));
    fc.assert(
      fc.property(
        fc.oneof(
          allRuns,
          fc.tuple(allRuns, allRuns).map(([first, second]) => [...first, ...second]),
        ),
        fc.array(batch, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(1, 0.5),
        fc.nat(3),
        (runs, batches, sampleRate, repeats) => {
          const records = runs.flatMap(({ length: count, minutes: after }) =>
            Array.from({ length: count }, () => (after === undefined ? undefined : NOON + after * MINUTE_MS)),
          );
          const times = records.map((time, index) => ({ number: spread(index, repeats), time, position: index }));
          const window = { sampleRate, from: minuteOf(NOON), to: minuteOf(NOON) + 60 };
          const [one, many] = [pager(window), pager(window)];
          const all = together(times);
          for (const index of times.keys()) one.pager.add(part(all, index, index + 1), NOON);
          for (let at = 0, turn = 0; at < times.length; turn++) {
            const next = at + (batches[turn % batches.length] ?? 1);
            many.pager.add(part(all, at, Math.min(next, all.count)), NOON);
            at = next;
          }
          for (const each of [one, many]) each.pager.end(NOON);
          expect(many.pager.outsideWindow).toBe(one.pager.outsideWindow);
          // As text: a comparison number by number takes seconds.
          const shown = (pages: readonly Page[]) =>
            pages.map((page) => ({ ...page, fingerprints: Buffer.from(page.fingerprints).toString('base64') }));
          expect(shown(many.pages)).toEqual(shown(one.pages));
        },
      ),
      {
        numRuns: 10,
        // Records without a time are filed under the hour of their arrival, those after them under the next.
        examples: [
          [
            [
              { length: MAX_WAITING + 5, minutes: undefined },
              { length: 5, minutes: 60 },
            ],
            [7],
            1,
            0,
          ],
        ],
      },
    );
  });

  test('leave out and count what lies outside the window, on either side', () => {
    const { pager: to, pages } = pager({ from: minuteOf(NOON), to: minuteOf(NOON) + 2 });
    for (const minutes of [-1, 0, 2, 3]) to.add(record(1, NOON + minutes * MINUTE_MS), NOON);
    to.end(NOON);
    expect(to.outsideWindow).toBe(2);
    expect(pages.map(({ minute }) => minute - minuteOf(NOON))).toEqual([0, 2]);
  });

  test('do not call outsideWindow what came within the window and tells no time', () => {
    const { pager: to, pages } = pager({ from: minuteOf(NOON) + 30 });
    to.add(record(1), NOON + 40 * MINUTE_MS);
    to.end(NOON + 40 * MINUTE_MS);
    expect([to.outsideWindow, pages.length]).toEqual([0, 1]);
  });
});

describe('counting', () => {
  const pageOf = (origin: string, numbers: readonly number[], sampleRate = 1): StoredPage => ({
    origin,
    sampleRate,
    fingerprints: pack(new Uint32Array(BigUint64Array.from(numbers, (each) => BigInt(each) << 16n).sort().buffer)),
  });

  test('the count is that of an account of every number, whatever the order and the cut of the pages', () => {
    const objects = fc.array(fc.array(fc.nat(30), { maxLength: 30 }), { maxLength: 6 });
    fc.assert(
      fc.property(objects, fc.nat(30), (entries, cut) => {
        const pages = entries.flatMap((numbers, index) => [
          pageOf(`o${index}`, numbers.slice(cut)),
          pageOf(`o${index}`, numbers.slice(0, cut)),
        ]);
        const distinct = entries.map((numbers) => new Set(numbers));
        const checked = entries.flat().length;
        const each = distinct.reduce((sum, { size }) => sum + size, 0);
        const { sample, ...counts } = countPages(pages.toReversed());
        expect(counts).toEqual({
          checked,
          withinObject: checked - each,
          acrossObjects: each - new Set(entries.flat()).size,
          sampleRate: 1,
        });
        expect(sample).toEqual(countPages(pages).sample);
      }),
    );
  });

  test('keeps three duplicates of each kind, with where they are', () => {
    const { sample } = countPages([pageOf('b', [1, 2, 3, 4, 5, 5]), pageOf('a', [1, 2, 3, 4, 6, 6]), pageOf('c', [1])]);
    const hex = (number: number) => number.toString(16).padStart(12, '0');
    expect(sample).toEqual([
      { fingerprint: hex(5), origins: ['b', 'b'] },
      { fingerprint: hex(6), origins: ['a', 'a'] },
      { fingerprint: hex(1), origins: ['a', 'b'] },
      { fingerprint: hex(2), origins: ['a', 'b'] },
      { fingerprint: hex(3), origins: ['a', 'b'] },
    ]);
  });

  test('reads pages that begin anywhere in their memory', () => {
    const page = pageOf('a', [2 ** 33, 7, 2 ** 47]);
    const shifted = Buffer.concat([Buffer.alloc(3), page.fingerprints]).subarray(3);
    const other = { ...page, origin: 'b', fingerprints: shifted };
    expect(countPages([page, other])).toMatchObject({ checked: 6, acrossObjects: 3 });
  });

  test('the count is that of an account of every hash, whatever pages hold at whatever rates', () => {
    const rates = [1, 0.3, 0.001];
    const hash = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 2n ** 64n - 2n ** 50n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 55n }),
    );
    const object = fc.record({
      some: fc.array(hash, { maxLength: 40 }),
      from: fc.nat(9000),
      rate: fc.constantFrom(...rates),
    });
    // Enough of them for several ranges.
    const many = Array.from({ length: 9000 }, (_, index) =>
      BigInt.asUintN(64, BigInt(index + 1) * 0x9e3779b97f4a7c15n),
    );
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), (objects) => {
        const isIn = (rate: number) => (each: bigint) => Number(each >> 32n) < rate * 2 ** 32;
        const least = Math.min(...objects.map(({ rate }) => rate));
        const all = objects.map(({ some, from, rate }) =>
          [...some, ...some.slice(0, 3), ...many.slice(from)].filter(isIn(rate)),
        );
        const pages = all.map((hashes, index) => ({
          origin: `o${index}`,
          sampleRate: objects[index]?.rate ?? 1,
          fingerprints: pack(new Uint32Array(BigUint64Array.from(hashes).sort().buffer)),
        }));
        const looked = all.map((hashes) => hashes.filter(isIn(least)).map((each) => each >> 16n));
        const distinct = looked.map((fingerprints) => new Set(fingerprints));
        const checked = looked.flat().length;
        const each = distinct.reduce((sum, { size }) => sum + size, 0);
        const { sample, ...counts } = countPages(pages);
        expect(counts).toEqual({
          checked,
          withinObject: checked - each,
          acrossObjects: each - new Set(looked.flat()).size,
          sampleRate: least,
        });
        for (const { fingerprint, origins } of sample) {
          for (const origin of origins) expect(distinct[Number(origin.slice(1))]).toContain(BigInt(`0x${fingerprint}`));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the count is exact where the fingerprints of thousands begin alike', () => {
    const crowd = Array.from({ length: 20_000 }, (_, index) => 2 ** 40 + index * 977);
    const spread = Array.from({ length: 20_000 }, (_, index) => index * 2 ** 33 + 3);
    const all = [...crowd, ...spread];
    expect(countPages([pageOf('a', all), pageOf('b', [...all, ...all])])).toMatchObject({
      checked: 120_000,
      withinObject: 40_000,
      acrossObjects: 40_000,
    });
  });

  test('the count of no pages is nothing', () => {
    expect(countPages([])).toMatchObject({ checked: 0, withinObject: 0, acrossObjects: 0, sample: [] });
  });
});
