import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { MAX_LINE_BYTES } from '../../../../lambdas/core/lines/lines.ts';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { InputReader } from '../../../../lambdas/core/reading/input-reader.ts';
import { HELD_LINES, type Joining } from '../../../../lambdas/core/reading/joiner.ts';
import { Row } from '../../../../lambdas/core/reading/row.ts';
import { blocksOf } from '../../../helpers/blocks.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { recordsOf } from '../../../helpers/records.ts';

// Each run makes several batchers.
vi.setConfig({ testTimeout: 60_000 });

const JSON_LINES = compiled('json', { columns: { id: 'int', text: 'string' } });

/** What became of a line, at its position; a row as its JSON. */
type Taken = readonly [position: number, what: string];

/** Reads lines from a place on, and stops as if the process had died once so many lines are taken. */
function read(format: CompiledFormat, lines: readonly string[], from = 0, joining?: Joining, until = Infinity) {
  const row = new Row(format.columns);
  const taken: Taken[] = [];
  const died = new Error('died');
  const reader: InputReader = new InputReader(
    { format, row, skip: from, ...(joining && { joining }) },
    {
      add(line, outcome) {
        if (taken.length === until) throw died;
        const position = from + taken.length + 1;
        const what = outcome.kind === 'filtered' ? outcome.filter : outcome.kind === 'rejected' ? outcome.reason : '';
        taken.push([position, outcome.kind === 'row' ? row.json('o', position, line, 'always') : what]);
      },
    },
  );
  try {
    reader.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
    reader.end();
  } catch (error) {
    if (error !== died) throw error;
  }
  return { taken, joining: reader.joining };
}

const outcomes = (lines: readonly string[]) => read(JSON_LINES, lines).taken.map(([, what]) => what);
const cri = (tag: 'P' | 'F', text: string, stream = 'stdout') => `2026-05-01T12:00:01.5Z ${stream} ${tag} ${text}`;
const docker = (log: string, more: object = {}) => JSON.stringify({ log, stream: 'stdout', ...more });
const row = (position: number) => expect.stringMatching(new RegExp(`"1":${position},"[^"]+":7\\b`));

describe('pieces of a line', () => {
  test('are one row at the place of the first, and the others are counted as joined', () => {
    expect(outcomes([cri('F', '{"id":7}'), cri('P', '{"i'), cri('P', 'd":'), cri('F', '7}')])).toEqual([
      row(1),
      row(2),
      'joined',
      'joined',
    ]);
  });

  test('are joined though lines of other streams are between them', () => {
    const lines = [
      cri('P', '{"id'),
      cri('P', '{"i', 'stderr'),
      '{"id":7}',
      cri('F', '":7}'),
      cri('F', 'd":7}', 'stderr'),
    ];
    expect(outcomes(lines)).toEqual([row(1), row(2), row(3), 'joined', 'joined']);
  });

  test('give a row whose raw line, read again, is the same row', () => {
    const [first] = read(JSON_LINES, [cri('P', '{"id":7,"text":"a'), cri('F', 'b"}')]).taken;
    const { '+': _, ...columns } = JSON.parse(first?.[1] ?? '');
    const raw = Object.values(columns).findLast((value) => String(value).startsWith('2026')) as string;
    expect(raw).toBe(cri('F', '{"id":7,"text":"ab"}'));
  });

  test('are joined within a character', () => {
    const bytes = Buffer.from('{"id":7,"text":"é漢😀"}');
    for (let cut = 16; cut < bytes.length - 2; cut++) {
      const object = Buffer.concat([
        Buffer.from('2026-05-01T12:00:01.5Z stdout P '),
        bytes.subarray(0, cut),
        Buffer.from('\n2026-05-01T12:00:01.5Z stdout F '),
        bytes.subarray(cut),
      ]);
      const batcher = batcherOf(JSON_LINES);
      batcher.push(object);
      batcher.end();
      expect(rowsOfAll(batcher).join()).toContain('é漢😀');
    }
  });

  test('that cannot be joined are rejected, each at its place', () => {
    expect(outcomes([cri('P', '{"id'), cri('F', '{"id":7}', 'stderr')])).toEqual(['partial_line', row(2)]);
    const parts = (ordinal: number, last: boolean, log: string) =>
      JSON.stringify({
        source: 'stdout',
        log,
        partial_message: 'true',
        partial_id: 'a',
        partial_ordinal: `${ordinal}`,
        partial_last: `${last}`,
      });
    expect(outcomes([parts(1, false, '{"i'), parts(3, false, 'd'), parts(4, true, '":7}')])).toEqual(
      Array(3).fill('partial_line'),
    );
    expect(
      outcomes([parts(2, false, '{"i'), parts(3, true, 'd":7}'), parts(1, false, '{"id"'), parts(2, true, ':7}')]),
    ).toEqual(['partial_line', 'partial_line', row(3), 'joined']);
  });

  test('are not joined to a line that is whole by itself', () => {
    expect(outcomes([cri('P', '{"id":7,"te'), cri('F', '{"id":7}')])).toEqual(['partial_line', row(2)]);
  });

  test('are rejected to the last if the line is longer than a line may be', () => {
    const piece = cri('P', 'x'.repeat(MAX_LINE_BYTES / 4));
    expect(outcomes([...Array(6).fill(piece), cri('F', '{"id":7}'), cri('F', '{"id":7}')])).toEqual([
      ...Array(7).fill('partial_line'),
      row(8),
    ]);
  });

  test('are looked for among so many lines, and the rest that comes later is rejected too', () => {
    const others = (count: number) => Array(count).fill(cri('F', '{"id":7}', 'stderr'));
    const near = outcomes([cri('P', '{"id'), ...others(HELD_LINES - 1), cri('F', '":7}')]);
    expect([near[0], near.at(-1)]).toEqual([row(1), 'joined']);
    const far = outcomes([cri('P', '{"id'), ...others(HELD_LINES + 1), cri('F', '":7}'), cri('F', '{"id":7}')]);
    expect([far[0], far.at(-2), far.at(-1)]).toEqual(['partial_line', 'partial_line', row(far.length)]);
  });
});

describe("records of Docker's log file", () => {
  test('without a line feed are pieces if others have one', () => {
    expect(outcomes([docker('{"id":7}\n'), docker('{"i'), docker('d":7}\n'), docker('{"i')])).toEqual([
      row(1),
      row(2),
      'joined',
      'partial_line',
    ]);
  });

  test('are known to be pieces from the first on', () => {
    expect(outcomes([docker('{"i'), docker('d"'), docker(':7}\n')])).toEqual([row(1), 'joined', 'joined']);
  });

  test('are whole lines if none has a line feed', () => {
    expect(outcomes(Array(20).fill(docker('{"id":7}')))).toEqual(Array.from({ length: 20 }, (_, at) => row(at + 1)));
  });

  test('are pieces of a long first line, however many there are', () => {
    const piece = docker('x'.repeat(16_384));
    const joined = outcomes([docker('{"id":7,"text":"'), ...Array(20).fill(piece), docker('"}\n')]);
    expect(joined).toEqual([row(1), ...Array(21).fill('joined')]);
  });
});

test('pieces of a text that is a column are joined', () => {
  const format = compiled('json', { columns: { message: 'string' } });
  const piece = (logtag: string, message: string) => JSON.stringify({ stream: 'stdout', logtag, message });
  const { taken } = read(format, [
    piece('P', 'plain '),
    piece('F', 'text'),
    piece('P', '{"mess'),
    piece('F', 'age":"hi"}'),
  ]);
  expect(taken.map(([, what]) => what)).toEqual([
    expect.stringContaining('"plain text"'),
    'joined',
    expect.stringContaining('"hi"'),
    'joined',
  ]);
});

/** Lines of several streams, whole and in pieces, some of which are missing. */
const someLines = fc
  .array(
    fc.tuple(
      fc.constantFrom('cri out', 'cri err', 'tag', 'tag b', 'id 1', 'id 2', 'old', 'docker', 'plain'),
      fc.nat(3),
      fc.integer({ min: 1, max: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => {
    const texts = ['{"id":7}', '{"id":7,"te', 'xt":"a', 'b"}'];
    return parts.map(([kind, part, ordinal]) => {
      const text = texts[part] ?? '';
      const more = part === 1 || part === 2;
      switch (kind) {
        case 'cri out':
        case 'cri err':
          return cri(more ? 'P' : 'F', text, `std${kind.slice(4)}`);
        case 'tag':
        case 'tag b':
          return JSON.stringify({ stream: 'stdout', logtag: more ? 'P' : 'F', log: text, pod: kind });
        case 'docker':
          return docker(more ? text : `${text}\n`);
        case 'plain':
          return text;
        default: {
          const id = { partial_id: kind, partial_ordinal: `${ordinal}`, partial_last: `${!more}` };
          const mark = { partial_message: 'true', ...(kind !== 'old' && id) };
          return JSON.stringify({ source: 'stdout', log: text, ...((more || kind !== 'old') && part > 0 && mark) });
        }
      }
    });
  });

describe('another attempt', () => {
  test('goes on after any line as if there had been one attempt', () => {
    fc.assert(
      fc.property(someLines, fc.array(fc.nat(10), { maxLength: 4 }), (lines, deaths) => {
        const whole = read(JSON_LINES, lines).taken;
        expect(whole).toHaveLength(lines.length);
        const taken: Taken[] = [];
        let joining: Joining | undefined;
        for (const until of [...deaths, Infinity]) {
          const attempt = read(JSON_LINES, lines, taken.length, joining, until);
          taken.push(...attempt.taken);
          joining = attempt.joining;
        }
        expect(taken).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test('goes on at a checkpoint that leaves lines to be joined, with counts that add up', () => {
    fc.assert(
      fc.property(someLines, fc.nat(), (lines, cut) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const place = bytes.length === 0 ? 0 : cut % bytes.length;
        const whole = batcherOf(JSON_LINES);
        whole.push(bytes);
        whole.end();
        const first = batcherOf(JSON_LINES);
        first.push(bytes.subarray(0, place));
        const before = rowsOfAll(first);
        const second = new LineBatcher({
          ...PROPS,
          format: JSON_LINES,
          resume: JSON.parse(JSON.stringify(first.checkpoint)),
        });
        second.push(bytes);
        second.end();
        expect([...before, ...rowsOfAll(second)].toSorted()).toEqual(rowsOfAll(whole));
        for (const { counts } of [first, second]) {
          expect(counts.lines).toBe(counts.rows + counts.filtered + counts.rejected);
        }
        expect(second.counts).toEqual(whole.counts);
      }),
      { numRuns: 60 },
    );
  });
});

test('the duplicate check sees a joined line as the record, and the kernel reads none of its pieces as a line', () => {
  fc.assert(
    fc.property(someLines, (lines) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const { layout, ...slow } = JSON_LINES;
      expect(recordsOf(JSON_LINES, [bytes])).toEqual(recordsOf(slow, [bytes]));
      const taken = read(JSON_LINES, lines).taken.filter(([, what]) => !['joined', 'blank_line'].includes(what));
      expect(recordsOf(JSON_LINES, [bytes]).map(({ position }) => position)).toEqual(
        taken.map(([position]) => position),
      );
      const [fast, reader] = [batcherOf(JSON_LINES), batcherOf(slow)];
      for (const batcher of [fast, reader]) {
        for (const block of blocksOf(lines)) batcher.readEvents(block);
        batcher.end();
      }
      expect(rowsOfAll(fast)).toEqual(rowsOfAll(reader));
      expect(fast.counts).toEqual(reader.counts);
    }),
    { numRuns: 60 },
  );
});

const PROPS = {
  source: 'logs',
  origin: 'origin000000',
  keepRaw: 'always',
  shared: new Map(),
  now: () => new Date('2026-11-22T12:00:00Z'),
} as const;

function batcherOf(format: CompiledFormat): LineBatcher {
  return new LineBatcher({ ...PROPS, format });
}

/** All rows and rejected lines, each as JSON. */
function rowsOfAll(batcher: LineBatcher): string[] {
  const records = batcher.takeRemaining().flatMap(({ rows, rejected }) => [...rows, ...rejected]);
  return records.flatMap((record) => rowsOf(record)).toSorted();
}
