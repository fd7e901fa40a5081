/** What may be done to a line for the kernel's tests, and JSON objects of any kind. */
import fc from 'fast-check';
import type { ColumnSpecs } from '../../../../lambdas/core/tables/table.ts';

/** JSON objects of any members in any order, with space between their parts or none; most of them what columns take. */
export function jsonObject(columns: ColumnSpecs): fc.Arbitrary<string> {
  const types = new Map(Object.entries(columns).map(([name, { type }]) => [name, type]));
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...types.keys()) },
    { weight: 10, arbitrary: fc.constantFrom(...OTHER_KEYS) },
    { weight: 2, arbitrary: fc.stringMatching(/^[a-z_.]{1,66}$/) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_KEYS, ...[...types.keys()].map((name) => name.toUpperCase())) },
  );
  const member = key.chain((name) => {
    const type = types.get(name);
    const fitting = fc.constantFrom(...(type === undefined || type === 'string' ? ANY_TEXT : VALUES_OF[type]));
    const value = fc.oneof(
      { weight: 40, arbitrary: type === 'timestamp' ? fc.oneof(fitting, timeJson) : fitting },
      { weight: 1, arbitrary: fc.constantFrom(...ANY_TEXT) },
      { weight: 2, arbitrary: fc.constantFrom(...UNFIT_VALUES) },
      { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
      { weight: type ? 1 : 10, arbitrary: fc.json({ maxDepth: 4 }) },
      { weight: type ? 1 : 10, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map((s) => JSON.stringify(s)) },
    );
    return fc.tuple(fc.constant(name), value);
  });
  const members = fc.array(member, { minLength: 1, maxLength: 12 });
  const space = fc.constantFrom('', '', '', ' ', '\t ');
  return fc.tuple(members, fc.integer({ min: 0, max: 9 }), space).map(([all, twice, between]) => {
    const chosen = twice === 0 ? all : [...new Map(all)];
    const parts = chosen.map(([name, json]) => `${JSON.stringify(name)}:${json}`);
    return spaced(`{${parts.join(',')}}`, between);
  });
}

/** Members of an object: keys as JSON, and values as JSON or as members. */
type Members = [key: string, value: string | Members][];

/**
 * JSON objects that have columns at paths, in nested objects and in keys with dots; with other members among them, and
 * now and then with a path in two ways, a repeated key, an escaped one, or something else where an object is expected.
 */
export function pathObject(paths: readonly string[]): fc.Arbitrary<string> {
  const key = (text: string, form: number) => {
    if (form === 0) return JSON.stringify(text.toUpperCase());
    if (form > 1 || !/^[a-z]/.test(text)) return JSON.stringify(text);
    return `"\\u00${text.charCodeAt(0).toString(16)}${text.slice(1)}"`;
  };
  const placed = fc.record({
    path: fc.constantFrom(...paths, ...paths, ...paths, 'other', 'log.other', 'http.response.other', 'trace.a.b'),
    /** Which dots are steps into objects. */
    steps: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    forms: fc.array(fc.nat(60), { minLength: 5, maxLength: 5 }),
    /** At which object to begin another one of the same key. */
    again: fc.nat(80),
    value: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...ANY_TEXT, ...WHOLE_NUMBERS, ...TIMES) },
      { weight: 2, arbitrary: fc.constantFrom(...UNFIT_VALUES, 'null', '{}', '[{}]', '{"status_code":1}') },
      { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
    ),
  });
  const written = (members: Members): string =>
    `{${members.map(([name, value]) => `${name}:${typeof value === 'string' ? value : written(value)}`).join(',')}}`;
  return fc
    .tuple(fc.array(placed, { minLength: 1, maxLength: 10 }), fc.constantFrom('', '', '', ' ', '\t '))
    .map(([all, space]) => {
      const record: Members = [];
      for (const { path, steps, forms, again, value } of all) {
        const keys = [''];
        for (const [index, part] of path.split('.').entries()) {
          if (index > 0 && steps[index % steps.length]) keys.push(part);
          else keys.push(index > 0 ? `${keys.pop()}.${part}` : part);
        }
        let members = record;
        for (const [index, part] of keys.slice(1).entries()) {
          const name = key(part, forms[index % forms.length] ?? 2);
          if (index === keys.length - 2) members.push([name, value]);
          else {
            const known = members.find(([other, inner]) => other === name && typeof inner !== 'string')?.[1];
            const inner: Members = typeof known === 'object' && again !== index ? known : [];
            if (inner !== known) members.push([name, inner]);
            members = inner;
          }
        }
      }
      return spaced(written(record), space);
    });
}

/** JSON text with space before and behind its parts. */
function spaced(json: string, space: string): string {
  if (space === '') return json;
  return json.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (part) =>
    part.startsWith('"') ? part : `${space}${part}${space}`,
  );
}

const linesOf = (text: string) => text.trim().split('\n');

const OTHER_KEYS = [
  ...['message', 'n', 'camelCase', 'a key of 15 byt', 'a key of 16 byte', 'a key of 17 bytes', '__proto__', '1a'],
  ...['kubernetes.container.name', 'kubernetes.container.image', 'k'.repeat(62), 'k'.repeat(63), 'levels', 'leve'],
];
const ODD_KEYS = ['Message', 'N', 'camelcase', 'k'.repeat(64), 'extra', 'é', '', '1', 'a"b', 'a\\b', 'constructor'];

const WHOLE_NUMBERS = linesOf(`
0
7
200
-5
123456789
"200"
200.0
1e+06
1.5e3
"2E2"
-1.50e1
100e-2
0e0
null`);
const TIMES = linesOf(`
"2026-11-22T10:00:00.123Z"
"2026-11-22T10:00:00.123456Z"
"2026-11-22 10:00:00+09:00"
"2026-11-22 10:00:00,123"
"2026-11-22T10:00:00,123456+0900"
"2026-11-22 10:00:00 UTC"
"2026-11-22T10:00Z"
"2026-11-22t10:00:00z"
"2026-11-22T10:00:00+09"
"2026-11-22T10:00:00,"
"1732880506123456"
1732880506123456789
"2024-02-29T23:59:59"
1732880506123
1732880506.5
"1732880506"
1732880506123.4567
1732880506123.0
1732880506123.456787109375
1732880506123.1234567890123456
1732880506.12345678901
"1732880506123456.7"
1.732880506123e12
1.7328805061234567E+9
-1732880506123.5
253402300799999.5
"2026-11-22T10:00:00+18:00"
"2026-11-22T10:00:00+25:00"
"2026-11-22 10:00:00.5 -0560"
"2026-11-22T10:00:00-18:01"
"20261122T100000Z"
"20261122T100000.123456789+18:00"
"20261122T100000.123456789+18:000"
"20261122T1000Z"
"22/Nov/2026:10:00:00 +0900"
"22/Nov/2026:10:00:60 +0900"
"[22/Nov/2026:10:00:00 +0900]"
"[22/Nov/2026"
"2026-11-22T24:00:00Z"
"2026-12-31T23:59:60Z"
"Sun, 22 Nov 2026 10:00:00 GMT"
"Mon, 22 Nov 2026 10:00:00 GMT"
"Sun Nov 22 2026 10:00:00 GMT+0100 (Mitteleurop\\u00e4ische Zeit)"
"Sun Nov 22 2026 10:00:00 GMT+0100 (Mitteleuropäische Zeit)"
"2026-11-22 10:00:00 CET"
"N/A"
"May"
"on 22 Nov"
"9 Uhr 30 früh"
null`);
const VALUES_OF = {
  int: WHOLE_NUMBERS,
  bigint: [...WHOLE_NUMBERS, '1234567890', '123456789012345', '1234567890123456', '123456789012345678'],
  double: linesOf(`
0
0.5
1.50
0.0
-1.25
"0.25"
12345678901234.5
123456789012345.2
0.1234567890123
0.12345678901234
0.123456789012345
100000.000000
9.0000000000001
123456789012345
1234567890123456
null`),
  boolean: ['true', 'false', 'null'],
  timestamp: TIMES,
} as const;
const ANY_TEXT = linesOf(String.raw`
""
"INFO"
"15 bytes in all"
"16 bytes in all."
"17 bytes in all.."
"a\tb\n\"c\"\\ \/ \b\f\r"
"\u0000\u001f\u0041\u00e9\u6f22\u007f\u2028"
"\ud83d\ude00"
"漢字かな交じり文 é😀 x"
"café"
true
200
-0
1e5
1E+2
-1.5e-3
12345678901234567890
[]
{}
[[],{},[{}]]
["16 bytes in all.",0,-1,1.5,1e5]
{"a":1,"b":[1,2.5,-3e4,true,false,null,"x"],"c":{"d":"e \"f\" \u0041 é"}}
{"a":{"b":{"c":[{"d":1},{"e":[2]}]}}}
${'['.repeat(64)}${']'.repeat(64)}`);
/** What columns that are no text mostly do not take. */
const UNFIT_VALUES = linesOf(String.raw`
""
"n/a"
"12ms"
-0.0
1234567890.0
"+7.0"
"1.000000000000000000000"
"1.0"
"1.5"
"1.50.0"
"1."
".5"
"1e5"
"1E"
"-"
"+5"
"--"
"e"
"T"
"TRUE"
"False"
"falsy"
"Truth"
"no"
"1"
"２"
"29/Nov/2024:11:41:46 +0000"
"22.11.2026 10:00"
"2026-11-22T25:00:00Z"
"2026-1-2 03:04:05"
"a \"b\" \\"
"\u0031"
0.5
1.0
1.5e0
"1.5e+0"
-12.50e-1
1e10
2147483648.0
2.147483647e9
-2147483648e0
9.223372036854775807e18
922337203685477580.8e1
1e19
1e999
1e-999
0.0e9999
1e999999999
"1e5e5"
"1.7e14"
"1e-3"
NaN
-Infinity
"NaN"
[Infinity,{"a":NaN}]
"1.e5"
"e5"
true
false
{"a": "b"}
[1]`);
const ODD_VALUES = [
  ...linesOf(String.raw`
"n/a"
"\ud83d"
"\ud83d\u0041"
"\ude00"
"\x41"
"\u12g4"
1234567890
1234567890123456789
0.12345678901234567
[1,]
{"a"}
{"a":}
{"a":1,}
{"a" "b":1}
{1:2}
[1 2]
{"a":1]
[}
[01]
[1.]
01
1.
.5
+1
1.e5
1e
nul
tru
False
NaN
"
{
${'['.repeat(65)}${']'.repeat(65)}`),
  '"tab\tin it"',
  '',
];

/** Text that formats give a meaning to, or that is hard to read. */
const BITS = [
  ' ',
  '  ',
  '"',
  '""',
  '"-"',
  '" "',
  '\\',
  '\\"',
  '\\\\',
  '\\x22',
  '\\xC3\\xA9',
  '\\xe2\\x82',
  '\\x0a',
  '\\xef\\xbf\\xbd',
  '\\x5C',
  '\\u0041',
  '\\ud83d',
  '\\ud83d\\ude00',
  '-',
  '-1',
  '-0',
  '0',
  '00',
  '007',
  '1',
  '9',
  '1234567890',
  '99999999999999999999',
  '0.000',
  '0.0000001',
  '.5',
  '5.',
  '1e5',
  '1.0',
  '12345678.901234567890',
  ':',
  '::',
  '::1',
  '127.0.0.1',
  '256.1.1.1',
  '[',
  ']',
  '{',
  '}',
  '{}',
  '[]',
  '{"a":1}',
  ',',
  ', ',
  ' : ',
  '|',
  '?',
  '??',
  'HTTP/',
  'HTTP/1.1',
  'GET ',
  'null',
  'true',
  'True',
  '\t',
  '\r',
  '\r\r',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\u3000',
  '\ufeff',
  'é',
  '漢字',
  '😀',
  'T',
  'Z',
  '+00:00',
  '+25:00',
  '+9999',
  '-0560',
  '2024-02-30',
  '2023-02-29',
  '2024-02-29',
  '23:59:60',
  '24:00:00',
  '.123456789',
  '.1234567890',
  '0001-01-01',
  '1732880506',
  '9999999999999',
  'a'.repeat(40),
  '"extra":"x"',
  '"level":1',
  '"Level":"x"',
  '2024-01-01T00:00:00Z stdout F ',
  '-12',
  '29/Nov/2024:11:41:46 +0000',
  '\u0001'.repeat(30),
  '   ',
  'kong_request_id: "',
  '\n',
  '',
] as const;
const BYTES = [0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0xf4, 0x90, 0xff, 0x0b, 0x0c, 0x1c];

/** A moment: whole seconds since the epoch, and the digits of a fraction. */
interface Moment {
  readonly seconds: number;
  readonly fraction: string;
}

/** The first second of the year 0, and the last of 9999. */
const [FIRST, LAST] = [-62_167_219_200, 253_402_300_799];
/** Seconds at which a row has another form of a time, or a number another length; and the ends of what is a time. */
const LIMITS = [FIRST, 0, 9, 1_000_000_000, 2_147_483_647, 9_999_999_999, LAST];
const FRACTIONS = ['', '0', '5', '12', '000', '001', '123000', '123456', '000001', '123000999', '000000001'];

const moment: fc.Arbitrary<Moment> = fc.record({
  seconds: fc.oneof(
    fc.tuple(fc.constantFrom(...LIMITS), fc.integer({ min: -90, max: 90 })).map(([limit, by]) => limit + by),
    fc.integer({ min: 0, max: 2_147_483_647 }),
    fc.integer({ min: FIRST, max: LAST }),
  ),
  fraction: fc.oneof(
    fc.constantFrom(...FRACTIONS),
    fc
      .tuple(fc.nat(999_999_999), fc.nat(9))
      .map(([digits, length]) => String(digits).padStart(9, '0').slice(0, length)),
  ),
});

const dotted = (fraction: string) => fraction && `.${fraction}`;

function isoText({ seconds, fraction }: Moment, between = 'T'): string {
  const iso = new Date(seconds * 1000).toISOString();
  return `${iso.slice(0, 10)}${between}${iso.slice(11, 19)}${dotted(fraction)}`;
}

function localText({ seconds }: Moment): string {
  const [, , day, month, year, time] = /^(\w+), (\d\d) (\w+) (-?\d+) ([\d:]+)/.exec(
    new Date(seconds * 1000).toUTCString(),
  ) as RegExpExecArray;
  return `${day}/${month}/${year}:${time}`;
}

const millisText = ({ seconds, fraction }: Moment) => String(seconds * 1000 + Number(fraction.slice(0, 3)));

/** Forms of time that the kernel reads, or leaves to the TypeScript reader. */
const OTHER_FORMS: readonly ((at: Moment) => string)[] = [
  (at) => `${isoText(at).replace(/[-:]/g, '')}Z`,
  (at) => isoText(at).replace(/[-:]/g, ''),
  (at) => `${isoText(at).replace(/[-:]/g, '')}-0330`,
  (at) => `${isoText(at, ' ').replace('.', ',')}`,
  (at) => `${isoText(at, ' ')} +0200 CEST m=+0.000100000`,
  (at) => isoText(at, ' ').replaceAll('-', '/'),
  (at) => `${isoText(at)}+02:00[Europe/Berlin]`,
  (at) => isoText(at).replace(/T\d\d:\d\d:\d\d/, 'T24:00:00'),
  (at) => `${isoText(at).replace(/T\d\d:\d\d:\d\d/, 'T23:59:60')}Z`,
  (at) => `${localText(at)} +0000`,
  (at) => new Date(at.seconds * 1000).toUTCString(),
  (at) => new Date(at.seconds * 1000).toUTCString().replace('GMT', '+0200'),
];

const timeJson = fc.oneof(
  fc
    .tuple(moment, fc.constantFrom('Z', '', '+09:00', '-0330', '-1800', '+18:01', '+0560', '+99:99'))
    .map(([at, zone]) => `"${isoText(at)}${zone}"`),
  moment.map((at) => `${at.seconds}${dotted(at.fraction)}`),
  moment.map(millisText),
  fc
    .tuple(
      moment,
      fc.constantFrom(...OTHER_FORMS),
      fc.nat(60),
      fc.constantFrom('', '', '', '0', 'T', '/', ' ', 'x', ':'),
    )
    .map(([at, write, place, put]) => {
      const text = write(at);
      return JSON.stringify(put === '' ? text : text.slice(0, place) + put + text.slice(place + (place % 2)));
    }),
);

/** Times in lines: what comes behind the seconds of ISO's and nginx's stays. */
const LINE_TIMES = [
  [/\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.\d+)?/g, (at: Moment, between: string) => isoText(at, between)],
  [/\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d/g, localText],
  [/\b1732880506\d{3}\b/g, millisText],
  [/\b1732880506(?:\.\d+)?\b/g, (at: Moment) => `${at.seconds}${dotted(at.fraction)}`],
] as const;

/** The line with other times, the moments in turn. */
function retimed(line: string, moments: readonly Moment[]): string {
  let turn = 0;
  const next = () => moments[turn++ % moments.length] as Moment;
  return LINE_TIMES.reduce(
    (text, [time, write]) => text.replace(time, (_, between: unknown) => write(next(), String(between))),
    line,
  );
}

/** Lines that have times, with each of the seconds at the limits and next to them, and with each fraction. */
export function linesAtLimits(lines: readonly string[]): string[] {
  const seconds = LIMITS.flatMap((limit) => [limit - 1, limit, limit + 1]);
  const moments = seconds.flatMap((each) => FRACTIONS.map((fraction) => ({ seconds: each, fraction })));
  return moments.flatMap((at) => lines.map((line) => retimed(line, [at])).filter((line) => !lines.includes(line)));
}

/** One line with other times, and some of its parts replaced, put in or taken out; as bytes, which may be no UTF-8. */
export function changedLine(lines: readonly string[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(),
    cut: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, fc.nat(60)),
    put: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...BITS).map((bit) => Buffer.from(bit)) },
      { weight: 1, arbitrary: fc.constantFrom(...BYTES).map((byte) => Buffer.from([byte])) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
    ),
  });
  return fc
    .record({
      line: fc.constantFrom(...lines),
      times: fc.array(moment, { maxLength: 3 }),
      changes: fc.array(change, { maxLength: 3 }),
      end: fc.nat(),
    })
    .map(({ line, times, changes, end }) => {
      let bytes = Buffer.from(times.length > 0 ? retimed(line, times) : line);
      for (const { at, cut, put } of changes) {
        const from = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
      }
      return end % 10 === 0 ? bytes.subarray(0, end % (bytes.length + 1)) : bytes;
    });
}
