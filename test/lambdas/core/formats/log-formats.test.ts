import { describe, expect, test } from 'vitest';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { compiled } from '../../../helpers/compiled.ts';
import { readLines } from '../../../helpers/read-lines.ts';

const START = '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/1.1" 200 5126';
const REQUEST = {
  client_ip: '192.0.2.10',
  log_time: '2026-11-22 12:03:00',
  request_method: 'GET',
  request_url: '/orders',
  query_string: 'page=2',
  http_version: '1.1',
  status_code: 200,
  bytes_sent: 5126,
};
const COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';

/** log_formats that are widely used, by who documents them, with a line and what is in it. */
const LOG_FORMATS: readonly (readonly [name: string, FormatOptions, line: string, row: object])[] = [
  [
    "the package's main",
    { logFormat: `${COMMON} "$http_referer" "$http_user_agent" "$http_x_forwarded_for"` },
    `${START} "-" "curl/8" "203.0.113.9, 192.0.2.1"`,
    { ...REQUEST, user_agent: 'curl/8', http_x_forwarded_for: '203.0.113.9, 192.0.2.1' },
  ],
  [
    'GitLab',
    {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request_method $filtered_request_uri $server_protocol" $status ' +
        '$body_bytes_sent "$filtered_http_referer" "$http_user_agent" $gzip_ratio',
    },
    '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /a?private_token=[FILTERED] HTTP/1.1" 200 5126 "" "git/2.47" 2.34',
    {
      client_ip: '192.0.2.10',
      log_time: '2026-11-22 12:03:00',
      request_method: 'GET',
      filtered_request_uri: '/a?private_token=[FILTERED]',
      http_version: '1.1',
      status_code: 200,
      bytes_sent: 5126,
      user_agent: 'git/2.47',
      gzip_ratio: '2.34',
    },
  ],
  [
    'Datadog',
    { logFormat: `${COMMON} $request_time "$http_referer" "$http_user_agent" "$http_x_forwarded_for"` },
    `${START} 0.003 "https://www.example.com/" "curl/8" "-"`,
    { ...REQUEST, response_time: 0.003, referer: 'https://www.example.com/', user_agent: 'curl/8' },
  ],
  [
    'NGINX Amplify',
    {
      logFormat:
        `${COMMON} "$http_referer" "$http_user_agent" "$http_x_forwarded_for" "$host" sn="$server_name" rt=$request_time ` +
        'ua="$upstream_addr" us="$upstream_status" ut="$upstream_response_time" ul="$upstream_response_length" ' +
        'cs=$upstream_cache_status',
    },
    `${START} "-" "curl/8" "-" "a.example.com" sn="_" rt=0.301 ua="198.51.100.1:80, unix:/run/x.sock" us="502, 200" ` +
      'ut="0.100, 0.200" ul="0, 5126" cs=MISS',
    {
      ...REQUEST,
      user_agent: 'curl/8',
      host_domain: 'a.example.com',
      server_name: '_',
      response_time: 0.301,
      upstream_addr: '198.51.100.1:80, unix:/run/x.sock',
      upstream_status: '502, 200',
      upstream_status_code: 200,
      upstream_response_time: '0.100, 0.200',
      upstream_seconds: 0.3,
      upstream_response_length: '0, 5126',
      upstream_cache_status: 'MISS',
    },
  ],
  [
    'WordPress behind EasyEngine',
    {
      logFormat:
        '$remote_addr $upstream_response_time $upstream_cache_status [$time_local] $http_host "$request" $status ' +
        '$body_bytes_sent "$http_referer" "$http_user_agent" "$request_body"',
    },
    '192.0.2.10 0.120, 0.002 MISS [22/Nov/2026:12:03:00 +0000] blog.example.com "GET /orders?page=2 HTTP/1.1" 200 5126 ' +
      '"-" "curl/8" "log=a\\x22b"',
    {
      ...REQUEST,
      upstream_response_time: '0.120, 0.002',
      response_time: 0.122,
      upstream_seconds: 0.122,
      upstream_cache_status: 'MISS',
      host_domain: 'blog.example.com',
      user_agent: 'curl/8',
      request_body: 'log=a"b',
    },
  ],
  [
    'several hosts in one file',
    { logFormat: `$host:$server_port ${COMMON} "$http_referer" "$http_user_agent"` },
    `www.example.com:443 ${START} "-" "-"`,
    { ...REQUEST, host_domain: 'www.example.com', server_port: '443' },
  ],
  [
    'LTSV',
    {
      logFormat:
        'time:$time_local\\thost:$remote_addr\\treq:$request\\tstatus:$status\\tsize:$body_bytes_sent\\tua:$http_user_agent\\t' +
        'reqtime:$request_time\\tapptime:$upstream_response_time\\tvhost:$host',
    },
    'time:22/Nov/2026:12:03:00 +0000\thost:192.0.2.10\treq:GET /orders?page=2 HTTP/1.1\tstatus:200\tsize:5126\tua:a b\t' +
      'reqtime:0.100\tapptime:-\tvhost:a.example.com',
    { ...REQUEST, user_agent: 'a b', response_time: 0.1, host_domain: 'a.example.com' },
  ],
  [
    'Apache APISIX',
    {
      logFormat:
        '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time ' +
        '"$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time ' +
        '"$upstream_scheme://$upstream_host$upstream_uri"',
    },
    '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] a.example.com:9080 "GET /orders?page=2 HTTP/1.1" 200 5126 0.010 "-" "-" ' +
      '198.51.100.1:80 200 0.009 "http://b.example.com/orders?page=2"',
    {
      ...REQUEST,
      host_domain: 'a.example.com:9080',
      response_time: 0.01,
      upstream_addr: '198.51.100.1:80',
      upstream_status: '200',
      upstream_status_code: 200,
      upstream_response_time: '0.009',
      upstream_seconds: 0.009,
      upstream_scheme: 'http',
      upstream_host: 'b.example.com',
      upstream_uri: '/orders?page=2',
    },
  ],
  [
    "Grafana's dashboard for Loki",
    {
      escape: 'json',
      logFormat:
        '{"msec": "$msec", "pid": "$pid", "request_id": "$request_id", "remote_addr": "$remote_addr", ' +
        '"time_iso8601": "$time_iso8601", "request": "$request", "request_uri": "$request_uri", "args": "$args", ' +
        '"status": "$status", "bytes_sent": "$bytes_sent", "http_user_agent": "$http_user_agent", ' +
        '"http_host": "$http_host", "server_name": "$server_name", "request_time": "$request_time", ' +
        '"upstream": "$upstream_addr", "upstream_connect_time": "$upstream_connect_time", ' +
        '"request_method": "$request_method", "server_protocol": "$server_protocol", "pipe": "$pipe", ' +
        '"geoip_country_code": "$geoip_country_code"}',
    },
    '{"msec": "1795348980.000", "pid": "7", "request_id": "9f86d081884c7d659a2feaa0c55ad015", "remote_addr": "192.0.2.10", ' +
      '"time_iso8601": "2026-11-22T12:03:00+00:00", "request": "GET /orders?page=2 HTTP/1.1", ' +
      '"request_uri": "/orders?page=2", "args": "page=2", "status": "200", "bytes_sent": "5126", ' +
      '"http_user_agent": "a \\u00e9 \\"b\\"", "http_host": "a.example.com", "server_name": "_", "request_time": "0.001", ' +
      '"upstream": "198.51.100.1:80, 198.51.100.2:80", "upstream_connect_time": "-, 0.001", ' +
      '"request_method": "GET", "server_protocol": "HTTP/1.1", "pipe": ".", "geoip_country_code": ""}',
    {
      ...REQUEST,
      pid: '7',
      request_id: '9f86d081884c7d659a2feaa0c55ad015',
      time_iso8601: '2026-11-22T12:03:00+00:00',
      request_uri: '/orders?page=2',
      user_agent: 'a é "b"',
      host_domain: 'a.example.com',
      server_name: '_',
      response_time: 0.001,
      upstream_addr: '198.51.100.1:80, 198.51.100.2:80',
      upstream_connect_time: '-, 0.001',
      upstream_connect_seconds: 0.001,
      pipe: '.',
    },
  ],
  [
    'servers behind Cloudflare that know no other address',
    {
      logFormat: '$http_cf_connecting_ip - $remote_user [$time_local] "$request" $status $body_bytes_sent $http_cf_ray',
    },
    `${START} 8a0000000000-FRA`,
    { ...REQUEST, http_cf_ray: '8a0000000000-FRA' },
  ],
];

describe('log_formats that are widely used', () => {
  test.each(LOG_FORMATS)('the one of %s is read right', (_, options, line, row) => {
    expect(readLines(compiled('nginx', options), [line])).toEqual([{ row }]);
  });
});
