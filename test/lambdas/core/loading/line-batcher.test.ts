import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alb } from '../../../../lambdas/core/formats/alb.ts';
import { MAX_LINE_BYTES } from '../../../../lambdas/core/lines/lines.ts';
import {
  type CheckpointedBatch,
  LineBatcher,
  type LineBatcherProps,
  MAX_REJECTED_KEPT,
} from '../../../../lambdas/core/loading/line-batcher.ts';
import { loadsTable, rejectedTable } from '../../../../lambdas/core/tables/lake-tables.ts';
import { sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { rowsByName } from '../../../helpers/rows.ts';

const LINE =
  'https 2026-11-22T10:00:00.123456Z app/web/50dc6c495c0c9188 192.0.2.10:2817 10.0.0.1:80 0.001 0.020 0.000 200 200 34 366 ' +
  '"GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/8.7.1" TLS_AES_128_GCM_SHA256 TLSv1.3 ' +
  'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067 ' +
  '"Root=1-58337262-36d228ad5d99923122bbe354" "www.example.com" "session-reused" 0 2026-11-22T10:00:00.100000Z ' +
  '"forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd';

const table = sourceTable('alb', alb.description, alb.columns, 'objects');

function batcher(props: Partial<LineBatcherProps> = {}): LineBatcher {
  return new LineBatcher({
    source: 'alb',
    origin: 'origin000000',
    format: alb.compile({}),
    keepRaw: 'on-error',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...props,
  });
}

function run(text: string | Buffer, props: Partial<LineBatcherProps> = {}) {
  const one = batcher(props);
  one.push(Buffer.from(text as string));
  one.end();
  return finish(one);
}

function finish(one: LineBatcher) {
  const shipments = one.takeRemaining();
  const rows = rowsByName(
    shipments.flatMap((each) => each.rows),
    table,
  );
  const rejected = rowsByName(
    shipments.flatMap((each) => each.rejected),
    rejectedTable,
  );
  return { counts: one.counts, reasons: Object.fromEntries(one.reasons), rows, rejected, shipments };
}

describe('LineBatcher', () => {
  test('brings each line to exactly one place: a row, a filter hit or a rejection with its reason', () => {
    const { counts, reasons, rows, rejected } = run(`${LINE}\n\nnot a log line\r\n${LINE} new-field\n`);
    expect(counts).toMatchObject({ lines: 4, rows: 2, filtered: 1, rejected: 1, unknownFields: 0 });
    expect(reasons).toEqual({ blank_line: 1, too_few_fields: 1 });
    expect(rows.map(({ position }) => position)).toEqual([1, 4]);
    expect(rejected).toEqual([
      {
        origin: 'origin000000',
        position: 3,
        source: 'alb',
        reason: 'too_few_fields',
        detail: 'expected at least 17 fields, got 4',
        raw: 'not a log line',
        parser_version: 2,
        rejected_at: Date.parse('2026-11-22T12:00:00Z') / 1000,
      },
    ]);
  });

  test('keeps lines = rows + filtered + rejected for any bytes', { timeout: 60_000 }, () => {
    const part = fc.oneof(
      fc.constant(LINE),
      fc.constant('\n'),
      fc.string({ unit: 'binary' }),
      fc.constant('"'),
      fc.constant(' '),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.uint8Array({ maxLength: 30 }), (parts, tail) => {
        const { counts, rows, rejected } = run(Buffer.concat([Buffer.from(parts.join('')), tail]));
        expect(counts.lines).toBe(counts.rows + counts.filtered + counts.rejected);
        expect(rows).toHaveLength(counts.rows);
        expect(rejected).toHaveLength(counts.rejected);
      }),
    );
  });

  test('rejects a line that is too long with its first 64 KiB, and reads on', () => {
    const { counts, rejected } = run(`${'x'.repeat(MAX_LINE_BYTES + 1)}\n${LINE}\n`);
    expect(counts).toMatchObject({ lines: 2, rows: 1, rejected: 1 });
    expect(rejected[0]).toMatchObject({ position: 1, reason: 'line_too_long' });
    expect(rejected[0]?.raw).toHaveLength(65_536);
  });

  test('rejects a line whose row fits no record', () => {
    const quotes = '\u0001'.repeat(400_000);
    const { counts, rejected } = run(`${LINE.replace('curl/8.7.1', quotes)}\n`);
    expect(counts).toMatchObject({ lines: 1, rows: 0, rejected: 1 });
    expect(rejected[0]).toMatchObject({ reason: 'row_too_large' });
  });

  test('gives up the raw line before the row where both do not fit', () => {
    const { counts, rows } = run(`${LINE.replace('curl/8.7.1', 'u'.repeat(600_000))}\n`, { keepRaw: 'always' });
    expect(counts).toMatchObject({ rows: 1, rejected: 0 });
    expect(rows[0]?.raw).toBeUndefined();
    expect(rows[0]?.user_agent).toHaveLength(600_000);
  });

  test(`keeps ${MAX_REJECTED_KEPT} rejected lines of an object and counts the rest`, () => {
    const { counts, rejected, reasons } = run('bad\n'.repeat(MAX_REJECTED_KEPT + 500));
    expect(counts.rejected).toBe(MAX_REJECTED_KEPT + 500);
    expect(rejected).toHaveLength(MAX_REJECTED_KEPT);
    expect(reasons).toEqual({ too_few_fields: MAX_REJECTED_KEPT + 500 });
  });

  test('rejects what is left of a line where the object breaks off', () => {
    const one = batcher();
    one.push(Buffer.from(`${LINE}\n${LINE.slice(0, 100)}`));
    one.breakOff('broken_gzip', 'unexpected end of file');
    const { counts, rejected } = finish(one);
    expect(counts).toMatchObject({ lines: 2, rows: 1, rejected: 1 });
    expect(rejected[0]).toMatchObject({ position: 2, reason: 'broken_gzip', raw: LINE.slice(0, 100) });
  });

  test('counts a break once though the attempt that found it died after its checkpoint', () => {
    const breaks = (props: Partial<LineBatcherProps> = {}) => {
      const one = batcher(props);
      one.push(Buffer.from(`${LINE}\n${LINE}\nrest`));
      one.breakOff('broken_gzip', 'unexpected end of file');
      return finish(one);
    };
    const first = breaks();
    const second = breaks({ resume: first.counts });
    expect(second.counts).toEqual(first.counts);
    expect(second.shipments).toEqual([]);
  });

  test('takes a byte order mark for no part of the first line', () => {
    expect(run(`\uFEFF${LINE}\n`).rows[0]).toMatchObject({ type: 'https' });
  });

  test('ships batches in order, each with the count of lines it completes', () => {
    const one = batcher();
    const shipments: CheckpointedBatch[] = [];
    const chunk = Buffer.from(`${LINE}\n`.repeat(1000));
    for (let turn = 0; turn < 24; turn++) {
      one.push(chunk);
      shipments.push(...one.takeFullBatches());
    }
    one.end();
    shipments.push(...one.takeRemaining());
    expect(shipments.length).toBeGreaterThan(2);
    let rows = 0;
    for (const batch of shipments) {
      rows += rowsByName(batch.rows, table).length;
      expect(batch.counts.lines).toBe(rows);
    }
    expect(rows).toBe(24_000);
  });

  test('goes on where an earlier attempt came to: the same rows, positions and counts as in one go', () => {
    const text = `${LINE}\nbad\n\n`.repeat(3000);
    const whole = run(text);
    fc.assert(
      fc.property(fc.nat(5), (cut) => {
        const first = batcher();
        for (let at = 0; at < text.length; at += 1_000_000) first.push(Buffer.from(text.slice(at, at + 1_000_000)));
        const done = first.takeFullBatches().slice(0, cut % 2);
        const resume = done.at(-1)?.counts;
        const second = run(text, resume ? { resume } : {});
        const before = rowsByName(
          done.flatMap((each) => each.rows),
          table,
        );
        expect([...before, ...second.rows].map(({ position }) => position)).toEqual(
          whole.rows.map(({ position }) => position),
        );
        expect(second.counts).toEqual(whole.counts);
      }),
      { numRuns: 4 },
    );
  });

  test('tells the first and the last event time of the rows', () => {
    const early = LINE.replace('2026-11-22T10:00:00.123456Z', '2026-11-22T09:00:00.000000Z');
    const { counts } = run(`${LINE}\n${early}\n`);
    expect(counts.firstEventTime).toBe(Date.parse('2026-11-22T09:00:00Z'));
    expect(counts.lastEventTime).toBe(Date.parse('2026-11-22T10:00:00.123Z'));
  });
});

describe('the tables', () => {
  test.each([table, loadsTable, rejectedTable])(
    '$name gives each column one key and one name, and Glue a comment it takes',
    ({ columns }) => {
      expect(new Set(columns.map(({ key }) => key)).size).toBe(columns.length);
      expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
      for (const { name, key, comment } of columns) {
        expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
        // One or two characters, none a capital, so that no rule of case makes two one.
        expect(key).toMatch(/^[\x21-\x7e]{1,2}$/);
        expect(key).toBe(key.toLowerCase());
        expect(comment.length).toBeLessThanOrEqual(255);
        expect(comment).toMatch(/\.$/);
      }
    },
  );
});
