import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eachRecord, RecordReader } from '../../../../lambdas/core/duplicates/records.ts';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { LineBatcher, type LineBatcherProps } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import type { CompiledFormat, Format, FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { KEPT_COUNT_AT, programOf } from '../../../../lambdas/core/reading/kernel-program.ts';
import type { Layout } from '../../../../lambdas/core/reading/layout.ts';
import { CASES } from './kernel-cases.ts';
import { changedLine, jsonObject, linesAtLimits } from './kernel-lines.ts';

/** Runs of each property; the environment can ask for more. */
const numRuns = Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 400);

/** A format without what the kernel needs, so that its reader reads every line. */
function withoutKernel({ layout, ...format }: CompiledFormat): CompiledFormat {
  return format;
}

/** The format, and how many lines its reader has been given. */
function counted(format: CompiledFormat): { readonly format: CompiledFormat; read: () => number } {
  let lines = 0;
  const reader: CompiledFormat['reader'] = {
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
  };
}

function recordsOf(format: CompiledFormat, chunks: readonly Buffer[], recordKeys?: readonly string[]) {
  const records: unknown[] = [];
  const reader = new RecordReader(format, recordKeys && [recordKeys], (batch) => {
    for (const { fingerprint, minute, position, line } of eachRecord(batch)) {
      records.push({ fingerprint, minute, position, line });
    }
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return records;
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

describe.each(CASES)('the kernel and the reader of $name', ({ format, lines, plain }) => {
  const slow = withoutKernel(format);

  test('agree on what lines mostly are, most of which the kernel reads by itself', () => {
    const { format: fast, read } = counted(format);
    const twice = [...lines, ...lines];
    const bytes = Buffer.from(`${twice.join('\n')}\n`);
    expect(loaded(fast, [bytes])).toEqual(loaded(slow, [bytes]));
    // The first line of an object is the reader's.
    expect(read()).toBeLessThanOrEqual(1 + twice.length - 2 * plain);
  });

  test('agree on every object', () => {
    fc.assert(
      fc.property(objectOf(lines), fc.constantFrom('never', 'on-error', 'always'), (chunks, keepRaw) => {
        const shared = new Map([[Object.keys(format.columns)[0] ?? '', 'shared "value"']]);
        expect(loaded(format, chunks, { keepRaw, shared })).toEqual(loaded(slow, chunks, { keepRaw, shared }));
      }),
      { numRuns },
    );
  });

  test('agree on every message', () => {
    fc.assert(
      fc.property(fc.array(changedLine(lines), { maxLength: 12 }), (messages) => {
        const texts = messages.map((message) => message.toString('utf8'));
        const [fast, reader] = [loaderOf(format, {}), loaderOf(slow, {})];
        fast.readMessages(texts);
        for (const text of texts) reader.read(text);
        expect(resultOf(fast)).toEqual(resultOf(reader));
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });

  test('agree on the fingerprints, times and places of every record', () => {
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

  test('agree when an earlier attempt has read some of it', () => {
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

describe.each(CASES.filter(({ name }) => name.startsWith('json')))('the kernel and the reader of $name', (each) => {
  const { format } = each;
  const objects = fc.array(jsonObject(format.columns), { minLength: 1, maxLength: 12 });

  test('agree on members in any order', () => {
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

describe.each(CASES.filter(({ lines }) => linesAtLimits(lines).length > 0))(
  'the kernel and the reader of $name',
  ({ format, lines }) => {
    test('agree on times at which their form in the row changes', () => {
      const chunks = [Buffer.from(`${linesAtLimits(lines).join('\n')}\n`)];
      expect(loaded(format, chunks)).toEqual(loaded(withoutKernel(format), chunks));
    });
  },
);

describe('a line that would cost ten times as much in the reader, if all were so,', () => {
  const { format, lines } = CASES[0] as (typeof CASES)[number];
  const line = lines[0] ?? '';
  const changed = (from: string, to: string) => {
    expect(line).toContain(from);
    return line.replace(from, to);
  };
  const times = /\d{4}-\d\d-\d\dT\S+/g;

  test.each([
    ['a whole number that is none', changed(' 34 366 ', ' 34 12x ')],
    ['a status that is none, and a port', changed(' 200 200 ', ' OK - ').replace('10.0.0.1:80', '10.0.0.1:http')],
    ['a duration that is none', changed(' 0.001 ', ' fast\t\\ ')],
    ['times that are none', line.replaceAll(times, 'yesterday')],
    ['several of them, and a field that is new', `${changed('200 200 34', 'a b c')} new`],
    ['a value of another alphabet', changed(' 34 ', ' ٣٤ ')],
    ['bytes that are no UTF-8', changed('curl/8.7.1', '\xe9t\xc3 \xff\xf0\x9f')],
    [
      'such bytes in a field that is new, in a value that does not convert and before an escape',
      `${changed(' 34 ', ' 3\xff ').replace('curl/8.7.1', '\xc3\\xA9')} "\xe9\\\xed\xa0\x80"`,
    ],
  ] as const)('has %s, and is read by the kernel', (what, odd) => {
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

describe('numbers of JSON', () => {
  const format = FORMATS.get('json')?.compile({
    columns: { small: 'int', large: 'bigint', real: 'double' },
  }) as CompiledFormat;
  const line = (real: string) => `{"small":1,"large":2,"real":${real}}`;

  test('with an exponent are written as the reader writes them, and mostly by the kernel', () => {
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
  ])('%s is %s', (logged, expected) => {
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [Buffer.from(`{}\n${line(logged)}\n`)]).rows.at(-1)).toMatch(
      new RegExp(`:${expected.replace(/[+.]/g, '\\$&')}\\}$`),
    );
    expect(read()).toBe(1);
  });

  const whole = (small: string, large: string) => `{"small":${small},"large":${large},"real":1}`;

  test.each([
    ['1e+06', '1e+15', '"a":1000000,"b":1000000000000000'],
    ['1.50e3', '"-1.234567890123e+17"', '"a":1500,"b":-123456789012300000'],
    ['100e-2', '-0e7', '"a":1,"b":0'],
  ])('%s and %s are whole numbers, and read by the kernel', (small, large, expected) => {
    const bytes = Buffer.from(`{}\n${whole(small, large)}\n`);
    const { format: fast, read } = counted(format);
    const { rows } = loaded(fast, [bytes]);
    expect(rows).toEqual(loaded(withoutKernel(format), [bytes]).rows);
    expect(rows.at(-1)).toContain(expected);
    expect(read()).toBe(1);
  });

  test.each([
    ['1.5e-05', '123456789e-3', 'not a whole number'],
    ['1e+12', '"1.5e30"', 'out of range for '],
  ])('%s and %s are none that a column takes, which the kernel tells', (small, large, reason) => {
    const bytes = Buffer.from(`{}\n${whole(small, large)}\n`);
    const { format: fast, read } = counted(format);
    const { rows } = loaded(fast, [bytes]);
    expect(rows).toEqual(loaded(withoutKernel(format), [bytes]).rows);
    expect(rows.at(-1)?.split(reason)).toHaveLength(3);
    expect(read()).toBe(1);
  });

  test('that are whole numbers with any exponent are the same to both', () => {
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

  test('that no column of theirs takes, however few digits they had, are read by the kernel', () => {
    const bytes = Buffer.from('{}\n{"small":21474836480,"large":"-12345678901234567890","real":1}\n');
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    expect(read()).toBe(1);
  });
});

test.each(['1714557600123.4567', '"1714557600123.0"', '1714557600.1234567890123', '"2024-05-01T12:00:00+18:00"'])(
  'a time of %s is read by the kernel',
  (time) => {
    const format = FORMATS.get('json')?.compile({ columns: { time: 'timestamp' } }) as CompiledFormat;
    const bytes = Buffer.from(`{}\n{"time":${time}}\n`);
    const { format: fast, read } = counted(format);
    expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
    expect(read()).toBe(1);
  },
);

describe('of the recordKeys of an ALB line', () => {
  const { layout, columns, recordKeys = [] } = (FORMATS.get('alb') as Format).compile({});
  /** Fields that are looked at alone. */
  const kept = (...names: string[]) =>
    Buffer.from(programOf(layout as Layout, columns, names.length > 0 ? [names] : recordKeys) ?? []).readUInt32LE(
      KEPT_COUNT_AT,
    );

  test('only fields that matter are looked at: its own, times, and what tells whether it is a line of the format', () => {
    // Seven of its own; the user agent, always in quotes; two lists.
    expect(kept()).toBe(10);
    // One of its own, and two times and the request besides.
    expect(kept('trace_id')).toBe(7);
  });

  test('all fields are where columns are parts of one, are no field at all, or the first of them may be neither there nor missing', () => {
    expect(kept('time', 'client_ip')).toBe(0);
    expect(kept('time', 'account_id')).toBe(0);
    expect(kept('client_ip', 'client_port')).toBe(0);
    const several = programOf(layout as Layout, columns, [['time', 'trace_id'], ['elb']]);
    expect(Buffer.from(several ?? []).readUInt32LE(KEPT_COUNT_AT)).toBe(0);
  });
});

test('the kernel is the same after a line that takes all the room it can have', () => {
  const format = (name: string, options: FormatOptions) => FORMATS.get(name)?.compile(options) as CompiledFormat;
  const alb = CASES[0] as (typeof CASES)[number];
  const odd = Buffer.from(`${[...alb.lines, ...alb.lines].join('\n')}\n`);
  const before = loaded(alb.format, [odd]);
  const control = '\u0001'.repeat(262_137);
  for (const [logFormat, line] of [
    ['$host|$status', `${control}-|200`],
    ['$status|$http_foo', `200|${control}`],
  ] as const) {
    const wide = format('nginx', { logFormat, filters: { no_http: false, no_client_address: false } });
    const bytes = Buffer.from(`x|200\n${line}\n`);
    expect(loaded(wide, [bytes], { keepRaw: 'always' })).toEqual(
      loaded(withoutKernel(wide), [bytes], { keepRaw: 'always' }),
    );
  }
  const fields = (CASES[0] as (typeof CASES)[number]).lines[0]?.split(' 34 ') ?? [];
  for (const value of ['\xff', '\x01', '"']) {
    const bytes = Buffer.from(`x\n${fields.join(` ${value.repeat(261_300)} `)}\n`, 'latin1');
    expect(bytes.length).toBeLessThan(262_144);
    for (const keepRaw of ['never', 'always'] as const) {
      expect(loaded(alb.format, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(alb.format), [bytes], { keepRaw }));
    }
  }
  const kong = format('kong', {});
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] \\"GET /AGENT';
  for (const line of [
    `{"log":"${access}${'\\u0001'.repeat(43_650)} HTTP/1.1\\" 200 1 \\"-\\" \\"-\\"","stream":"stdout"}`,
    `{"stream":"stdout","time":[${'"",'.repeat(87_270)}""],"log":"${access} HTTP/1.1\\" 200 1 \\"-\\" \\"-\\""}`,
    `{"stream":"stdout","log":"${access} HTTP/1.1\\" 200 1 \\"-\\" \\"-\\"","x":[${'"",'.repeat(87_270)}""]}`,
  ]) {
    const bytes = Buffer.from(`{}\n${line}\n`);
    expect(line.length).toBeGreaterThan(261_900);
    expect(bytes.length).toBeLessThan(262_144);
    for (const keepRaw of ['never', 'always'] as const) {
      expect(loaded(kong, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(kong), [bytes], { keepRaw }));
    }
  }
  const json = format('json', { preset: 'server-logs' });
  const quotes = `[${'"",'.repeat(87_340)}""]`;
  for (const line of [
    `{"level":"x","other":${quotes}}`,
    `{"request_id":"r","level":${quotes}}`,
    `{"level":"x","status_code":${quotes}}`,
    `{"level":"x","Level":${quotes}}`,
  ]) {
    const bytes = Buffer.from(`{}\n${line}\n`);
    expect(line.length).toBeGreaterThan(262_000);
    for (const keepRaw of ['never', 'always'] as const) {
      expect(loaded(json, [bytes], { keepRaw })).toEqual(loaded(withoutKernel(json), [bytes], { keepRaw }));
    }
  }
  expect(loaded(alb.format, [odd])).toEqual(before);
});

test('the kernel is the same after lines of another format', () => {
  const compiled = (name: string) => FORMATS.get(name)?.compile({}) as CompiledFormat;
  const access = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x22"\n';
  const record = '{"client_ip":"203.0.113.7","request":{"url":"http://h/\\\\x22?a=\\\\x41"}}\n';
  const chunks = [Buffer.from(record.repeat(2))];
  const before = loaded(withoutKernel(compiled('kong-json')), chunks);
  loaded(compiled('kong'), [Buffer.from(access.repeat(2))]);
  expect(loaded(compiled('kong-json'), chunks)).toEqual(before);
});

test('the kernel and the reader agree on messages that are no well-formed text', () => {
  const { format } = CASES[1] as (typeof CASES)[number];
  const message = `203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "\\x41\ud800" kong_request_id: "b9"`;
  const [fast, reader] = [loaderOf(format, {}), loaderOf(withoutKernel(format), {})];
  fast.readMessages([message]);
  reader.read(message);
  expect(resultOf(fast)).toEqual(resultOf(reader));
});

describe('records', () => {
  test.each(CASES)('are filled as the reader fills them: $name', ({ format, lines }) => {
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
