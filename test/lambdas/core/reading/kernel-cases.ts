/** Lines for the kernel's tests: what each format's mostly are. */

import type { CompiledFormat, FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { compiled } from '../../../helpers/compiled.ts';

/** A format with its options, and lines of it. */
export interface KernelCase {
  readonly name: string;
  readonly formatName: string;
  readonly format: CompiledFormat;
  readonly lines: readonly string[];
  /** Lines of the format's own kind, that the kernel must read by itself: at least so many of the lines. */
  readonly plain: number;
}

const ALB = [
  'https 2026-11-22T10:00:00.123456Z app/web/50dc6c495c0c9188 192.0.2.10:2817 10.0.0.1:80 0.001 0.020 0.000 200 200 34 366 "GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/8.7.1" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "www.example.com" "session-reused" 0 2026-11-22T10:00:00.100000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd "-" "-" "-" 10.0.0.9',
  'http 2026-11-22T10:00:00.123456Z app/web/50dc6c495c0c9188 192.0.2.10:2817 - -1 -1 -1 400 - 0 272 "- http://10.0.0.30:80-  " "-" - - - "-" "-" "-" - 2026-11-22T10:00:00.1Z "-" "-" "-" "-" "-" "-" "-" TID_1',
  'h2 2024-02-29T23:59:59.999999Z app/web/50dc6c495c0c9188 [2001:db8::1]:443 - -1 -1 -1 503 - 0 0 "- http://host:80- -" "-" - - - "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" -1 2024-02-29T23:59:59.999999Z "waf,fixed-response" "-" "-" "-" "-" "Ambiguous" "SpaceInUri" TID_1',
  'wss 2026-11-22T10:00:00Z app/web/50dc6c495c0c9188 2001:db8::1:443 10.0.0.1:- 0.5 10.000 1.050 101 101 99999999999 0 "GET wss://h:443/sökning?q=\\x22a b\\x22 HTTP/1.1" "Mozilla/5.0 (X11; Linux) \\"quoted\\" é漢😀" - - - "t" "d" "c" 50000 2026-11-22T10:00:00.1Z "forward" "https://r:443/?a=\\\\" "e" "10.0.0.1:80 10.0.0.2:80" "200 -" "-" "-" TID_1 "h" "/u" "TransformSuccess" 10.0.0.9 new-field "another \\"new\\" field\t1"',
];

const KONG = [
  '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET /api/v1/users?id=1&x=%20 HTTP/1.1" 200 1234 "https://www.example.com/" "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" kong_request_id: "b9d8f54af02a4c7f2e8d1b5c6a7e8f90"',
  '2001:db8::2 - bob [01/Jan/2025:00:00:00 +0900] "POST /a-b HTTP/2.0" 499 0 "-" "-" kong_request_id: "0"',
  '127.0.0.1 - - [29/Nov/2024:11:41:46 +0000] "GET /status HTTP/1.1" 200 0 "-" "kube-probe/1.29" kong_request_id: "b9"',
  '198.51.100.1 - - [29/Nov/2024:11:41:46 -0330] "GET /old HTTP/1.0" 301 12 "-" "curl/8 é"',
  '2024/11/29 11:41:46 [warn] 1302#0: *7 [lua] handler.lua:61: access(): counters unavailable, context: ngx.timer',
  '2024/11/29 11:41:46 [error] 1411#0: *7 connect() failed, client: 203.0.113.7, request: "GET /a HTTP/1.1"',
  '- - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 0 "-" "-" kong_request_id: "b9"',
  'fe80::1%eth0 - - [29/Nov/2024:11:41:46 +0000] "GET / HTTP/1.1" 200 0 "-" "-" kong_request_id: "b9"',
  '203.0.113.7 - - [[29/Nov/2024:11:41:46 +0000] "GET /a HTTP/1.1" 200 0 "-" "curl/8" 0.001 "www.example.com"',
];

const ESCAPED = [
  '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET /\\xC3\\xA9?q=\\x22a\\x22 HTTP/1.1" 200 1 "-" "\\xE6\\xBC\\xA2 \\x5C \\xf0\\x9f\\x98\\x80" kong_request_id: "b9"',
  '203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] "GET /\\xff?q=\\x0a&r=\\xEF\\xBF\\xBD HTTP/1.1" 200 1 "-" "a\\b" kong_request_id: "b9"',
];

/** Lines of Kong's in the envelopes of container runtimes. */
const CRI = [
  `2024-11-29T11:41:46.123456789Z stdout F ${KONG[0]}`,
  `2024-11-29T11:41:46Z stdout F ${KONG[1]}`,
  `2024-11-29T11:41:46.1+09:00 stdout F ${KONG[3]}`,
  `2024-11-29T11:41:46.123456789Z stderr F 2024/11/29 11:41:46 [error] 1#0: *1 GET / HTTP/1.1`,
  `2024-11-29T11:41:46.123456789Z stdout P ${KONG[0]?.slice(0, 60)}`,
  `2024-11-29T11:41:46.123456789Z stderr P ${KONG[0]}`,
  `2024-11-29T11:41:46.123456789Z stdout F`,
  `2024-11-29T11:41:46.123456789Z stdout F:x ${KONG[0]}`,
  `2024-11-29T11:41:46.1234567891Z stdout F ${KONG[0]}`,
  '2024-11-29T11:41:46Z',
];
const docker = (line: string | undefined, more: object = {}) =>
  JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2024-11-29T11:41:46.123456789Z', ...more });
const DOCKER = [
  docker(KONG[0]),
  JSON.stringify({
    time: 1732880506.5,
    stream: 'stdout',
    _p: 'F',
    message: KONG[1],
    kubernetes: { labels: { app: 'x "y"' }, n: [1, null] },
  }),
  docker(KONG[3], { log2: null, attrs: { tag: 'é' }, message: 'again' }),
  `{ "stream" : "stdout" , "timestamp" : {"a": ["b"]} , "log" : ${JSON.stringify(`${KONG[3]}\r\n`)} } `,
  JSON.stringify({ log: KONG[0] }),
  docker('x', { stream: 'stderr' }),
  docker(`${KONG[0]}\n${KONG[1]}`),
  docker(KONG[0], { stream: null }),
  docker(KONG[0], { Log: 'b', Stream: 'c' }),
  docker(KONG[0], { timestamp: 'again' }),
  ...[63, 64, 65, 70, 79, 80].map((length) => docker(KONG[0], { ['k'.repeat(length)]: 'v' })),
  docker('203.0.113.7 - - [-] "GET /\\xC3\\xA9 HTTP/1.1" 200 1 "-" "\u0000\t\b\f\u001f/ \u{1f600}"'),
  '{"log":"203.0.113.7 - - [29/Nov/2024:11:41:46 +0000] \\"GET \\/\\u00e9 HTTP\\/1.1\\" 200 1 \\"-\\" \\"\\ud83d\\ude00\\b\\f\\t\\\\x5C\\"\\n","stream":"stdout"}',
  '{"log":1,"message":"x","stream":"stdout"}',
  '{"level":"info","msg":"no envelope"}',
  docker(KONG[0], { _p: 'F', logtag: 'F' }),
  docker(KONG[0], { _p: 'P' }),
  docker(KONG[0], { partial_message: 'true', partial_last: 'true' }),
  docker(KONG[0], { partial_message: 'false' }),
  JSON.stringify({ source: 'stdout', log: KONG[0], container_name: '/shop' }),
  JSON.stringify({ source: 'stderr', log: KONG[0], container_name: '/shop' }),
  JSON.stringify({ source: 'stdout', log: KONG[0], stream: 'stderr' }),
  JSON.stringify({ stream: 'stdout', log: KONG[0], source: 'stderr' }),
  JSON.stringify({ source: 'elsewhere', log: KONG[0], stream: 'stdout' }),
  JSON.stringify({ '@timestamp': '2024-11-29T11:41:46Z', log: { offset: 1 }, message: KONG[0], stream: 'stdout' }),
  JSON.stringify({ log: '', message: KONG[0], stream: 'stdout' }),
  JSON.stringify({ log: '', stream: 'stdout' }),
  JSON.stringify({ date: 1732880506.5, log: KONG[0], time: 'again' }),
];

/** One whose own key may be an envelope's, and lines of it: one in an envelope whose key is written with an escape. */
const KEYED_FORMAT = '{"client":"$remote_addr","message":"$request","agent":"$http_user_agent"}';
const KEYED_LINES = [
  '{"client":"203.0.113.7","message":"GET / HTTP/1.1","agent":"x"}',
  '{"client":"203.0.113.8","message":"-","agent":"-"}',
  '{"client":"203.0.113.7","l\\u006fg":"{\\"client\\":\\"203.0.113.9\\",\\"message\\":\\"a\\",\\"agent\\":\\"b\\"}\\n","stream":"stdout"}',
  '{"client":"203.0.113.7","message":"a\\nb","agent":"x"}',
];
const PLAIN_KEYS_FORMAT = '{"client":"$remote_addr","b":"$http_b"}';
const PLAIN_KEYS_LINES = [
  '{"client":"203.0.113.7","b":"y"}',
  '{"client":"203.0.113.7","l\\u006fg":"{\\"client\\":\\"203.0.113.9\\",\\"b\\":\\"2\\"}\\n","stream":"stdout","b":"y"}',
];

/** Records of Kong's plugins, slashes escaped as its JSON library does. */
const RECORDS = [
  '{"response":{"size":9982,"headers":{"content-type":"text\\/html; charset=utf-8","x-kong-request-id":"2f69"},"status":200},"route":{"updated_at":1726782477,"tags":[],"service":{"id":"fb4e"},"name":"example","id":"0f1a","paths":["\\/example-route"]},"workspace":"f381","workspace_name":"default","tries":[{"balancer_start":1726783839539,"ip":"34.237.204.224","port":80}],"client_ip":"192.168.65.1","request":{"id":"2f69","headers":{"accept":"*\\/*","user-agent":"HTTPie\\/3.2.3","host":"shop-api.example.com:8000"},"uri":"\\/example-route?a=b","size":139,"method":"GET","querystring":{"a":"b"},"url":"http:\\/\\/localhost:8000\\/example-route?a=b"},"upstream_uri":"\\/","started_at":1726783839538,"source":"upstream","upstream_status":"200","latencies":{"kong":1,"proxy":171,"request":173.5,"receive":-1},"service":{"host":"httpbin.konghq.com","name":"example_service","id":"fb4e","port":80}}',
  '{ "request" : { "id" : "r2" , "headers" : { } , "url" : "https://h/" } , "response" : { "status" : 404 , "size" : 5 } , "client_ip" : "2001:db8::1" , "started_at" : "2026-11-22T10:00:00.123Z" , "upstream_status" : null , "consumer" : { "username" : "漢 \\"x\\" \\u00e9" , "more" : { "a" : [ 1 , { "b" : null } ] } , "n" : null } , "extra_top" : [ "x" ] , "none" : null }',
  '{"client_ip":"127.0.0.1","started_at":1726783839538,"request":{"method":"GET"}}',
  '{"client_ip":"203.0.113.7","latencies":{"request":-1,"kong":0.25,"proxy":-1.0},"request":{"headers":{"host":"-","referer":""}}}',
  '{"client_ip":"203.0.113.7","request":{"url":"?a"}}',
  '{"client_ip":"203.0.113.7","request":{"id":"a","x":1},"response":{"status":"200"},"request":{"method":"GET","y":2}}',
  '{"client_ip":"203.0.113.7","request":{"id":"a","x":1},"request":{"method":"GET","y":2}}',
  '{"client_ip":"203.0.113.7","request.id":"abc"}',
  '{"client_ip":"203.0.113.7","request":{"id":"x","headers.host":"q-a"},"request.headers":{"host":"a-b","z":1}}',
  '{"client_ip":"203.0.113.7","Request":{"id":"r"},"request":null,"response":"none","response":{"status":1}}',
  '{"client_ip":"203.0.113.7","source":"a","source":"b","message":"x"}',
  '{"client_ip":"203.0.113.7","\\u006dessage":"{}","source":"\\u0061"}',
  '{"nothing":"of Kong"}',
];

/** A log_format that is JSON itself. */
const JSON_FORMAT =
  '{"at":"$time_iso8601","client":"$remote_addr","request":"$request","status":"$status","agent":"$http_user_agent"}';
const JSON_FORMAT_LINES = [
  '{"at":"2024-11-29T11:41:46+00:00","client":"203.0.113.7","request":"GET /a?b=c HTTP/1.1","status":"200","agent":"curl/8"}',
  '{"at":"2024-11-29T11:41:47+00:00","client":"2001:db8::1","request":"POST /%22log%22 HTTP/2.0","status":"499","agent":"-"}',
  '{"at":"2024-11-29T11:41:46+00:00","client":"203.0.113.7","request":"GET / HTTP/1.1","status":"200","agent":"a \\"log\\" é"}',
  '{"at":"2024-11-29T11:41:46+00:00","client":"203.0.113.7","request":"GET / HTTP/1.1","status":"200","agent":"x","log":"y\\n","stream":"stdout"}',
];

/** A log_format whose text between values begins with what could be part of a name. */
const BRACED = '$' + '{A}B$status|$request_id';

/** log_formats with little to know their lines by, or with odd text between their values; and lines of them. */
const ODD_FORMATS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'a user agent alone': ['$http_user_agent|$ssl_cipher', 'curl|TLS', '   ', '\t', '-|-', '|'],
  'a request without quotes': ['$request $server_name', 'GET /a?b HTTP/1.1 h-x.example.com', ' ', 'GET / HTTP/1.1 '],
  'a hyphen between values': ['$http_foo-$http_bar|$status', 'a-b|200', '--x|200', '-|-12', '---|200'],
  'text that is no ASCII': ['$status é$http_bar', '200 éb', '200 \u00c3', '200 '],
  'a backslash after a value': ['$http_foo\\ $status', 'a\\x41b\\ 200', 'a\\ 1'],
  'numbers and a header': ['$status $body_bytes_sent $http_foo', '-12 5 x', '200 5 x', '-12 - -'],
  'a host first': ['$host|$status', 'shop-api.example.com|200', `${'a'.repeat(300)}-b|200`, '-|200'],
  'one letter of two bytes between values': ['$http_foo\u00e9$http_bar', 'a\u00e9b', 'a\u00e8b\u00e9c'],
  'a letter after a name in braces': [
    BRACED.replace('A', 'http_x_forwarded_for').replace('B', 'x'),
    '1.2.3.4, 5x200|r',
    '1.2.3.4x200|r',
  ],
  'a host and a path': ['$http_host$uri', 'a.b/c', 'a b/c', '-/', '/', '--'],
  'a header twice': ['$http_x|$http_x;$status', 'a|a;200', 'a|b;200', '|;200', '-|-;20', '-|x;200'],
  'digits after a name in braces': [BRACED.replace('A', 'http_foo').replace('B', '80'), 'a80200|r', '-80200|-'],
};

const NGINX_FORMAT =
  '$http_x_forwarded_for|$time_iso8601|$msec|$request_method $request_uri $server_protocol|$status|$bytes_sent|' +
  '$request_time|$upstream_response_time|$host|$http_traceparent|$ssl_cipher|$request_id';
const NGINX = [
  '203.0.113.7, 10.0.0.1|2024-11-29T11:41:46+01:00|1732880506.123|GET /a?b=c HTTP/1.1|200|12|0.120|0.100|shop-api.example.com|00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01|TLS_AES|r1',
  '-|2024-11-29T11:41:46Z|1732880506.000|GET / HTTP/2.0|404|0|0.000|-|-|-|-|-',
  '2001:db8::1|2024-11-29 11:41:46|1732880506|PUT /x?y HTTP/1.1|500|1|1.5|0.100, 0.200 : -|example.com|x|a b|r 2',
];

/** nginx's ingress controller: several upstreams, and none. */
const INGRESS = [
  '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/2.0" 200 5126 "https://www.example.com/" "Mozilla/5.0" 412 0.037 [shop-web-80] [] 198.51.100.9:8080 5126 0.036 200 9f86d081884c7d659a2feaa0c55ad015',
  '192.0.2.10 - alice [22/Nov/2026:12:03:01 +0000] "POST /cart HTTP/1.1" 201 18 "-" "-" 1290 2.104 [shop-web-80] [canary] 198.51.100.9:8080, 198.51.100.10:8080 0, 18 2.000, 0.101 504, 201 a b',
  '192.0.2.11 - - [22/Nov/2026:12:03:02 +0000] "GET /.env HTTP/1.1" 404 146 "-" "-" 96 0.000 [default] [] - - - - 4e07408562bedb8b60ce05c1decfe3ad',
  '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET / HTTP/2.0" 200 1 "-" "x" 4 0.1 [] [] unix:/run/a.sock 1 .5 20 9f86',
];
const INGRESS_JSON = [
  '{"time": "2026-11-22T12:03:00+00:00", "remote_addr": "203.0.113.9", "x_forwarded_for": "127.0.0.1, 203.0.113.9", "request_id": "9f86", "remote_user": "", "bytes_sent": 5390, "request_time": 0.037, "status": 200, "vhost": "shop.example.com", "request_proto": "HTTP/2.0", "path": "/orders", "request_query": "page=2", "request_length": 412, "method": "GET", "http_referrer": "https://www.example.com/", "http_user_agent": "curl" }',
  '{"time": "2026-11-22T12:03:01+00:00", "remote_addr": "", "x_forwarded_for": "203.0.113.9", "request_id": "a1", "remote_user": "alice", "bytes_sent": 310, "request_time": 0.000, "status": 404, "vhost": "shop.example.com", "request_proto": "HTTP/1.1", "path": "/admin", "request_query": "", "request_length": 96, "method": "GET", "http_referrer": "", "http_user_agent": "" }',
];

/** Variables side by side, with a port after a colon, and logged twice. */
const SIDE_BY_SIDE_FORMAT =
  '$remote_addr:$remote_port $server_addr:$server_port [$time_local] $request_method "$scheme://$host$request_uri" ' +
  '$server_protocol $status $request_time "$http_user_agent" $upstream_response_time $host:$status "$http_user_agent"';
const SIDE_BY_SIDE = [
  '192.0.2.10:40000 198.51.100.1:443 [22/Nov/2026:12:03:00 +0000] GET "https://www.example.com/orders?page=2" HTTP/1.1 200 0.037 "curl" 0.036 www.example.com:200 "curl"',
  '2001:db8::7:40000 2001:db8::1:443 [22/Nov/2026:12:03:01 +0000] POST "https://[2001:db8::1]/cart" HTTP/2.0 201 0.037 "x" 0.1, - [2001:db8::1]:201 "x"',
  '192.0.2.10:40000 198.51.100.1:443 [22/Nov/2026:12:03:02 +0000] - "http://_-" - 400 0.037 "-" - _:400 "-"',
  '192.0.2.10:40000 198.51.100.1:443 [22/Nov/2026:12:03:02 +0000] GET "http://a/b" HTTP/1.1 200 0.037 "-" - b:201 "x"',
  '192.0.2.10:40000 198.51.100.1:443 [22/Nov/2026:12:03:02 +0000] GET "http://a" b/c" HTTP/1.1 200 0.037 "-" - a:200 "-"',
];

const JSON_COLUMNS = {
  columns: {
    time: 'timestamp',
    level: 'string',
    status: 'int',
    bytes: 'bigint',
    took: 'double',
    ok: 'boolean',
    request_id: 'string',
    at: 'timestamp',
  },
};
const JSON_LINES = [
  '{"time":"29/Nov/2024:11:41:46 +0000","level":"x"}',
  '{"time":"2026-11-22T10:00:00.123Z","level":"INFO","status":200,"bytes":1234567890123,"took":0.0123,"ok":true,"request_id":"r-1","message":"started"}',
  '{"level":"ERROR","time":1732880506123,"status":"500","bytes":null,"took":-1.50,"ok":false,"error":"Traceback\\n  \\"x\\"\\u00e9\\ud83d\\ude00\\/\\\\ \\u0001","nested":{"a":[1,2,{"b":"c \\"d\\" é"}],"e":null},"n":1e5,"é":1}',
  ' { "Time" : "2026-11-22 10:00:00+0900" , "at" : 1732880506.5, "status" : 200.0 , "level" : ["a", {"b": 1}] , "empty" : {} , "list":[] } ',
  '{"time":"20241129T114146.123Z","at":"2024-11-29 11:41:46,5"}',
  '{"message":"no column at all"}',
  '{"level":"WARN","status":"n/a","took":"12 ms","extra":1}',
  '{"level":"WARN","request_id":"r-3","LEVEL":{"again":"yes"}}',
  '{"request_id":"r-2","text":"plain 한글 text","flag":true,"number":-0.5,"9":1}',
];

/** Times of which some have no zone, at changes of the clocks too. The kernel does not know the offsets of all years. */
const LOCAL_TIMES = [
  ...['2024-07-15 12:00:00,5', '2024-07-15T12:00:00Z', '20240115T120000', '2024-10-27 02:30:00.123456'],
  ...[
    '2024-03-31 02:30:00',
    '2024-03-10T02:59:59',
    '1999-12-31 23:59:59',
    '2000-01-01 00:30:00',
    '2000-01-01 01:00:00',
  ],
  ...['2049-12-31 23:59:59', '2050-01-01 00:00:00', '1969-07-15 12:00:00', '2024-07-15 12:00:00+02:00'],
];
const LOCAL_JSON = LOCAL_TIMES.map((time, index) => `{"time":"${time}","level":"INFO","status":${index}}`);

/** Columns at paths that share objects, one of them in an object that an envelope may have as its text. */
const PATH_COLUMNS = {
  columns: {
    time: { type: 'timestamp', from: '@timestamp' },
    level: { type: 'string', from: 'log.level' },
    message: 'string',
    status: { type: 'int', from: 'http.response.status_code' },
    method: { type: 'string', from: 'http.request.method' },
    bytes: { type: 'bigint', from: 'http.response.body.bytes' },
    took: { type: 'double', from: 'Event Duration' },
    ok: { type: 'boolean', from: 'event.ok' },
    at: { type: 'timestamp', from: 'event.created' },
    trace_id: { type: 'string', from: 'trace.id' },
    odd: { type: 'string', from: 'a..b."c"' },
    piece: { type: 'string', from: '_p.x' },
  },
};
const PATH_LINES = [
  '{"@timestamp":"2026-11-22T10:00:00.123Z","log.level":"INFO","message":"started","http":{"request":{"method":"GET"},"response":{"status_code":200,"body":{"bytes":12}}},"trace":{"id":"t-1"}}',
  '{"@timestamp":1732880506.5,"log":{"level":"WARN","logger":"a.b","origin":{"file":{"line":7}}},"message":"x","event":{"ok":true,"created":"2026-11-22T10:00:01Z","id":null},"Event Duration":0.25,"host":{"name":"h"}}',
  '{"http.response":{"status_code":404,"body.bytes":5,"x":1},"http":{"request.method":"PUT","version":"1.1"},"trace.id":"t-2","trace":{"sampled":true}}',
  ' { "trace" : { "id" : "t-3" , "nested" : { "id" : [ 1 , { "a" : "b" } ] } } , "http" : { "request" : { } , "response" : { "status_code" : "500" } } , "@timestamp" : "2026-11-22 10:00:00+0900" } ',
  '{"log":{"level":"x"},"http":{},"event":{"created":null},"trace":{"other":1}}',
  '{"http":{"response":{"status_code":200}},"http.response.status_code":404,"trace":{"id":"in an object"}}',
  '{"http.response.status_code":404,"http":{"response":{"status_code":200}}}',
  '{"message":"m","http":{"response":{"status_code":"n/a","STATUS_CODE":7,"status_code":8}},"LOG":{"Level":"y"},"log":{"level":"z"}}',
  '{"message":"m","http":null,"event":[],"trace":"t","log":"a line"}',
  '{"message":"m","http":{"response":7,"response":{"status_code":1}},"trace":{"id":"a","id":"b"}}',
  '{"message":"m","http":{"re\\u0073ponse":{"status_code":1}},"a":{"":{"b":{"\\"c\\"":"d"}}}}',
  '{"log":"{\\"message\\":\\"wrapped\\",\\"trace\\":{\\"id\\":\\"t\\"}}\\n","stream":"stdout"}',
  '{"log":"{\\"message\\":\\"wrapped\\"}","http":{"response":{"status_code":1}}}',
];
const PIECES_OF_TEXT = [
  '{"message":"a piece","_p":"P","stream":"stdout"}',
  '{"log":"a piece","_p":"P","stream":"stdout"}',
];

/** Kong's lines in an envelope each. */
const inDocker = (lines: readonly string[], more: object = {}) => lines.map((line) => docker(line, more));
const inCri = (lines: readonly string[]) => lines.map((line) => `2024-11-29T11:41:46Z stdout F ${line}`);

/** JSON lines that are in an envelope, or look as if they were. The kernel reads those whose text is no JSON. */
const WRAPPED_JSON = [
  ...inDocker(JSON_LINES),
  ...inCri(JSON_LINES.slice(0, 3)),
  '{"level":"INFO","message":"not {\\"a\\":1} in an envelope","stream":"stdout"}',
  '{"level":"INFO","log":"","message":"x"}',
  '{"level":"INFO","log":{"level":"in an object"},"message":null,"stream":"stdout"}',
  '{"level":"INFO","log":7,"source":"stdout","Log":"again"}',
  '{"level":"INFO","message":"{\\"level\\":\\"DEBUG\\"}"}',
  '{"message":"{\\"level\\":\\"DEBUG\\"}","source":"stderr"}',
  '{"message":" {\\"level\\":\\"DEBUG\\"}","stream":1,"level":"INFO"}',
  '{"log":"\\u007b\\"level\\":\\"DEBUG\\"}","LEVEL":"INFO"}',
  '{"log":"\\t{\\"level\\":\\"DEBUG\\"","stream":"stdout"}',
  '{"log":"the rest of a line","stream":"stdout","partial_message":"true"}',
  '{"log":"a line","stream":"stdout","logtag":"F","level":"INFO"}',
  '{"log":"a line","_p":"P","level":"INFO"}',
  '{"log":"\\n","stream":"stdout"}',
  '{"log":{"offset":1},"message":"{\\"level\\":\\"DEBUG\\"}"}',
  '{"log":{"offset":1},"message":"text","level":"INFO"}',
  '{"log":{"offset":1},"message":"7 {\\"level\\":\\"DEBUG\\"}","level":"INFO"}',
  '{"message":"\\u007b\\"level\\":\\"DEBUG\\"}","log":{"offset":1}}',
  '{"message":"2024-11-29T11:41:46Z stdout F {\\"level\\":\\"DEBUG\\"}","log":{"offset":1}}',
  '{"message":"7","log":{},"source":"stdout","level":"INFO"}',
  '{"message":"{\\"level\\":\\"DEBUG\\"}","stream":"stdout","time":"2026-11-22T10:00:00Z"}',
  '{"stream":"stdout","logtag":"F","message":"text"}',
  '{"stream":"stdout","message":"text","level":"INFO"}',
  '{"message":"text","stream":"stdout"}',
  '{"log":"text\\n","stream":"stdout"}',
  '{"log":"a piece or not","stream":"of an order","time":"2026-11-22T10:00:00Z"}',
  '{"stream":null,"time":"2026-11-22T10:00:00Z","log":"a piece or not","timestamp":"2026-11-22T10:00:00Z"}',
];

const PROMOTED = {
  pod: { type: 'string', from: 'kubernetes.pod' },
  request_id: 'string',
  status: 'int',
  at: 'timestamp',
  text: { type: 'string', from: 'error' },
  tenant: 'string',
};

/** Keys that are no columns where it is told whether a line is in an envelope. */
const BESIDE_PROMOTED = [
  '{"log":"{\\"level\\":\\"DEBUG\\"}","request_id":"beside an envelope"}',
  '{"log":"text","stream":"stdout","request_id":"beside an envelope","status":"7"}',
  '{"log":{"offset":1},"message":"{\\"level\\":\\"DEBUG\\",\\"status\\":8}","kubernetes":{"pod":"a"}}',
  '{"message":"{\\"level\\":\\"DEBUG\\"}","kubernetes":{"pod":"a"},"source":"stderr"}',
  '{"log":"text","stream":"of an order","request_id":"r"}',
  '{"log":"text\\n","stream":1,"kubernetes":{"pod":"a","node":"b"}}',
  '{"message":"text","kubernetes":{"node":"b"},"status":200,"TENANT":"again","tenant":"t"}',
];

export const CASES: readonly KernelCase[] = [
  kernelCase('an ALB log', 'alb', {}, ALB, 3),
  kernelCase("Kong's access log", 'kong', {}, KONG, 7),
  kernelCase("Kong's access log with escapes", 'kong', {}, ESCAPED, 2),
  kernelCase("Kong's access log, unfiltered", 'kong', { filters: { no_http: false, local_client: false } }, KONG, 4),
  kernelCase("Kong's access log from Kubernetes", 'kong', {}, CRI, 4),
  kernelCase(
    "Kong's access log from Kubernetes, unfiltered",
    'kong',
    { filters: { not_stdout: false, no_http: false } },
    CRI,
    2,
  ),
  kernelCase("Kong's access log from Docker", 'kong', {}, DOCKER, 6),
  kernelCase('a log_format that is JSON', 'nginx', { logFormat: JSON_FORMAT, escape: 'json' }, JSON_FORMAT_LINES, 2),
  kernelCase(
    'a log_format that is JSON, from Docker',
    'nginx',
    { logFormat: JSON_FORMAT, escape: 'json' },
    inDocker(JSON_FORMAT_LINES),
    2,
  ),
  kernelCase(
    'a log_format that is JSON, from Kubernetes',
    'nginx',
    { logFormat: JSON_FORMAT },
    inCri(JSON_FORMAT_LINES),
    2,
  ),
  kernelCase("records of Kong's plugins", 'kong-json', {}, RECORDS, 3),
  kernelCase(
    "records of Kong's plugins, unfiltered",
    'kong-json',
    { filters: { local_client: false, no_client_address: false } },
    RECORDS,
    3,
  ),
  kernelCase(
    "records of Kong's plugins from Docker",
    'kong-json',
    { filters: { not_stdout: false } },
    inDocker(RECORDS, { kubernetes: { pod: 'a' } }),
    3,
  ),
  kernelCase(
    "records of Kong's plugins from Docker, with a key of theirs beside them",
    'kong-json',
    { filters: { not_stdout: false } },
    inDocker(RECORDS, { request: 'beside' }),
    0,
  ),
  kernelCase("records of Kong's plugins from Kubernetes", 'kong-json', {}, inCri(RECORDS), 3),
  kernelCase(
    "a log_format that is JSON with an envelope's key",
    'nginx',
    { logFormat: KEYED_FORMAT, filters: { no_http: false } },
    KEYED_LINES,
    2,
  ),
  kernelCase(
    'a log_format that is JSON of few keys',
    'nginx',
    { logFormat: PLAIN_KEYS_FORMAT, filters: { no_http: false } },
    PLAIN_KEYS_LINES,
    1,
  ),
  kernelCase(
    'a log_format that begins with an escape',
    'nginx',
    { logFormat: 'a\\xFF$remote_addr "$request"', filters: { no_http: false } },
    ['a\\xFF1.2.3.4 "GET / HTTP/1.1"'],
    1,
  ),
  kernelCase(
    'a log_format of many variables',
    'nginx',
    { logFormat: NGINX_FORMAT, filters: { no_client_address: false } },
    NGINX,
    2,
  ),
  kernelCase("nginx's timed preset", 'nginx', { preset: 'timed', escape: 'json' }, [KONG[0] ?? ''], 0),
  kernelCase("nginx's ingress controller", 'nginx', { preset: 'ingress-nginx' }, INGRESS, 2),
  kernelCase("JSON of nginx's ingress controller", 'nginx', { preset: 'ingress-nginx-json' }, INGRESS_JSON, 2),
  kernelCase('variables side by side', 'nginx', { logFormat: SIDE_BY_SIDE_FORMAT }, SIDE_BY_SIDE, 1),
  ...Object.entries(ODD_FORMATS).map(([name, [logFormat, ...lines]]) =>
    kernelCase(
      `a log_format of ${name}`,
      'nginx',
      { logFormat, filters: { no_http: false, no_client_address: false } },
      lines,
      0,
    ),
  ),
  kernelCase('JSON of every type', 'json', JSON_COLUMNS, JSON_LINES, 6),
  kernelCase('JSON in envelopes', 'json', { preset: 'server-logs' }, WRAPPED_JSON, 3),
  kernelCase(
    'JSON whose columns have the names of an envelope',
    'json',
    { columns: { log: 'string', stream: 'string', time: 'timestamp' } },
    WRAPPED_JSON,
    5,
  ),
  kernelCase(
    'JSON in envelopes, with columns for the message',
    'json',
    { columns: { level: 'string', message: 'string', time: 'timestamp' } },
    WRAPPED_JSON,
    4,
  ),
  kernelCase('JSON in envelopes, with columns for the log', 'json', { columns: { log: 'string' } }, WRAPPED_JSON, 2),
  ...[
    { columns: { level: 'string', message: 'string', time: 'timestamp' }, promoted: PROMOTED },
    { columns: { time: 'timestamp' }, promoted: PROMOTED },
    { columns: { log: 'string', Time: 'timestamp' }, promoted: PROMOTED },
    { columns: { level: { type: 'string', from: 'log.level' }, stream: 'string' }, promoted: PROMOTED },
  ].map((options) =>
    kernelCase(
      `JSON in envelopes, with promoted columns beside ${Object.keys(options.columns).join(' and ')}`,
      'json',
      options,
      [...WRAPPED_JSON, ...JSON_LINES, ...BESIDE_PROMOTED],
      4,
    ),
  ),
  kernelCase('JSON with columns at paths', 'json', PATH_COLUMNS, PATH_LINES, 5),
  kernelCase(
    'JSON with columns at paths, from Docker',
    'json',
    PATH_COLUMNS,
    [...inDocker(PATH_LINES), ...PIECES_OF_TEXT],
    0,
  ),
  kernelCase('JSON of server logs', 'json', { preset: 'server-logs' }, JSON_LINES, 3),
  kernelCase('JSON in local time', 'json', { ...JSON_COLUMNS, localTimeZone: 'Europe/Berlin' }, LOCAL_JSON, 6),
  kernelCase(
    'a log_format in local time',
    'nginx',
    { logFormat: '$remote_addr [$log_time] "$request" $status', localTimeZone: 'Africa/Casablanca' },
    LOCAL_TIMES.map((time) => `192.0.2.10 [${time}] "GET / HTTP/1.1" 200`),
    6,
  ),
];

/** The case of that name. */
export function caseNamed(name: string): KernelCase {
  const [found, ...others] = CASES.filter((each) => each.name === name);
  if (!found || others.length > 0)
    throw new Error(`${name}: expected one case, got ${others.length + (found ? 1 : 0)}`);
  return found;
}

function kernelCase(
  name: string,
  formatName: string,
  options: FormatOptions,
  lines: readonly string[],
  plain: number,
): KernelCase {
  const format = compiled(formatName, options);
  if (!format.layout) throw new Error(`${name}: expected a format with a layout`);
  return { name, formatName, format, lines, plain };
}
