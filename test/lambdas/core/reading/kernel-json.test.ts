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
    [
      'keys that come again',
      '{"level":"x","a":1,"a":{"b":[2]},"level":"y","Ratio":1,"ratio":null,"RATIO":3,"":1,"":2}',
    ],
    ['a key that comes again in another case', '{"level":"x","other":1,"Other":2,"OTHER":3}'],
    [
      'a key that comes again beside a value that does not convert',
      '{"level":"x","n":"y","s":1.5,"level":2,"a":1,"a":2}',
    ],
    [
      'many keys',
      `{"level":"x",${Array.from({ length: 4000 }, (_, index) => `"k${index}":${index}`).join(',')},"k7":1}`,
    ],
    ['a message that may be a line of CRI', '{"level":"x","message":"404 not found"}'],
    ['a message that is an object', String.raw`{"level":"x","message":"{\"level\":\"y\"}","n":1}`],
    ['a message that begins with an escape', String.raw`{"level":"x","message":"\t{}"}`],
    ['a message beside a log that is an object', '{"log":{"file":{"path":"a"}},"message":"7 {}","level":"x"}'],
    ['a key with escapes', String.raw`{"level":"x","\u0061bc":1,"a\"b\\":[2],"\t\u00e9\/":"c","more":{"\u0061":1}}`],
    ['an escaped key of a column', String.raw`{"lev\u0065l":"x","n":1,"\u0052atio":7}`],
    [
      'a key that is no ASCII',
      '{"level":"x","cl\xc3\xa9":1,"\xe6\xbc\xa2\xe5\xad\x97":2,"\xe6\xbc\xa2":3,"\xff":4,"more":{"\xc3\xa9":5}}',
    ],
    ['a key that is a number', '{"level":"x","404":1,"abc":2,"0":null,"12":"3","more":{"1":1}}'],
    ['an empty key', '{"":1,"level":"x"}'],
    ['a long key', `{"level":"x","${'k'.repeat(64)}":1,"${'K'.repeat(65)}":2,"${'k'.repeat(5000)}":[3]}`],
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

test.each([
  ['an escape', String.raw`{"l\u0065vel":"a","level":"b"}`],
  ['another escape', String.raw`{"l\u0065vel":"a","le\u0076el":"b"}`],
  ['an escape in the second place', String.raw`{"level":"a","LEV\u0065L":"b"}`],
  ['an escape of another key', String.raw`{"\u0061bc":1,"abc":2}`],
  ['another case of a letter that is no ASCII', '{"\u00e9":1,"\u00c9":2}'],
  ['the sign for Kelvin', '{"k":1,"\u212a":2}'],
  ['a capital with a dot', '{"\u0130":1,"i\u0307":2}'],
  ['the same name three times', '{"abc":1,"abc":2,"abc":3,"ABC":4,"Abc":5,"ABC":6}'],
  ['the name of a column whose value does not convert', '{"k":"x","k":"y","K":1}'],
  ['a name with the number of another one', '{"a#2":0,"a#2":1,"a":1,"a":2,"a":3}'],
  ['100 others', `{${Array.from({ length: 100 }, (_, index) => `"k${index}":1,"K${index}":2`).join(',')}}`],
  ['5,000 others', `{${Array.from({ length: 5000 }, (_, index) => `"k${index}":1`).join(',')},"k9":2}`],
  ['another case, and many characters', `{"${'k'.repeat(70)}":1,"${'K'.repeat(70)}":2}`],
])('a key that comes again with %s is one that comes again to the kernel too', (_, odd) => {
  const format = compiled('json', { columns: { level: 'string', k: 'int', i: 'int' } });
  const bytes = Buffer.from(`{}\n${odd}\n`);
  const result = loaded(format, [bytes]);
  expect(result).toEqual(loaded(withoutKernel(format), [bytes]));
  expect(result.rows.at(-1)).toMatch(/duplicate_key|case_collision/);
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
  const beginnings = [
    ...[
      'hello ',
      '[INFO] ',
      '-',
      '-Infinity',
      'NaN',
      'null',
      'nul',
      'true',
      '12',
      '12 ',
      '"',
      '[',
      '[1,',
      '{}',
      '{"a":1}',
    ],
    ...[
      '2026-11-22T10:00:00Z stdout F ',
      '2026-11-22 10:00:00 st',
      '2026-11-22 10:00:00 INFO',
      '2026\ttag\t',
      '\ufeff',
    ],
    ...['START RequestId: 8f507cfc-8ec3-4697-b07a-ac58fc914c95 Version: 1', 'END ', 'LOGS\tName: a\tState: ', '\u00a0'],
  ];
  const bits = [
    '"',
    '\t',
    '\\q',
    '\\x41',
    '\\',
    'NaN',
    '-Infinity',
    'In',
    '\r',
    '\v',
    '[',
    '}',
    ',',
    ':',
    '01',
    '\0',
    '\u00e9',
    ' ',
  ];
  const odd = fc
    .record({
      line: fc.constantFrom(
        ...lines,
        '',
        '{"level":"x"}',
        '[1,{"a":[]}]',
        '[]',
        `{"a":${'['.repeat(1023)}${']'.repeat(1023)}}`,
        `{"a":${'['.repeat(1024)}1${']'.repeat(1024)}}`,
      ),
      before: fc.constantFrom('', '', '', '', ...beginnings),
      bit: fc.constantFrom('', ...bits),
      at: fc.nat(),
      behind: fc.constantFrom('', '', '', ' ', '\r', ' x', ' {}', '}', ']', 'e', ' 5', '\u00a0'),
    })
    .map(({ line, before, bit, at, behind }) => {
      const from = at % (line.length + 1);
      return `${before}${line.slice(0, from)}${bit}${line.slice(from)}${behind}`;
    });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(part, odd, odd, fc.constantFrom(...lines)), { minLength: 1, maxLength: 30 }),
      (texts) => {
        const bytes = Buffer.from(`${'prose\n'.repeat(MAX_REJECTED_KEPT)}${texts.join('\n')}\n`);
        expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
      },
    ),
    { numRuns: KERNEL_RUNS },
  );
  const { format: fast, read } = counted(format);
  const certain = [
    ...[
      '{',
      '  "level": "x",',
      '  },',
      '{"level":"x"',
      '"',
      ']',
      'prose',
      '[INFO] prose',
      '2026-11-22 10:00:00 INFO prose',
    ],
    ...[
      '{"level":"a"b"}',
      '{"level":"a\tb"}',
      '{"level":"\\q"}',
      "{'level':'x'}",
      '{"level":01}',
      '{"level":1,}',
      '{level:1}',
    ],
    ...['{"level":truE}', '{"level":1} }', '[1,]', '[1] 2]', '12 34', 'nul', 'true false', '-'],
  ].join('\n');
  loaded(fast, [Buffer.from(`${'prose\n'.repeat(MAX_REJECTED_KEPT)}${certain}\n`)]);
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

test.each([
  ['a name of a header that has a dot', '"request":{"headers":{"a.b":"x","host":"h"}}'],
  ['a name of a header that is a number', '"request":{"headers":{"1":"x","host":"h","é":1}}'],
  ['a key that is a number', '"1":[2],"":3'],
])('a record of Kong with %s is read by the kernel', (_, members) => {
  const format = compiled('kong-json');
  const bytes = Buffer.from(`${`{"client_ip":"192.0.2.7",${members}}\n`.repeat(2)}`);
  const { format: fast, read } = counted(format);
  expect(loaded(fast, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
  expect(recordsOf(fast, [bytes])).toEqual(recordsOf(withoutKernel(format), [bytes]));
  // The first line of an object is the reader's.
  expect(read()).toBe(2);
});

test.each([
  '"request.headers":{"host":"h"}',
  '"request":{"headers.host":"h"}',
  '"request.headers.host":"h"',
  '"request.headers.x":"h"',
])('a path as the key %s is read alike', (members) => {
  const format = compiled('kong-json');
  const bytes = Buffer.from(`${`{"client_ip":"192.0.2.7",${members}}\n`.repeat(2)}`);
  expect(loaded(format, [bytes])).toEqual(loaded(withoutKernel(format), [bytes]));
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
