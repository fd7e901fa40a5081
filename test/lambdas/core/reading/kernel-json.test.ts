import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_REJECTED_KEPT } from '../../../../lambdas/core/loading/line-batcher.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { counted, KERNEL_RUNS, loaded, withoutKernel } from '../../../helpers/kernel.ts';
import { recordsOf } from '../../../helpers/records.ts';
import { caseNamed } from './kernel-cases.ts';

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
    { numRuns: KERNEL_RUNS },
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
      { numRuns: KERNEL_RUNS },
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
      { numRuns: KERNEL_RUNS },
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
