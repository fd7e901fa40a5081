import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { kongJson } from '../../../../lambdas/core/formats/kong-json.ts';
import { type LineSink, LineSplitter, MAX_LINE_BYTES } from '../../../../lambdas/core/lines/lines.ts';
import { LineBatcher, NOTHING } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { readLines } from '../../../helpers/read-lines.ts';
import { recordsOf } from '../../../helpers/records.ts';

const format = json.compile({ columns: { a: 'int', b: 'string' } });

/** The lines of chunks, of which each is its text, or the length of one that is too long. */
function linesOf(chunks: readonly Buffer[], take: 'end' | 'break off' = 'end'): (string | number)[] {
  const lines: (string | number)[] = [];
  const sink: LineSink = {
    objects: true,
    line: (bytes) => void lines.push(bytes.toString('latin1')),
    longLine: (head, length) => {
      expect(head.length).toBeLessThan(length);
      lines.push(length);
    },
  };
  const splitter = new LineSplitter(sink);
  for (const chunk of chunks) splitter.push(chunk);
  if (take === 'end') splitter.end();
  else lines.push(splitter.takeOpen().toString('latin1'));
  return lines;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

function loaded({ layout, ...format }: CompiledFormat, chunks: readonly Buffer[], kernel: boolean, resume = 0) {
  const loader = new LineBatcher({
    source: 'logs',
    origin: 'origin000000',
    format: { ...format, ...(kernel && layout && { layout }) },
    keepRaw: 'always',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...(resume > 0 && { resume: { ...NOTHING, lines: resume } }),
  });
  for (const chunk of chunks) loader.push(chunk);
  loader.end();
  const batches = loader.takeRemaining();
  const rows = (of: 'rows' | 'rejected') => rowsOf(Buffer.concat(batches.flatMap((batch) => [...batch[of]])));
  return { rows: rows('rows'), rejected: rows('rejected'), counts: loader.counts };
}

const records = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ a: fc.nat(), b: fc.string({ unit: 'grapheme' }) }) },
    { weight: 2, arbitrary: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom({ b: '}{"a":1}{' }, { b: '\\"}{' }, { b: [{}, [{ c: ']' }]] }, {}) },
  ),
  { minLength: 1, maxLength: 8 },
);
const between = fc.constantFrom('', '', '', ' ', '\t', '\r', ' \t ', '\n', '\r\n');

describe('objects that follow each other', () => {
  test.each([
    ['{"a":1}{"a":2}{"a":3}', ['{"a":1}', '{"a":2}', '{"a":3}']],
    ['{"a":1} {"a":2}\t{"a":3}\n{"a":4}\n', ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']],
    ['{"a":1}{"a":2}\r\n{"a":3} \n', ['{"a":1}', '{"a":2}', '{"a":3} ']],
    ['\xef\xbb\xbf {"a":1}{"a":2}', ['\xef\xbb\xbf {"a":1}', '{"a":2}']],
    ['{"a":"}{"}{"a":"\\"}{"}{"a":[{"b":"]"}]}', ['{"a":"}{"}', '{"a":"\\"}{"}', '{"a":[{"b":"]"}]}']],
  ])('%j is one line each', (text, lines) => {
    expect(linesOf([Buffer.from(text, 'latin1')])).toEqual(lines);
  });

  test.each([
    '{"a":1} trailing text',
    '{"a":1},{"a":2}',
    '[{"a":1}{"a":2}]',
    'text {"a":1}{"a":2}',
    '2026-11-22T12:03:00Z stdout F {"a":1}{"a":2}',
    '{"a":"{"a":2}{"a":3}',
    '"{}{}"',
  ])('%j is one line', (line) => {
    expect(linesOf([Buffer.from(line)])).toEqual([line]);
  });

  test('what follows an object and is none stays with it, up to the end of the line', () => {
    expect(linesOf([Buffer.from('{"a":1}{"a":2} text {"a":3}{"a":4}\n{"a":5}{"a":')])).toEqual([
      '{"a":1}',
      '{"a":2} text {"a":3}{"a":4}',
      '{"a":5}',
      '{"a":',
    ]);
  });

  test('each is a line, whatever is between them and however they are cut', () => {
    fc.assert(
      fc.property(records, fc.array(between, { minLength: 8 }), fc.array(fc.nat()), (all, separators, places) => {
        const texts = all.map((record) => Buffer.from(JSON.stringify(record)).toString('latin1'));
        const text = texts.map((each, index) => each + (index < texts.length - 1 ? separators[index] : '')).join('');
        expect(linesOf(cut(Buffer.from(text, 'latin1'), places))).toEqual(texts);
      }),
    );
  });

  test('any text is cut in the same places however it comes, and loses nothing but white space', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ' ',
      '\t',
      '\r',
      '\n',
      'a',
      '{}',
      '{"a":1}',
      '}{',
      '\xef',
    );
    fc.assert(
      fc.property(fc.array(pieces), fc.array(fc.nat()), fc.nat(3), (all, places, size) => {
        // Long enough that a line is scanned before its end.
        const filler = `"${'x'.repeat(size * 30_000)}"`;
        const bytes = Buffer.from(all.map((piece) => (piece === 'a' ? filler : piece)).join(''), 'latin1');
        const lines = linesOf([bytes]);
        expect(linesOf(cut(bytes, places))).toEqual(lines);
        expect(lines.join('').replace(/[ \t\r\n]/g, '')).toBe(bytes.toString('latin1').replace(/[ \t\r\n]/g, ''));
      }),
    );
  });

  test('objects are passed on before the line ends', () => {
    let lines = 0;
    const splitter = new LineSplitter({ objects: true, line: () => lines++, longLine: () => {} });
    const chunk = Buffer.from('{"a":1}'.repeat(10_000));
    for (let chunks = 1; chunks <= 20; chunks++) {
      splitter.push(chunk);
      expect(lines).toBe(chunks * 10_000 - 1);
    }
    splitter.end();
    expect(lines).toBe(200_000);
  });

  test('one that is too long is one line, and those around it are read', () => {
    const long = `{"a":"${'}{'.repeat(MAX_LINE_BYTES / 2)}"}`;
    const bytes = Buffer.from(`{"a":1} ${long}  {"a":2}${long}\n{"a":3}`);
    const expected = ['{"a":1}', long.length + 2, '{"a":2}', long.length, '{"a":3}'];
    for (const size of [1_000, 65_536, 1_100_000, bytes.length]) {
      const places = Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => (index + 1) * size);
      expect(linesOf(cut(bytes, places))).toEqual(expected);
    }
  });

  test('an object of S3 that breaks off leaves what follows the last whole object', () => {
    expect(linesOf([Buffer.from('{"a":1}{"a":2}{"a":')], 'break off')).toEqual(['{"a":1}', '{"a":2}', '{"a":']);
  });
});

describe('loading objects that follow each other', () => {
  const text = fc
    .tuple(records, fc.array(fc.oneof(between, fc.constantFrom(' text ', 'x\n')), { minLength: 8 }))
    .map(([all, separators]) =>
      Buffer.from(all.map((record, index) => JSON.stringify(record) + separators[index]).join('')),
    );

  test('the kernel and the reader agree on rows, rejected lines and positions, from any position on', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 3 }), fc.nat(8), (bytes, places, skip) => {
        const chunks = cut(bytes, places);
        const whole = loaded(format, [bytes], false);
        expect(loaded(format, chunks, true)).toEqual(whole);
        const rest = loaded(format, chunks, true, skip);
        const isLater = (row: string) => Number(/"1":(\d+)/.exec(row)?.[1]) > skip;
        expect(rest.rows).toEqual(whole.rows.filter(isLater));
        expect(rest.rejected).toEqual(whole.rejected.filter(isLater));
      }),
    );
  });

  test('the duplicate check numbers records as they are loaded', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 3 }), (bytes, places) => {
        const { rows, rejected } = loaded(format, [bytes], true);
        const positions = [...rows, ...rejected].map((row) => Number(/"1":(\d+)/.exec(row)?.[1]));
        const checked = recordsOf(format, cut(bytes, places));
        expect(checked.map(({ position }) => position)).toEqual(positions.toSorted((a, b) => a - b));
        expect(checked).toEqual(recordsOf(format, [bytes]));
      }),
    );
  });

  test('of a log event they are one rejected line, as an event has one position', () => {
    expect(readLines(format, ['{"a":1}{"a":2}', '{"a":3}'])).toEqual([{ rejected: 'not_json' }, { row: { a: 3 } }]);
  });

  test("records of Kong's plugins are read too", () => {
    const record = (id: string) => `{"client_ip":"203.0.113.7","request":{"id":"${id}"}}`;
    const { counts } = loaded(kongJson.compile({}), [Buffer.from(record('a') + record('b') + record('c'))], true);
    expect(counts).toMatchObject({ lines: 3, rows: 3 });
  });
});
