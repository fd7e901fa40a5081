import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../../../lambdas/core/tables/table.ts';
import { ConversionError, type OpenXOptions, openX } from '../../../local/firehose/openx.ts';

const plain: OpenXOptions = {
  columnToJsonKeyMappings: {},
  caseInsensitive: false,
  convertDotsInJsonKeysToUnderscores: false,
};

/** The literal a single value becomes. */
function literal(type: ColumnType, json: string): string {
  const { ndjson } = openX([{ name: 'x', type }], plain)(`{"x":${json}}`);
  return /^\{"0":(.*)\}\n$/s.exec(ndjson)?.[1] ?? ndjson;
}

function failure(type: ColumnType, json: string): string {
  try {
    return `converted: ${literal(type, json)}`;
  } catch (error) {
    if (error instanceof ConversionError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('values that fit', () => {
  test.each<[string, ColumnType, string, string]>([
    ['an int', 'int', '-2147483648', '-2147483648'],
    ['an int given as text', 'int', '"+42"', '42'],
    ['a bigint beyond 2^53 keeps its digits', 'bigint', '9223372036854775807', '9223372036854775807'],
    ['a bigint given as text', 'bigint', '"-9223372036854775808"', '-9223372036854775808'],
    ['a double', 'double', '1.5e-3', '0.0015'],
    ['a double given as text', 'double', '".5"', '0.5'],
    ['a negative zero', 'double', '-0.0', '-0.0'],
    ['a boolean given as text', 'boolean', '"TRUE"', 'true'],
    [
      'a number in a string column keeps its spelling',
      'string',
      '12345678901234567890.10',
      '"12345678901234567890.10"',
    ],
    ['a boolean in a string column', 'string', 'false', '"false"'],
    ['an object in a string column is JSON text', 'string', '{"a":[1.0,"b"]}', '"{\\"a\\":[1.0,\\"b\\"]}"'],
    ['a NUL and a character beyond 16 bits', 'string', '"a\\u0000\\ud83d\\ude00"', '"a\\u0000😀"'],
    ['a lone surrogate becomes the replacement character', 'string', '"\\ud800"', '"\ufffd"'],
    ['an ISO timestamp, cut to microseconds', 'timestamp', '"2017-02-07T15:13:01.123456789Z"', '1486480381123456'],
    ['an ISO timestamp without fraction', 'timestamp', '"2024-02-29T00:00:00Z"', '1709164800000000'],
    ['an SQL timestamp with short month and day', 'timestamp', '"2017-2-7 15:13:01.14"', '1486480381140000'],
    ['a timestamp before 1970', 'timestamp', '"1969-12-31T23:59:59.5Z"', '-500000'],
    ['seconds since the epoch', 'timestamp', '1518033528', '1518033528000000'],
    ['milliseconds since the epoch', 'timestamp', '1518033528123', '1518033528123000'],
    ['seconds with a fraction', 'timestamp', '1518033528.123', '1518033528123000'],
    ['seconds given as text', 'timestamp', '"1518033528"', '1518033528000000'],
  ])('%s', (_name, type, json, expected) => {
    expect(literal(type, json)).toBe(expected);
  });

  test('null, missing and unknown keys leave the column out', () => {
    const convert = openX([{ name: 'x', type: 'int' }], plain);
    expect(convert('{"x":null}\n{"y":1}\n{"x":1,"y":2}').ndjson).toBe('{}\n{}\n{"0":1}\n');
  });
});

describe('values that do not fit fail by name', () => {
  test.each<[string, ColumnType, string, string]>([
    ['a dash for a number', 'int', '"-"', 'column x (key x): expected int, got "-"'],
    ['a fraction for a whole number', 'int', '1.5', 'column x (key x): expected int, got 1.5'],
    ['an int out of range', 'int', '2147483648', 'column x (key x): out of range for int: 2147483648'],
    ['a bigint out of range', 'bigint', '9223372036854775808', 'out of range for bigint: "9223372036854775808"'],
    ['an infinite double', 'double', '1e999', 'out of range for double'],
    ['text for a boolean', 'boolean', '"yes"', 'expected boolean, got "yes"'],
    ['an object for a boolean', 'boolean', '{"toString":1}', 'expected boolean, got an object'],
    ['a day that does not exist', 'timestamp', '"2023-02-29T00:00:00Z"', 'expected timestamp'],
    ['hour 24', 'timestamp', '"2023-02-01T24:00:00Z"', 'expected timestamp'],
    ['an offset other than Z', 'timestamp', '"2023-02-01T00:00:00+01:00"', 'expected timestamp'],
    ['a boolean for a timestamp', 'timestamp', 'true', 'expected timestamp, got true'],
    ['an array for a number', 'double', '[1]', 'expected double, got an array'],
  ])('%s', (_name, type, json, expected) => {
    expect(failure(type, json)).toContain('DataFormatConversion.MalformedData: ');
    expect(failure(type, json)).toContain(expected);
  });
});

describe('the objects of a record', () => {
  const convert = openX([{ name: 'a', type: 'int' }], plain);

  test.each([
    ['concatenated', '{"a":1}{"a":2}'],
    ['by line', '{"a":1}\n{"a":2}\n'],
    ['by CRLF and blank lines', '{"a":1}\r\n\r\n{"a":2}\r\n'],
    ['pretty-printed', '{\n  "a": 1\n}\n{\n  "a": 2\n}'],
    ['with braces and quotes in text', '{"b":"}{\\"","a":1} {"a":2,"b":{"c":"\\\\"}}'],
  ])('%s', (_name, record) => {
    expect(convert(record).ndjson).toBe('{"0":1}\n{"0":2}\n');
  });

  test.each([
    ['an array of objects', '[{"a":1},{"a":2}]', 'got an array'],
    ['a number', '1', 'got 1'],
    ['commas between objects', '{"a":1},{"a":2}', 'malformed JSON at character 7'],
    ['a line feed for a comma', '{"a":1\n"b":2}', 'malformed JSON at character 0'],
    ['a broken second object', '{"a":1}{"a":', 'malformed JSON at character 7: {"a":'],
    ['nothing', ' \n', 'no JSON object'],
  ])('%s is refused', (_name, record, message) => {
    expect(() => convert(record)).toThrow(message);
  });

  test('exact digits are those of the right object, however the objects lie', () => {
    const exact = openX([{ name: 'a', type: 'bigint' }], plain);
    const record = '{\n"a": 1\n}\n{\n"a": 9007199254740993\n}';
    expect(exact(record).ndjson).toBe('{"0":1}\n{"0":9007199254740993}\n');
    expect(exact(record.replace('}\n{', '}{')).ndjson).toBe('{"0":1}\n{"0":9007199254740993}\n');
  });

  test('one bad object fails the whole record', () => {
    expect(() => convert('{"a":1}\n{"a":"x"}')).toThrow('expected int, got "x"');
  });

  test('nesting without end in a string column fails its record and nothing else', () => {
    const nested = openX([{ name: 'a', type: 'string' }], plain);
    expect(() => nested(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)).toThrow(ConversionError);
  });
});

describe('keys', () => {
  const columns = [
    { name: 'one', type: 'int' },
    { name: 'constructor', type: 'int' },
    { name: '__proto__', type: 'int' },
  ] as const;

  test('a mapped column is read under its key and not under its name', () => {
    const convert = openX(columns, { ...plain, columnToJsonKeyMappings: { one: '10' } });
    expect(convert('{"10":1,"one":2}').ndjson).toBe('{"0":1}\n');
  });

  test('names every JavaScript object has are columns like others', () => {
    const convert = openX(columns, plain);
    expect(convert('{"one":1}').ndjson).toBe('{"0":1}\n');
    expect(convert('{"constructor":2,"__proto__":3}').ndjson).toBe('{"1":2,"2":3}\n');
  });

  test('keys are lower-cased where the stream says so, and two that become one are refused', () => {
    const convert = openX(columns, { ...plain, caseInsensitive: true });
    expect(convert('{"ONE":1}').ndjson).toBe('{"0":1}\n');
    expect(openX(columns, plain)('{"ONE":1}').ndjson).toBe('{}\n');
    expect(() => convert('{"ONE":1,"one":2}')).toThrow('the object has one twice');
  });

  test('dots become underscores where the stream says so', () => {
    const convert = openX([{ name: 'a_b', type: 'int' }], { ...plain, convertDotsInJsonKeysToUnderscores: true });
    expect(convert('{"a.b":1}').ndjson).toBe('{"0":1}\n');
  });

  test('two columns under one key are refused when the stream is opened', () => {
    expect(() => openX(columns, { ...plain, columnToJsonKeyMappings: { one: 'constructor' } })).toThrow(
      'columns one and constructor both map to key constructor',
    );
  });
});

describe('empty rows', () => {
  const convert = openX(
    [
      { name: 'time', type: 'string' },
      { name: 'origin', type: 'string' },
    ],
    { ...plain, columnToJsonKeyMappings: { time: '10', origin: '0' } },
  );

  test.each<[string, string, number]>([
    ['a value in a column of the format', '{"0":"o","10":"t"}', 0],
    ['only keys no column has', '{"0":"o","11":"t"}', 1],
    ['nothing at all', '{}', 1],
    ['only nulls', '{"10":null}', 1],
    ["only the lake's own columns, and no other key", '{"0":"o"}', 0],
  ])('%s', (_name, record, expected) => {
    expect(convert(record).emptyRows).toBe(expected);
  });

  test('the keys of the first are told', () => {
    expect(convert('{"0":"o","10":"t"}\n{"0":"o","11":"t"}').emptyKeys).toEqual(['0', '11']);
  });
});

test('whatever the JSON, a record becomes lines of JSON or a ConversionError', { timeout: 30_000 }, () => {
  const types = ['string', 'int', 'bigint', 'double', 'boolean', 'timestamp'] as const;
  const columns = types.map((type) => ({ name: type, type }));
  const convert = openX(columns, { ...plain, caseInsensitive: true });
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.bigInt().map(Number), fc.double());
  const object = fc.dictionary(fc.oneof(fc.constantFrom(...types), fc.string()), value);
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '\n', ' '), (objects, seam) => {
      let rows: ReturnType<typeof convert>;
      try {
        rows = convert(objects.map((item) => JSON.stringify(item)).join(seam));
      } catch (error) {
        expect(error).toBeInstanceOf(ConversionError);
        return;
      }
      const lines = rows.ndjson.trimEnd().split('\n');
      expect(lines).toHaveLength(objects.length);
      for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object');
    }),
  );
});

test('values of the right types arrive as they were', () => {
  const columns = [
    { name: 'text', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'bytes', type: 'bigint' },
    { name: 'seconds', type: 'double' },
  ] as const;
  const convert = openX(columns, plain);
  const row = fc.record({
    text: fc.string({ unit: 'binary' }),
    count: fc.integer(),
    bytes: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    seconds: fc.double({ noNaN: true, noDefaultInfinity: true }),
  });
  fc.assert(
    fc.property(row, ({ text, count, bytes, seconds }) => {
      const json = `{"text":${JSON.stringify(text)},"count":${count},"bytes":${bytes},"seconds":${JSON.stringify(seconds)}}`;
      const { ndjson } = convert(json);
      expect(ndjson).toContain(`"2":${bytes}`);
      expect(JSON.parse(ndjson)).toMatchObject({ 0: text.toWellFormed(), 1: count, 3: seconds === 0 ? 0 : seconds });
    }),
  );
});
