import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LINE_BYTES } from '../../../../lambdas/core/lines/lines.ts';
import { LineBatcher, type LineBatcherProps } from '../../../../lambdas/core/loading/line-batcher.ts';
import { eventBlocks, type LogEvent } from '../../../../lambdas/core/reading/events.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { rejectedTable } from '../../../../lambdas/core/tables/lake-tables.ts';
import { sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { rowsByName } from '../../../helpers/rows.ts';

const FORMAT = compiled('json', { columns: { id: 'int' } });
const KONG = compiled('kong');
const TIME = '2026-01-05T10:00:00.125Z';
const LINE =
  '192.0.2.7 - - [05/Jan/2026:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 34 "-" "curl/8.7.1" kong_request_id: "abc123"';

function batcherOf(format: CompiledFormat, props: Partial<LineBatcherProps> = {}): LineBatcher {
  return new LineBatcher({
    source: 'app',
    origin: 'origin000000',
    format,
    exported: true,
    keepRaw: 'never',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...props,
  });
}

function resultOf(batcher: LineBatcher, format: CompiledFormat) {
  const table = sourceTable('app', '', format.columns, 'objects', true);
  const batches = batcher.takeRemaining();
  const { bytes, ...counts } = batcher.counts;
  return {
    rows: rowsByName(
      batches.flatMap(({ rows }) => rows),
      table,
    ),
    rejected: rowsByName(
      batches.flatMap(({ rejected }) => rejected),
      rejectedTable,
    ),
    counts,
  };
}

function loaded(chunks: readonly (Uint8Array | string)[], props: Partial<LineBatcherProps> = {}, format = FORMAT) {
  const batcher = batcherOf(format, props);
  for (const chunk of chunks) batcher.push(Buffer.from(chunk as string));
  batcher.end();
  return resultOf(batcher, format);
}

/** As CloudWatch exports events. */
function exportOf(events: readonly LogEvent[]): Buffer {
  return Buffer.from(
    events.map(({ message, timestamp = 0 }) => `${new Date(timestamp).toISOString()} ${message}\n`).join(''),
  );
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

const event = fc.record({
  timestamp: fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2030-01-01') }),
  message: fc.oneof(
    fc.nat(999).map((id) => JSON.stringify({ id })),
    fc.nat(999).map((id) => `{\n  "id": ${id},\n\n  "text": "} {"\n}`),
    fc.constantFrom(
      '',
      'no JSON',
      '2026-01-05 10:00:00 no time of CloudWatch',
      '{"id":"é€😀"}',
      '\n{"id":7}',
      ' {"id":8}',
    ),
  ),
});
const cuts = fc.array(fc.nat(), { maxLength: 5 });

describe('an object that CloudWatch has exported', () => {
  test('has the events that were logged, with their times, however its bytes are cut', { timeout: 20_000 }, () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), cuts, fc.nat(12), (events, places, skipped) => {
        const expected = batcherOf(FORMAT, { exported: false, lane: 'events' });
        for (const block of eventBlocks(events)) expected.readEvents(block);
        expected.end();
        const whole = resultOf(expected, FORMAT);
        const bytes = exportOf(events);
        const chunks = cutAt(bytes, places);
        const { layout, ...slow } = FORMAT;
        expect(loaded(chunks)).toEqual(whole);
        expect(loaded(chunks, {}, slow)).toEqual(whole);
        // The duplicate check sees the same records.
        expect(recordsOf(FORMAT, chunks, undefined, true)).toEqual(recordsOf(slow, [bytes], undefined, true));
        // Another attempt passes over the events that were loaded.
        const resume = { ...batcherOf(FORMAT).counts, lines: Math.min(skipped, events.length) };
        expect(loaded(chunks, { resume }).rows).toEqual(
          whole.rows.filter(({ position }) => Number(position) > resume.lines),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('has lines of a gateway, whose time stays that of the request', () => {
    const { rows, counts } = loaded([`${TIME} ${LINE}\n`], {}, KONG);
    expect(counts).toMatchObject({ lines: 1, rows: 1, fieldErrors: 0 });
    expect(rows[0]).toMatchObject({ log_time: 1767607200, logged_at: Date.parse(TIME) });
  });

  test('gives loads the time of an event whose message has none', () => {
    const { counts } = loaded([`${TIME} {"id":1}\n`]);
    expect(counts.firstEventTime).toBe(Date.parse(TIME));
  });

  test('joins the lines of a message, and keeps a line that is no event as rejected, with its time', () => {
    const { rejected, counts } = loaded([`${TIME} java.lang.Error: no\n\tat A.b(A.java:1)\n${TIME} {"id":1}\n`]);
    expect(counts).toMatchObject({ lines: 2, rows: 1, rejected: 1 });
    expect(rejected[0]).toMatchObject({ position: 1, raw: 'java.lang.Error: no\n\tat A.b(A.java:1)' });
    expect(rejected[0]?.logged_at).toBeDefined();
  });

  test('reads what is before the first time line by line, without a time', () => {
    const { rows } = loaded([`\ufeff{"id":1}\n{"id":2}\n${TIME} {"id":3}\n`]);
    expect(rows.map(({ id, logged_at = null }) => [id, logged_at])).toEqual([
      [1, null],
      [2, null],
      [3, expect.anything()],
    ]);
  });

  test.each([
    ['a day that there is not', '2026-13-05T10:00:00.125Z'],
    ['more digits', '2026-01-05T10:00:00.125000Z'],
    ['another zone', '2026-01-05T10:00:00.125+00:00'],
  ])('does not take a time with %s for the beginning of an event', (_, time) => {
    expect(loaded([`${TIME} {"id":1,\n${time} "x":2}\n`]).counts).toMatchObject({ lines: 1, rejected: 1 });
  });

  test('rejects an event that is too long as one, and goes on with the next', () => {
    const long = `${'x'.repeat(MAX_LINE_BYTES / 2)}\n`;
    const { rejected, rows, counts } = loaded([`${TIME} ${long}`, long, long, `${TIME} {"id":5}\n`]);
    expect(counts).toMatchObject({ lines: 2, rows: 1, rejected: 1 });
    expect(rejected[0]).toMatchObject({ position: 1, reason: 'line_too_long' });
    expect(rows[0]).toMatchObject({ id: 5, position: 2 });
  });

  test('rejects the event within which it breaks off', () => {
    const batcher = batcherOf(FORMAT);
    batcher.push(Buffer.from(`${TIME} {"id":1}\n${TIME} {"id":\n2`));
    batcher.breakOff('broken_gzip', 'expected more');
    const { rows, rejected } = resultOf(batcher, FORMAT);
    expect(rows).toMatchObject([{ id: 1, position: 1 }]);
    expect(rejected).toMatchObject([{ position: 2, reason: 'broken_gzip', raw: '{"id":\n2' }]);
  });
});
