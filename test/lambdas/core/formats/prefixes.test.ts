import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { readLines, readObjectText } from '../../../helpers/read-lines.ts';

const START = '192.0.2.10 - alice [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/1.1" 200';
const OLD_ALB =
  'http 2018-03-01T22:08:42.945958Z app/web/50dc6c495c0c9188 192.0.2.7:2817 198.51.100.9:80 0.000 0.001 0.000 200 200 34 366 ' +
  '"GET http://www.example.com:80/?a=b HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:' +
  'targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "www.example.com" "session-reused" 12345';
const INGRESS = `${START} 5126 "https://www.example.com/" "curl/8.7.1" 412 2.104 [shop-web-80] []`;

/** Lines of formats with options. */
const LINES: readonly (readonly [name: string, options: FormatOptions, line: string])[] = [
  ...[...FORMATS.values()]
    .filter(({ name }) => name !== 'json')
    .flatMap(({ name, exampleLines }) => exampleLines.map((line) => [name, {}, line] as const)),
  ['alb', {}, OLD_ALB],
  ['nginx', { preset: 'timed' }, `${START} 0.037 5126 "www.example.com" "-" "curl/8.7.1"`],
  ['kong', { preset: 'timed' }, `${START} 0.037 5126 "www.example.com" "-" "curl/8.7.1" kong_request_id: "678281372f"`],
  [
    'nginx',
    { preset: 'ingress-nginx' },
    `${INGRESS} 198.51.100.9:8080 5126 0.036 200 9f86d081884c7d659a2feaa0c55ad015`,
  ],
  [
    'nginx',
    { preset: 'ingress-nginx' },
    `${INGRESS} 198.51.100.9:80, 198.51.100.10:80 0, 512 2.000, 0.036 504, 200 9f86`,
  ],
  [
    'nginx',
    { preset: 'ingress-nginx-json' },
    '{"time": "2026-11-22T12:03:00+00:00", "remote_addr": "203.0.113.9", "x_forwarded_for": "127.0.0.1, 203.0.113.9", ' +
      '"request_id": "9f86d081884c7d65", "remote_user": "", "bytes_sent": 5390, "request_time": 0.037, "status": 200, ' +
      '"vhost": "shop.example.com", "request_proto": "HTTP/2.0", "path": "/orders", "request_query": "page=2", ' +
      '"request_length": 412, "method": "GET", "http_referrer": "https://www.example.com/", "http_user_agent": "a \\"b\\"" }',
  ],
  [
    'nginx',
    {
      logFormat:
        '$remote_addr:$remote_port [$msec] "$scheme://$host$uri$is_args$args" $server_protocol $status $host "$http_x"',
    },
    '2001:db8::7:40000 [1795348980.450] "https://www.example.com/orders?page=2" HTTP/1.1 200 www.example.com "x\\x22y"',
  ],
  [
    'nginx',
    {
      logFormat:
        '$time_iso8601|$status|$request_time|$http_x_forwarded_for|$remote_user|$request|$upstream_status|$request_id',
    },
    '2026-11-22T12:03:00+00:00|200|0.037|203.0.113.9, 192.0.2.1|a b|GET / HTTP/1.1|502, 200|9f86d081884c7d659a2feaa0c55ad015',
  ],
  ['nginx', { logFormat: '$remote_addr "$request" $status $body_bytes_sent' }, '192.0.2.10 "GET / HTTP/1.1" 200 5126'],
];

/** Whether a value is what the whole line has: each member of it, in an object. */
function isOf(value: unknown, whole: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === whole;
  const members = whole as Readonly<Record<string, unknown>> | undefined;
  return Object.entries(value).every(([name, each]) => isOf(each, members?.[name]));
}

describe.each(LINES)('a line of %s with %j that breaks off', (name, options, line) => {
  const format = compiled(name, options);
  const [reading] = readLines(format, [line]);
  const whole = reading && 'row' in reading ? reading.row : {};

  test.each(name === 'alb' ? [''] : ['', '2026-11-22T12:03:00Z stdout F '])(
    'at the end of an object, after %j, is rejected or has no value that the whole line does not have',
    (before) => {
      expect(whole).not.toEqual({});
      expect(whole).not.toHaveProperty('errors');
      const wrong = Array.from({ length: line.length - 1 }, (_, index) => line.slice(0, index + 1)).flatMap(
        (prefix) => {
          const [read] = readObjectText(format, `${before}${prefix}`);
          if (!read || 'rejected' in read || prefix.trim() === '') return [];
          const { errors, stream, log_time, ...values } = 'row' in read ? read.row : { filtered: read };
          const time = log_time === '2026-11-22 12:03:00' || log_time === undefined ? {} : { log_time };
          return isOf({ ...values, ...time }, whole) ? [] : [[prefix, read]];
        },
      );
      expect(wrong).toEqual([]);
    },
  );
});

test('a line with a line end is whole', () => {
  const { exampleLines = [] } = FORMATS.get('alb') ?? {};
  const [line = ''] = exampleLines;
  const last = (text: string) =>
    readObjectText(compiled('alb', {}), text).map((read) => 'row' in read && read.row.ip_address);
  expect([last(`${line}\n`), last(line)]).toEqual([['192.0.2.200'], [undefined]]);
});
