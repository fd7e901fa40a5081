import { accessLogFormat } from '../reading/access-log.ts';

/** nginx access log, in the form of its log_format. */
export const nginx = accessLogFormat({
  name: 'nginx',
  description: 'nginx access log, compiled from a log_format string: one row per request.',
  reference: 'https://nginx.org/en/docs/http/ngx_http_log_module.html',
  exampleLines: [
    '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/1.1" 200 5126 "https://www.example.com/" ' +
      '"Mozilla/5.0 (X11; Linux x86_64)"',
  ],
  presets: {
    combined:
      '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    timed:
      '$remote_addr - $remote_user [$time_local] "$request" $status $request_time $body_bytes_sent "$host" ' +
      '"$http_referer" "$http_user_agent"',
  },
});
