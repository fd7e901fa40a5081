import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  LineBatcher,
  type LineBatcherProps,
  MAX_REJECTED_KEPT,
} from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import { eventBlocks, type LogEvent } from '../../../../lambdas/core/reading/events.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { BLOCK_BYTES } from '../../../../lambdas/core/reading/kernel.ts';
import { KEPT_COUNT_AT, programOf } from '../../../../lambdas/core/reading/kernel-program.ts';
import type { LayoutField, LayoutOp } from '../../../../lambdas/core/reading/layout.ts';
import { blocksOf } from '../../../helpers/blocks.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { CASES, caseNamed } from './kernel-cases.ts';
import { changedLine, jsonObject, linesAtLimits, pathObject } from './kernel-lines.ts';

// For the runs that the environment may ask for.
vi.setConfig({ testTimeout: 60_000 });

/** Runs of each property; the environment can ask for more. */
const numRuns = Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 160);

/** A format without what the kernel needs, so that its reader reads every line. */
function withoutKernel({ layout, ...format }: CompiledFormat): CompiledFormat {
  return format;
}

/** The format, and how many lines its reader has been given. */
function counted(format: CompiledFormat): { readonly format: CompiledFormat; read: () => number } {
  let lines = 0;
  const reader: CompiledFormat['reader'] = {
    ...format.reader,
    read: (line, row) => {
      lines++;
      return format.reader.read(line, row);
    },
  };
  return { format: { ...format, reader }, read: () => lines };
}

function loaderOf(format: CompiledFormat, props: Partial<LineBatcherProps>): LineBatcher {
  return new LineBatcher({
    source: 'logs',
    origin: 'origin000000',
    format,
    keepRaw: 'on-error',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...props,
  });
}

/** All that became of an object's bytes. */
function loaded(format: CompiledFormat, chunks: readonly Buffer[], props: Partial<LineBatcherProps> = {}) {
  const loader = loaderOf(format, props);
  for (const chunk of chunks) loader.push(chunk);
  loader.end();
  return resultOf(loader);
}

function resultOf(loader: LineBatcher) {
  const shipments = loader.takeRemaining();
  const rows = (of: 'rows' | 'rejected') => rowsOf(Buffer.concat(shipments.flatMap((each) => [...each[of]])));
  return {
    rows: rows('rows'),
    rejected: rows('rejected'),
    counts: loader.counts,
    reasons: loader.reasons,
    times: shipments.map(({ times }) => times),
  };
}

/** Lines joined by LF or CR LF, and cut anywhere. */
function objectOf(lines: readonly string[]): fc.Arbitrary<Buffer[]> {
  return fc
    .record({
      lines: fc.array(changedLine(lines), { minLength: 1, maxLength: 12 }),
      ends: fc.constantFrom('\n', '\r\n'),
      cuts: fc.array(fc.nat(), { maxLength: 3 }),
    })
    .map(({ lines: each, ends, cuts }) => {
      const bytes = Buffer.concat(each.flatMap((line) => [line, Buffer.from(ends)]));
      const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
      return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
    });
}

/** A log event, mostly with a line end and a time of today, like CloudWatch's. */
function event(lines: readonly string[]): fc.Arbitrary<LogEvent> {
  const now = Date.UTC(2026, 10, 22, 12);
  const timestamp = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: now, max: now + 100_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 99 }).map((second) => now + second * 1000) },
    fc.constantFrom(
      undefined,
      0,
      1,
      999_999_999_999,
      1e12,
      2_147_483_647_000,
      2_147_483_648_000,
      9_999_999_999_999,
      1e13,
      1e18,
    ),
  );
  return fc
    .tuple(changedLine(lines), fc.constantFrom('', '\n', '\r\n', '\n\n', '\n{"a":1}'), timestamp)
    .map(([line, end, time]) => ({ message: `${line.toString('utf8')}${end}`, timestamp: time }));
}

function payloadJson(events: readonly { readonly message: string; readonly timestamp: number | undefined }[]): Buffer {
  const place = { owner: '123456789012', logGroup: '/ecs/"web"', logStream: 'web/1', subscriptionFilters: ['lake'] };
  const logEvents = events.map((each, index) => ({ id: String(index), ...each }));
  return Buffer.from(JSON.stringify({ messageType: 'DATA_MESSAGE', ...place, logEvents }));
}

describe.each(CASES)('$name', ({ format, lines, plain }) => {
  const slow = withoutKernel(format);

  test('the kernel and the reader agree on what lines mostly are, most of which the kernel reads by itself', () => {
    const { format: fast, read } = counted(format);
    const twice = [...lines, ...lines];
    const bytes = Buffer.from(`${twice.join('\n')}\n`);
    expect(loaded(fast, [bytes])).toEqual(loaded(slow, [bytes]));
    // The first line of an object is the reader's.
    expect(read()).toBeLessThanOrEqual(1 + twice.length - 2 * plain);
  });

  test('the kernel and the reader agree on lines that break off anywhere', () => {
    const prefixes = lines.slice(0, 4).flatMap((line) => [...line].map((_, index) => line.slice(0, index + 1)));
    const bytes = Buffer.from(prefixes.join('\n'));
    expect(loaded(format, [bytes])).toEqual(loaded(slow, [bytes]));
    expect(recordsOf(format, [bytes])).toEqual(recordsOf(slow, [bytes]));
  });

  test('the kernel and the reader agree on every object', () => {
    fc.assert(
      fc.property(objectOf(lines), fc.constantFrom('never', 'on-error', 'always'), (chunks, keepRaw) => {
        const shared = new Map([[Object.keys(format.columns)[0] ?? '', 'shared "value"']]);
        expect(loaded(format, chunks, { keepRaw, shared })).toEqual(loaded(slow, chunks, { keepRaw, shared }));
      }),
      { numRuns },
    );
  });

  test('the kernel and the reader agree on every message', () => {
    fc.assert(
      fc.property(fc.array(event(lines), { maxLength: 12 }), fc.constantFrom('objects', 'events'), (events, lane) => {
        const [fast, reader] = [loaderOf(format, { lane }), loaderOf(slow, { lane })];
        for (const loader of [fast, reader]) for (const block of eventBlocks(events)) loader.readEvents(block);
        expect(resultOf(fast)).toEqual(resultOf(reader));
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });

  test('the kernel and the reader agree on every object of payloads', () => {
    fc.assert(
      fc.property(fc.array(fc.array(event(lines), { maxLength: 12 }), { maxLength: 4 }), (payloads) => {
        const [fast, reader] = [loaderOf(format, { lane: 'events' }), loaderOf(slow, { lane: 'events' })];
        for (const loader of [fast, reader]) for (const events of payloads) loader.readPayload(payloadJson(events));
        expect(resultOf(fast)).toEqual(resultOf(reader));
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });

  test('the kernel and the reader agree on the fingerprints, times and places of every record', () => {
    const columns = Object.keys(format.columns);
    const recordKeys = fc.option(fc.uniqueArray(fc.constantFrom(...columns), { minLength: 1, maxLength: 4 }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(objectOf(lines), recordKeys, (chunks, of) => {
        expect(recordsOf(format, chunks, of)).toEqual(recordsOf(slow, chunks, of));
      }),
      { numRuns },
    );
  });

  test('the kernel reads what lines mostly are out of messages too, whatever ends them', () => {
    const { format: fast, read } = counted(format);
    const loader = loaderOf(fast, { lane: 'events' });
    const ends = ['', '\n', '\r\n', '\n\r\n\n'];
    const messages = ends.flatMap((end) =>
      lines.map((line) => ({ message: `${line}${end}`, timestamp: 1795348980138 })),
    );
    for (const block of eventBlocks(messages)) loader.readEvents(block);
    // Of Docker's records the first says whether texts end in a line feed.
    expect(read()).toBeLessThanOrEqual(1 + messages.length - ends.length * plain);
  });

  test('the kernel and the reader agree when an earlier attempt has read some of it', () => {
    fc.assert(
      fc.property(objectOf(lines), fc.nat(12), (chunks, skipped) => {
        const first = loaderOf(slow, {});
        const resume = { ...first.counts, lines: skipped, rejected: 0 };
        expect(loaded(format, chunks, { resume })).toEqual(loaded(slow, chunks, { resume }));
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });
});

describe.each(CASES.filter(({ formatName }) => formatName === 'json'))('$name', (each) => {
  const { format } = each;
  const objects = fc.array(jsonObject(format.columns), { minLength: 1, maxLength: 12 });

  test('the kernel and the reader agree on members in any order', () => {
    fc.assert(
      fc.property(objects, (lines) => {
        const chunks = [Buffer.from(`${lines.join('\n')}\n`)];
        expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
        expect(recordsOf(format, chunks)).toEqual(recordsOf(withoutKernel(format), chunks));
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });
});

describe('JSON with columns at paths', () => {
  const { format } = caseNamed('JSON with columns at paths');
  const paths = format.layout?.kind === 'json' ? format.layout.fields.map(({ path }) => path) : [];

  test('the kernel and the reader agree on paths in any form', () => {
    fc.assert(
      fc.property(fc.array(pathObject(paths), { minLength: 1, maxLength: 12 }), (objects) => {
        const chunks = [Buffer.from(`${objects.join('\n')}\n`)];
        expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
        expect(recordsOf(format, chunks, ['status', 'at'])).toEqual(
          recordsOf(withoutKernel(format), chunks, ['status', 'at']),
        );
      }),
      { numRuns },
    );
  });
});

describe.each(CASES.filter(({ lines }) => linesAtLimits(lines).length > 0))('$name', ({ format, lines }) => {
  test('the kernel and the reader agree on times at which their form in the row changes', () => {
    const chunks = [Buffer.from(`${linesAtLimits(lines).join('\n')}\n`)];
    expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
  });
});

describe('lines that would cost ten times as much in the reader', () => {
  const { format, lines } = caseNamed('an ALB log');
  const line = lines[0] ?? '';
  const changed = (from: string, to: string) => {
    expect(line).toContain(from);
    return line.replace(from, to);
  };

  test.each([
    ['a whole number that is none', changed(' 34 366 ', ' 34 12x ')],
    ['a status that is none, and a port', changed(' 200 200 ', ' OK - ').replace('10.0.0.1:80', '10.0.0.1:http')],
    ['a duration that is none', changed(' 0.001 ', ' fast\t\\ ')],
    ['several of them, and a field that is new', `${changed('200 200 34', 'a b c')} new`],
    ['a value of another alphabet', changed(' 34 ', ' ٣٤ ')],
    ['bytes that are no UTF-8', changed('curl/8.7.1', '\xe9t\xc3 \xff\xf0\x9f')],
    [
      'such bytes in a field that is new, in a value that does not convert and before an escape',
      `${changed(' 34 ', ' 3\xff ').replace('curl/8.7.1', '\xc3\\xA9')} "\xe9\\\xed\xa0\x80"`,
    ],
  ] as const)('a line with %s is read by the kernel', (what, odd) => {
    const bytes = Buffer.from(`${line}\n${`${odd}\n`.repeat(3)}`, /alphabet/.test(what) ? 'utf8' : 'latin1');
    const { format: fast, read } = counted(format);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(fast, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
    }
    expect(recordsOf(fast, [bytes])).toEqual(recordsOf(withoutKernel(format), [bytes]));
    // The first line of an object is the reader's.
    expect(read()).toBe(4);
  });
});

describe('JSON that would cost many times as much in the reader', () => {
  const format = compiled('json', { columns: { level: 'string', ratio: 'double', n: 'bigint', s: 'int' } });
  const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;

  test.each([
    ['bytes that are no UTF-8', '{"level":"caf\xe9 \xff\xff","ratio":1,"other":"\xe9","more":{"a":["\xc3 \xe9"]}}'],
    ['surrogates that are no pair', String.raw`{"level":"a\ud800","other":"\udc00\ud83d\ude00","more":["\ud83d x"]}`],
    ['nesting of 200', `{"level":"x","other":${nested(200)}}`],
    ['nesting of 1,022 in a column', `{"level":${nested(1022)}}`],
    ['numbers that are too large or have many digits', '{"level":"x","ratio":1e400,"n":9223372036854775808,"s":1e12}'],
    ['such numbers in quotes', '{"ratio":"0.123456789012345678901234567890","n":"-9223372036854775809","s":"-0"}'],
    ['numbers of rare forms', '{"ratio":".5e+3","n":"+007","s":"1."}'],
    ['nothing but white space', ' \t\v\f \r'],
    ['nothing', ''],
  ])('a line with %s is read by the kernel', (_, odd) => {
    const bytes = Buffer.from(`{"level":"x"}\n${`${odd}\n`.repeat(3)}{"level":"y"}\n`, 'latin1');
    const { format: fast, read } = counted(format);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(fast, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
    }
    // The first line of an object is the reader's.
    expect(read()).toBe(3);
    expect(recordsOf(fast, [bytes])).toEqual(recordsOf(withoutKernel(format), [bytes]));
  });
});

test('lines of JSON that are rejected are counted alike when no more of them are kept', () => {
  const { format, lines } = caseNamed('JSON of server logs');
  const part = fc
    .tuple(
      fc.constantFrom(...lines),
      fc.nat(),
      fc.nat(),
      fc.constantFrom('', ' ', '\r', ',', '} {', '}{"a":', '\u00a0', '"'),
    )
    .map(([line, from, length, end]) => `${line.slice(from % line.length, (from % line.length) + length)}${end}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.constantFrom(...lines)), { minLength: 1, maxLength: 30 }), (texts) => {
      const bytes = Buffer.from(`${'prose\n'.repeat(MAX_REJECTED_KEPT)}${texts.join('\n')}\n`);
      expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    }),
    { numRuns },
  );
  const { format: fast, read } = counted(format);
  const odd = ['{', '  "level": "x",', '  },', '{"level":"x"', '"', ']'].join('\n');
  loaded(fast, [Buffer.from(`${'prose\n'.repeat(MAX_REJECTED_KEPT)}${odd}\n`)]);
  expect(read()).toBe(MAX_REJECTED_KEPT);
});

describe('numbers of JSON', () => {
  const format = compiled('json', { columns: { small: 'int', large: 'bigint', real: 'double' } });
  const line = (real: string) => `{"small":1,"large":2,"real":${real}}`;

  test('numbers with an exponent are written as the reader writes them, and mostly by the kernel', () => {
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,19})(\.\d{1,20})?$/);
    const exponent = fc.stringMatching(/^[eE][+-]?\d{1,3}$/);
    const number = fc.tuple(fc.constantFrom('', '-'), digits, exponent, fc.boolean());
    const all = fc.array(number, { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(all, (numbers) => {
        const written = numbers.map(([sign, text, power, quoted]) => {
          const value = `${sign}${text}${power}`;
          return line(quoted ? JSON.stringify(value) : value);
        });
        const bytes = Buffer.from(`{}\n${written.join('\n')}\n`);
        const { format: fast, read } = counted(format);
        expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
        const plain = numbers.filter(
          ([, text, power]) => text.length <= 16 && Math.abs(Number(power.slice(1))) < 250 && /[1-9]/.test(text),
        );
        expect(read()).toBeLessThanOrEqual(1 + numbers.length - plain.length);
      }),
      { numRuns },
    );
  });

  test.each([
    ['1.5e-05', '0.000015'],
    ['1E7', '10000000'],
    ['1.2345678E7', '12345678'],
    ['123456789012345e-2', '1234567890123.45'],
    ['1e-6', '0.000001'],
    ['1e-7', '1e-7'],
    ['12.50e-9', '1.25e-8'],
    ['1e20', '100000000000000000000'],
    ['1e21', '1e+21'],
    ['-4.0e+100', '-4e+100'],
    ['-0.0e5', '0'],
  ])('the number %s is written as %s', (logged, expected) => {
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [Buffer.from(`{}\n${line(logged)}\n`)]).rows.at(-1)).toMatch(
      new RegExp(`:${expected.replace(/[+.]/g, '\\$&')}\\}$`),
    );
    expect(read()).toBe(1);
  });

  const whole = (small: string, large: string) => `{"small":${small},"large":${large},"real":1}`;

  test.each([
    ['1e+06', '1e+15', ':1000000,', ':1000000000000000,'],
    ['1.50e3', '"-1.234567890123e+17"', ':1500,', ':-123456789012300000,'],
    ['100e-2', '-0e7', ':1,', ':0,'],
  ])('%s and %s are whole numbers, and read by the kernel', (small, large, ...written) => {
    const bytes = Buffer.from(`{}\n${whole(small, large)}\n`);
    const { format: fast, read } = counted(format);
    const { rows } = loaded(fast, [bytes]);
    expect(rows).toEqual(loaded(withoutKernel(format), [bytes]).rows);
    for (const value of written) expect(rows.at(-1)).toContain(value);
    expect(read()).toBe(1);
  });

  test.each([
    ['1.5e-05', '123456789e-3', 'not a whole number'],
    ['1e+12', '"1.5e30"', 'out of range for '],
  ])('%s and %s, which no column takes, are read by the kernel', (small, large, reason) => {
    const bytes = Buffer.from(`{}\n${whole(small, large)}\n`);
    const { format: fast, read } = counted(format);
    const { rows } = loaded(fast, [bytes]);
    expect(rows).toEqual(loaded(withoutKernel(format), [bytes]).rows);
    expect(rows.at(-1)?.split(reason)).toHaveLength(3);
    expect(read()).toBe(1);
  });

  test('whole numbers with any exponent are the same to the kernel and to the TypeScript reader', () => {
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,19})(\.\d{1,20})?$/);
    const number = fc
      .tuple(fc.constantFrom('', '-'), digits, fc.stringMatching(/^([eE][+-]?\d{1,2})?$/))
      .map((all) => all.join(''));
    const values = fc.tuple(number, number).map(([small, large]) => whole(small, JSON.stringify(large)));
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 50 }), (lines) => {
        const bytes = Buffer.from(`{}\n${lines.join('\n')}\n`);
        expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
      }),
      { numRuns },
    );
  });

  test('numbers that no column of theirs takes, however few digits they had, are read by the kernel', () => {
    const bytes = Buffer.from('{}\n{"small":21474836480,"large":"-12345678901234567890","real":1}\n');
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    expect(read()).toBe(1);
  });
});

test.each(['1714557600123.4567', '"1714557600123.0"', '1714557600.1234567890123', '"2024-05-01T12:00:00+18:00"'])(
  'a time of %s is read by the kernel',
  (time) => {
    const format = compiled('json', { columns: { time: 'timestamp' } });
    const bytes = Buffer.from(`{}\n{"time":${time}}\n`);
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    expect(read()).toBe(1);
  },
);

describe('the fingerprint of an ALB line', () => {
  const { format, lines } = caseNamed('an ALB log');
  const { layout, columns, recordKeys: [everyKey = []] = [] } = format;
  if (layout?.kind !== 'delimited') throw new Error('expected a layout of fields');
  const { fields } = layout;
  const line = lines[0]?.match(/"[^"]*"|\S+/g) ?? [];

  /** Another value than the line's that a field's column takes as well. */
  const other = (index: number): string => {
    const { op, quoted } = fields[index] as LayoutField;
    if (op === 'request') return '"POST https://other.example.com:443/ HTTP/2.0"';
    const value = {
      time: '2026-11-22T10:00:00.654321Z',
      address: '192.0.2.99:99',
      seconds: '0.5',
      int: '7',
      bigint: '7',
    };
    return (
      (value as Partial<Record<LayoutOp, string>>)[op] ?? (quoted || line[index]?.startsWith('"') ? '"other"' : 'other')
    );
  };

  /** Columns of the fields without which the fingerprint would be another. */
  function columnsThatMatter(recordKey: readonly string[]): string[] {
    const changed = fields.map((_, at) => line.map((value, index) => (index === at ? other(at) : value)).join(' '));
    const { format: fast, read } = counted(format);
    const bytes = Buffer.from(`${[line.join(' '), line.join(' '), ...changed].join('\n')}\n`);
    const [, plain, ...records] = recordsOf(fast, [bytes], recordKey);
    // The first line of an object is the reader's.
    expect(read()).toBe(1);
    expect(records).toHaveLength(fields.length);
    return fields.flatMap((field, index) =>
      records[index]?.fingerprint === plain?.fingerprint ? [] : field.columns.filter((name) => name !== undefined),
    );
  }

  /** How many fields are looked at by themselves, the others being passed over; none where all are looked at. */
  const lookedAt = (...recordKeys: readonly (readonly string[])[]) =>
    Buffer.from(programOf(layout, columns, recordKeys) ?? []).readUInt32LE(KEPT_COUNT_AT);

  test.each([
    ["the format's own columns", everyKey, everyKey],
    ['one column', ['trace_id'], ['trace_id']],
    ['columns of several types', ['time', 'elb', 'elb_status_code'], ['time', 'elb', 'elb_status_code']],
    // What a field holds is taken as a whole: the port comes with the address.
    ['the address of a client', ['time', 'client_ip'], ['time', 'client_ip', 'client_port']],
    ['a column that is no field', ['time', 'account_id'], ['time']],
    ['an address and its port', ['client_ip', 'client_port'], ['client_ip', 'client_port']],
  ])('a fingerprint is that of %s, and of nothing else in the line', (_, recordKey, expected) => {
    expect(columnsThatMatter(recordKey).toSorted()).toEqual(expected.toSorted());
  });

  test.each([
    ["the format's own columns", everyKey],
    ['one column', ['trace_id']],
  ])('a fingerprint of %s is found without a look at most fields', (_, recordKey) => {
    expect(lookedAt(recordKey)).toBeGreaterThan(0);
    expect(lookedAt(recordKey)).toBeLessThan(fields.length / 2);
  });

  test.each([
    ['some columns are parts of a field', [['time', 'client_ip']]],
    ['a column is no field', [['time', 'account_id']]],
    ['its first column may be neither there nor missing', [['client_ip', 'client_port']]],
    ['there are several to choose from', [['time', 'trace_id'], ['elb']]],
  ])('a fingerprint takes a look at every field where %s', (_, recordKeys) => {
    expect(lookedAt(...recordKeys)).toBe(0);
  });
});

/** A line of as many bytes as the kernel takes, its LF included: as many units between its ends as there is room for. */
function fullLine(before: string, unit: string, after: string): string {
  const room = BLOCK_BYTES - before.length - after.length - '\n'.length;
  return `${before}${unit.repeat(Math.floor(room / unit.length))}${after}`;
}

describe('after a line that takes all the room it can have', () => {
  const alb = caseNamed('an ALB log');
  const { format: kong } = caseNamed("Kong's access log");
  const { format: json } = caseNamed('JSON of server logs');
  const logFormat = (text: string) =>
    compiled('nginx', { logFormat: text, filters: { no_http: false, no_client_address: false } });
  const [before = '', after = ''] = alb.lines[0]?.split(' 34 ') ?? [];
  const albLine = (unit: string) => fullLine(`${before} `, unit, ` ${after}`);
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] \\"GET /AGENT';
  const accessEnd = ' HTTP/1.1\\" 200 1 \\"-\\" \\"-\\""';
  const jsonLine = (start: string, end = '}') => fullLine(`${start}[`, '"",', `""]${end}`);

  test.each([
    ['whose first value is control characters', logFormat('$host|$status'), fullLine('', '\u0001', '-|200')],
    ['whose last value is control characters', logFormat('$status|$http_foo'), fullLine('200|', '\u0001', '')],
    ['with a number of bytes that are no UTF-8', alb.format, albLine('\xff')],
    ['with a number of control characters', alb.format, albLine('\x01')],
    ['with a number of quotes', alb.format, albLine('"')],
    [
      'of JSON escapes in an envelope',
      kong,
      fullLine(`{"log":"${access}`, '\\u0001', `${accessEnd},"stream":"stdout"}`),
    ],
    [
      'with a list before the line in its envelope',
      kong,
      jsonLine('{"stream":"stdout","time":', `,"log":"${access}${accessEnd}}`),
    ],
    [
      'with a list after the line in its envelope',
      kong,
      jsonLine(`{"stream":"stdout","log":"${access}${accessEnd},"x":`),
    ],
    ['with a list under a key that is no column', json, jsonLine('{"level":"x","other":')],
    ['with a list in a column of text', json, jsonLine('{"request_id":"r","level":')],
    ['with a list in a column of numbers', json, jsonLine('{"level":"x","status_code":')],
    ['with a list under a key that differs by case', json, jsonLine('{"level":"x","Level":')],
    ['whose text is bytes that are no UTF-8', json, fullLine('{"level":"', '\xff', '"}')],
    ['whose text under another key is such bytes', json, fullLine('{"level":"x","other":"', '\xff', '"}')],
    ['with a list of such bytes', json, fullLine('{"level":"x","other":["', '\xff', '"]}')],
    ['with a list of such bytes in a column', json, fullLine('{"request_id":"r","level":["', '\xff', '"]}')],
    [
      'with a list of such bytes in a column of numbers',
      json,
      fullLine('{"level":"x","status_code":["', '\xff', '"]}'),
    ],
    ['of such bytes in an envelope', kong, fullLine(`{"log":"${access}`, '\xff', `${accessEnd},"stream":"stdout"}`)],
  ])('the kernel and the reader agree after a line %s', (_, format, line) => {
    const bytes = Buffer.from(`x\n${line}\n`, 'latin1');
    const lineBytes = bytes.length - 'x\n'.length;
    expect(lineBytes).toBeLessThanOrEqual(BLOCK_BYTES);
    expect(lineBytes).toBeGreaterThan(BLOCK_BYTES - '\\u0001'.length);
    for (const keepRaw of ['never', 'on-error', 'always'] as const) {
      expect(loaded(format, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(format), [bytes], { keepRaw }));
    }
    const lines = Buffer.from(`${[...alb.lines, ...alb.lines].join('\n')}\n`);
    expect(loaded(alb.format, [lines])).toEqual(loaded(withoutKernel(alb.format), [lines]));
  });
});

test('lines in no envelope are read by the kernel after a piece that goes on a line without a beginning', () => {
  const { format, lines } = caseNamed("Kong's access log");
  const [plain = ''] = lines;
  const piece = JSON.stringify({
    ...{ source: 'stdout', log: 'of a line', container_id: 'c' },
    ...{ partial_message: 'true', partial_id: 'p', partial_ordinal: '2', partial_last: 'false' },
  });
  const enveloped = `2026-11-22T12:03:00.1Z stdout F ${plain}`;
  const all = [plain, piece, ...Array.from({ length: 300 }, (_, index) => (index % 100 === 99 ? enveloped : plain))];
  const bytes = Buffer.from(`${all.join('\n')}\n`);
  const { format: fast, read } = counted(format);
  expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
  // The first line, and the three in envelopes. The reader tries lines that may be whole, too.
  expect(read()).toBeLessThan(20);
  const events = eventBlocks(all.map((message) => ({ message, timestamp: 1795348980138 })));
  const [quick, reader] = [loaderOf(format, {}), loaderOf(withoutKernel(format), {})];
  for (const loader of [quick, reader]) for (const block of events) loader.readEvents(block);
  expect(resultOf(quick)).toEqual(resultOf(reader));
});

test('lines that were held for a piece whose line never ends are read by the kernel, as they came', () => {
  const { format, lines } = caseNamed("Kong's access log");
  const [plain = ''] = lines;
  const piece = `2026-11-22T12:03:00.1Z stdout P ${plain.slice(0, 60)}`;
  const odd = ['no line of Kong', '', `${plain}\r`, `${plain.slice(0, 40)}\ud800`];
  const all = Array.from({ length: 700 }, (_, index) =>
    index % 250 === 10 ? piece : index % 90 === 80 ? (odd[Math.floor(index / 90) % odd.length] ?? '') : plain,
  );
  const slow = withoutKernel(format);
  const bytes = Buffer.from(`${all.join('\n')}\n`);
  const { format: fast, read } = counted(format);
  expect(loaded(fast, [bytes])).toEqual(loaded(slow, [bytes]));
  expect(read()).toBeLessThan(40);
  expect(recordsOf(format, [bytes])).toEqual(recordsOf(slow, [bytes]));
  const events = all.map((message, index) => ({ message, timestamp: 1795348980138 + index }));
  const [quick, reader] = [fast, slow].map((of) => loaderOf(of, { lane: 'events' }));
  for (const loader of [quick, reader]) {
    for (const block of eventBlocks(events)) loader?.readEvents(block);
    loader?.end();
  }
  expect(resultOf(quick as LineBatcher)).toEqual(resultOf(reader as LineBatcher));
});

test('the kernel is the same after lines of another format', () => {
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x22"\n';
  const record = '{"client_ip":"203.0.113.7","request":{"url":"http://h/\\\\x22?a=\\\\x41"}}\n';
  const chunks = [Buffer.from(record.repeat(2))];
  const before = loaded(withoutKernel(compiled('kong-json')), chunks);
  loaded(compiled('kong'), [Buffer.from(access.repeat(2))]);
  expect(loaded(compiled('kong-json'), chunks)).toEqual(before);
});

test('the kernel and the reader agree on messages that are no well-formed text', () => {
  const { format } = caseNamed("Kong's access log");
  const message = `203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x41\ud800" kong_request_id: "b9"`;
  const [fast, reader] = [loaderOf(format, {}), loaderOf(withoutKernel(format), {})];
  for (const block of blocksOf([message])) fast.readEvents(block);
  for (const block of blocksOf([message])) reader.readEvents(block);
  expect(resultOf(fast)).toEqual(resultOf(reader));
});

describe('records', () => {
  test.each(CASES)('the kernel fills records as the reader does: $name', ({ format, lines }) => {
    const many = Buffer.from(`${Array.from({ length: 3000 }, (_, index) => lines[index % lines.length]).join('\n')}\n`);
    const sizes = (of: CompiledFormat) => {
      const loader = loaderOf(of, {});
      loader.push(many);
      loader.end();
      return loader.takeRemaining().map(({ rows, counts }) => [rows.map(({ length }) => length), counts]);
    };
    expect(sizes(format)).toEqual(sizes(withoutKernel(format)));
  });
});
