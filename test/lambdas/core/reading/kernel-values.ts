/** JSON text with space before and behind its parts. */
export function spaced(json: string, space: string): string {
  if (space === '') return json;
  return json.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (part) =>
    part.startsWith('"') ? part : `${space}${part}${space}`,
  );
}

const linesOf = (text: string) => text.trim().split('\n');

export const OTHER_KEYS = [
  ...['message', 'n', 'camelCase', 'a key of 15 byt', 'a key of 16 byte', 'a key of 17 bytes', '__proto__', '1a'],
  ...['kubernetes.container.name', 'kubernetes.container.image', 'k'.repeat(62), 'k'.repeat(63), 'levels', 'leve'],
];
export const ODD_KEYS = [
  'Message',
  'N',
  'camelcase',
  'k'.repeat(64),
  'extra',
  'é',
  '',
  '1',
  'a"b',
  'a\\b',
  'constructor',
  '404',
  '0',
  'É',
  'É1',
  '漢字',
  '漢',
  'İ',
  'i\u0307',
  '\u212a'.repeat(3),
  'k'.repeat(65),
  'K'.repeat(65),
  'k'.repeat(300),
  'tab\t',
  'a.b',
  '#2',
];

export const WHOLE_NUMBERS = linesOf(`
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
export const TIMES = linesOf(`
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
export const VALUES_OF = {
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
export const ANY_TEXT = linesOf(String.raw`
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
export const UNFIT_VALUES = linesOf(String.raw`
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
export const ODD_VALUES = [
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
export const BITS = [
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
export const BYTES = [0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0xf4, 0x90, 0xff, 0x0b, 0x0c, 0x1c];
