import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kong } from '../../../../lambdas/core/formats/kong.ts';
import { nginx } from '../../../../lambdas/core/formats/nginx.ts';
import { ESCAPES } from '../../../../lambdas/core/reading/layout.ts';
import { parseLogFormat, splitLine } from '../../../../lambdas/core/reading/log-format.ts';
import { numbered } from '../../../../lambdas/core/tables/table.ts';
import { readLines } from '../../../helpers/read-lines.ts';

const columnsOf = (logFormat: string) => Object.keys(nginx.compile({ logFormat }).columns);

describe('the table of a log_format', () => {
  test('has the columns its variables fill, in the shared order, then its other variables', () => {
    expect(columnsOf('$upstream_addr $status $remote_addr $Upstream_Cache_Status $'.concat('{msec}'))).toEqual([
      'log_time',
      'stream',
      'client_ip',
      'status_code',
      'upstream_addr',
      'upstream_cache_status',
    ]);
  });

  test('gives a column to the best variable for it and keeps the others as columns of their own', () => {
    expect(
      columnsOf('$body_bytes_sent $bytes_sent $upstream_response_time $request_time "$http_x_forwarded_for"'),
    ).toEqual([
      'log_time',
      'stream',
      'client_ip',
      'bytes_sent',
      'response_time',
      'upstream_seconds',
      'body_bytes_sent',
      'upstream_response_time',
    ]);
  });

  test("derives the project where the host is logged, of Kong's formats alone", () => {
    const columns = ['log_time', 'stream', 'host_domain'];
    expect(columnsOf('$http_host')).toEqual(columns);
    expect(Object.keys(kong.compile({ logFormat: '$http_host' }).columns)).toEqual([...columns, 'project_name']);
  });

  test('has one column for a variable that is logged twice', () => {
    expect(columnsOf('$status $request_time "$Status" $my_own $request_time $my_own')).toEqual([
      ...['log_time', 'stream', 'status_code', 'response_time', 'my_own'],
    ]);
  });
});

describe('a log_format that cannot be read', () => {
  test.each([
    [
      'two variables with nothing between them',
      '$remote_addr$status',
      'logFormat: column 13: expected text between $remote_addr',
    ],
    [
      'two variables of which the second may begin as the first one goes on',
      '$request_method $remote_addr$remote_port',
      'column 29: expected text between $remote_addr and $remote_port, because their values do not tell',
    ],
    ['two hosts, one directly after the other', '$status $host$http_host', 'text between $host and $http_host'],
    ['a header, which can hold anything, before another variable', '$http_a$request_uri', 'text between $http_a and'],
    ['a variable that may be missing between two others', '$scheme$http_x$status', 'text between $scheme and $http_x'],
    ['a brace not closed', 'a $'.concat('{status b'), 'column 3: expected $'.concat('{name}, got $', '{status ')],
    ['a dollar without a name', '$status $ x', 'column 9: expected the name of a variable after $, got " x"'],
    ['a capture of a regular expression', '$status $1', 'column 9: expected the name of a variable after $, got "1"'],
    ['no variable', 'hello', 'column 1: expected variables, as $remote_addr; got "hello"'],
    ['a line end', '$status\n$host', 'column 8: expected the format of one line, got a line end'],
    ["nginx's directive around it", "log_format main '$status'", 'column 1: expected only the text within the quotes'],
    ["nginx's quotes around it", "'$status'", 'column 1: expected only the text within the quotes'],
    ["a variable of the lake's own name", '$status $raw', 'column 9: expected another name than $raw'],
    ['a variable of a column the envelope fills', '$status $stream', 'column 9: expected another name than $stream'],
  ])('%s is refused with its place', (_, logFormat, message) => {
    expect(() => nginx.compile({ logFormat })).toThrow(message);
  });
});

describe('options that cannot be used', () => {
  test.each([
    ['a preset unknown', { preset: 'main' }, 'preset: expected one of kong, timed, got "main"'],
    ['a preset that objects have anyway', { preset: 'constructor' }, 'preset: expected one of kong, timed'],
    [
      'a preset beside a logFormat',
      { preset: 'kong', logFormat: '$status' },
      'expected either preset or logFormat, got both',
    ],
    [
      'a logFormat that is no text',
      { logFormat: ['$status'] },
      'logFormat: expected text, such as "$remote_addr [$time_local] \\"$request\\" $status $request_time", got ["$status"]',
    ],
    ['an escape unknown', { escape: 'html' }, 'escape: expected one of default, json, none, got "html"'],
    ['a filter unknown', { filters: { no_https: false } }, 'filters: expected a filter of not_stdout, no_http'],
    [
      'a filter that is no switch',
      { filters: { no_http: 'off' } },
      'filters.no_http: expected true or false, got "off"',
    ],
    ['filters that are a list', { filters: ['no_http'] }, 'filters: expected an object'],
  ])('%s is refused', (_, options, message) => {
    expect(() => kong.compile(options)).toThrow(message);
  });
});

describe('reading', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 60 });
  const escapeDefault = (value: string) =>
    [...Buffer.from(value, 'utf8')]
      .map((byte) =>
        byte < 32 || byte > 126 || byte === 0x22 || byte === 0x5c
          ? `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
          : String.fromCharCode(byte),
      )
      .join('');
  const escapeJson = (value: string) => JSON.stringify(value).slice(1, -1);
  const printable = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((value) => value.isWellFormed() && value !== '-' && !/[\x00-\x1f\x7f\uFFFD]/.test(value));

  test.each([
    ['default', escapeDefault],
    ['json', escapeJson],
  ])('gives back what a line held, whatever its values, with escape=%s', (escaping, write) => {
    const { columns, reader } = nginx.compile({
      escape: escaping,
      logFormat:
        '$remote_addr [$time_iso8601] "$request_method $server_protocol" "$uri" "$http_user_agent" $bytes_sent "$custom"',
      filters: { local_client: false },
    });
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }),
        printable,
        printable,
        printable,
        fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
        (address, date, url, agent, custom, bytes) => {
          const time = `${date.toISOString().slice(0, 19)}+00:00`;
          const [u, a, c] = [url, agent, custom].map(write);
          const line = `${address} [${time}] "GET HTTP/1.1" "${u}" "${a}" ${bytes} "${c}"`;
          expect(readLines({ columns, reader }, [line])).toEqual([
            {
              row: {
                log_time: time.replace('T', ' ').replace('+00:00', ''),
                client_ip: address,
                request_method: 'GET',
                http_version: '1.1',
                request_url: url,
                user_agent: agent,
                bytes_sent: Number(bytes),
                custom,
              },
            },
          ]);
        },
      ),
    );
  });

  test('never throws and writes JSON, whatever the line', () => {
    const compiled = [
      kong.compile({}),
      kong.compile({ filters: { no_http: false, no_client_address: false, local_client: false, not_stdout: false } }),
      nginx.compile({ logFormat: '{"a":"$status","b":"$request"}', escape: 'json' }),
      nginx.compile({ logFormat: '$upstream_response_time $host', escape: 'none' }),
    ];
    const pieces = fc.constantFrom(
      ' ',
      '"',
      '\\',
      '\\x',
      '[',
      ']',
      ' - ',
      '{',
      '}',
      ':',
      ',',
      '192.0.2.1',
      'HTTP/',
      '-',
    );
    const line = fc.oneof(
      anyText,
      fc.array(fc.oneof(pieces, anyText), { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(line, fc.constantFrom(...compiled), (text, format) => {
        expect(readLines(format, [text.toWellFormed()])).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['quotes', '"'],
    ['backslashes', '\\'],
    ['escaped quotes', '\\"'],
    ['escapes', '\\x22'],
    ['spaces', ' '],
    ['separators of the format', '" "'],
    ['brackets and colons', '[:'],
    ['open objects', '{"a":'],
    ['upstream times', '0.1, '],
  ])('a megabyte of %s is one line', (_, piece) => {
    const head = '192.0.2.1 - - [29/Nov/2024:11:41:46 +0000] "GET /';
    const long = piece.repeat(1_000_000 / piece.length);
    const format = kong.compile({ filters: { no_http: false, no_client_address: false } });
    expect(readLines(format, [long, head + long, `${head} HTTP/1.1" 200 1 "${long}"`])).toHaveLength(3);
  });
});

describe('keys of columns', () => {
  test('stay as they are when a log_format comes to log more, so that rows in a buffer are read right', () => {
    const keysOf = (logFormat: string) =>
      new Map(numbered(nginx.compile({ logFormat }).columns).map(({ name, key }) => [name, key]));
    const before = keysOf('$remote_addr [$time_local] "$request" $status $my_own');
    const after = keysOf('$remote_addr [$time_local] "$request" $status $my_own $request_time "$host" $another');
    for (const [name, key] of before) expect(after.get(name)).toBe(key);
    expect(new Set(after.values()).size).toBe(after.size);
  });
});

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:54321', '203.0.113.7'],
  ['203.0.113.7:54321, 10.0.0.1', '203.0.113.7'],
  ['[2001:db8::1]:54321', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1:443', '2001:db8::1:443'],
])('a client %s is %s', (logged, expected) => {
  const format = nginx.compile({ logFormat: '$http_x_forwarded_for - "$request" $status' });
  expect(readLines(format, [`${logged} - "GET / HTTP/1.1" 200`])).toMatchObject([{ row: { client_ip: expected } }]);
});

describe('what is no text', () => {
  const line = '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8" kong_request_id: "r"';

  test.each([
    ['binary data', 'x\x9c\0\x01K\xcb'],
    ['text in UTF-16', [...line].join('\0')],
    ['a hole where a file was truncated', `${'\0'.repeat(40)}${line}`],
  ])('is rejected and kept: %s', (_, text) => {
    expect(readLines(kong.compile({}), [text])).toEqual([{ rejected: 'not_this_format' }]);
  });
});

describe('variables side by side', () => {
  const missing = (escaping: string) => (escaping === 'default' ? '-' : '');
  const host = fc.constantFrom('example.com', 'a-b.example', '-', 'localhost', '192.0.2.1', '[2001:db8::1]', '_');
  const path = fc.stringMatching(/^\/[a-z/.%-]{0,10}$/);
  const query = fc.stringMatching(/^[a-z/?&=%.-]{1,10}$/).filter((text) => text !== '-');
  const digits = fc.stringMatching(/^[1-9]\d{0,5}$/);
  const fixed: Readonly<Record<string, fc.Arbitrary<string>>> = {
    $status: fc.stringMatching(/^[1-5]\d\d$/),
    $msec: fc.stringMatching(/^1\d{9}\.\d{3}$/),
    $request_time: fc.stringMatching(/^(0|[1-9]\d?)\.\d{3}$/),
    $request_id: fc.stringMatching(/^[\da-f]{32}$/),
    $pipe: fc.constantFrom('p', '.'),
    $time_local: fc.constant('22/Nov/2026:12:03:00 +0000'),
    $time_iso8601: fc.constantFrom('2026-11-22T12:03:00+00:00', '2026-11-22T12:03:00-09:30'),
  };
  const others: readonly (readonly [string, readonly fc.Arbitrary<string>[]])[] = [
    ['$host$request_uri', [host, path]],
    ['$http_host$uri', [host, path]],
    ['$request_method$request_uri', [fc.constantFrom('GET', 'M-SEARCH'), path]],
    ['$server_port$scheme', [digits, fc.constantFrom('http', 'https')]],
    ['$scheme$server_port$request_uri', [fc.constantFrom('http', 'https'), digits, path]],
    ['$remote_addr$request_uri', [fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('unix:')), path]],
    ...Object.entries(fixed).map(([name, value]) => [`${name}$http_x`, [value, query]] as const),
    ...Object.entries(fixed).map(
      ([name, value]) => [`$host$request_uri|${name}$status`, [host, path, value, fc.constant('404')]] as const,
    ),
  ];

  test.each(others)('%s are told apart by what their values look like', (logFormat, values) => {
    const texts = fc.tuple(...(values as fc.Arbitrary<string>[]));
    fc.assert(
      fc.property(texts, fc.constantFrom(...ESCAPES), (logged, escaping) => {
        const format = parseLogFormat(`<${logFormat}> $http_end`);
        const left = [...logged];
        const line = `<${logFormat.replace(/\$\w+/g, () => left.shift() ?? 'none')}> end`;
        expect(splitLine(line, format, escaping)).toEqual({ values: [...logged, 'end'], rest: '', breaksOff: false });
      }),
    );
  });

  test.each(ESCAPES)('a path and its query string, one of which may be missing, with escape=%s', (escaping) => {
    const format = parseLogFormat('"$scheme://$host$uri$is_args$args" $status');
    const read = (line: string) => splitLine(line, format, escaping)?.values;
    expect(read('"http://example.com/a-b?c=d?" 200')).toEqual(['http', 'example.com', '/a-b', '?', 'c=d?', '200']);
    const none = missing(escaping);
    expect(read(`"http://example.com/a-b${none}" 200`)).toEqual(['http', 'example.com', '/a-b', '', none, '200']);
    expect(read(`"http://_${none}${none}" 400`)).toEqual(['http', '_', none, '', none, '400']);
  });

  test('a value that is not what its variable logs rejects the line', () => {
    const format = nginx.compile({ logFormat: '$remote_addr [$time_local] $status$http_x' });
    const start = '192.0.2.1 [22/Nov/2026:12:03:00 +0000]';
    expect(readLines(format, [`${start} 200a`, `${start} OKa`])).toMatchObject([
      { row: { status_code: 200, http_x: 'a' } },
      { rejected: 'not_this_format' },
    ]);
  });

  test.each([
    ['$remote_addr:$remote_port:$server_port', '192.0.2.1:40000:443', ['192.0.2.1', '40000', '443']],
    ['$remote_addr:$remote_port', '2001:db8::1:40000', ['2001:db8::1', '40000']],
    ['$remote_addr:$remote_port', 'unix::', ['unix:', '']],
    ['$host:$server_port', '[2001:db8::1]:443', ['[2001:db8::1]', '443']],
    ['$http_host:$server_port', 'example.com:8443:443', ['example.com:8443', '443']],
    ['$http_host:$server_port', 'example.com:443', ['example.com', '443']],
  ])('%s, as in %s', (logFormat, line, values) => {
    expect(splitLine(`${line} x`, parseLogFormat(`${logFormat} $http_x`), 'default')?.values).toEqual([...values, 'x']);
  });
});

describe('a variable that is logged twice', () => {
  const format = nginx.compile({
    logFormat: '$remote_addr $status "$http_user_agent" $request_time "$http_user_agent" $status',
  });

  test('is one value, and one that differs is an entry in errors', () => {
    expect(
      readLines(format, ['192.0.2.1 200 "curl/8" 0.010 "curl/8" 200', '192.0.2.1 200 "curl/8" 0.010 "curl/7" 201']),
    ).toEqual([
      { row: { client_ip: '192.0.2.1', status_code: 200, user_agent: 'curl/8', response_time: 0.01 } },
      {
        row: {
          client_ip: '192.0.2.1',
          status_code: 200,
          user_agent: 'curl/8',
          response_time: 0.01,
          errors: {
            http_user_agent: { value: 'curl/7', reason: 'differs from the first $http_user_agent' },
            status: { value: '201', reason: 'differs from the first $status' },
          },
        },
      },
    ]);
  });
});
