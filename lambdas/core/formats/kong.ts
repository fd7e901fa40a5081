import { accessLogFormat } from '../reading/access-log.ts';

/** Kong proxy access log: an nginx access log with variables of Kong's own. */
export const kong = accessLogFormat({
  name: 'kong',
  description: 'Kong proxy access log, compiled from a log_format string: one row per request.',
  reference: 'https://developer.konghq.com/gateway/logs/',
  exampleLines: [
    '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/1.1" 200 5126 "-" "Mozilla/5.0 (X11; Linux x86_64)" ' +
      'kong_request_id: "678281372fb8907ed06d517cf515de78"',
  ],
  presets: {
    // Kong's default since version 3.5. Lines of older versions end after the user agent: the request id is then null.
    kong: {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
        '"$http_user_agent" kong_request_id: "$kong_request_id"',
    },
    timed: {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $request_time $body_bytes_sent "$host" ' +
        '"$http_referer" "$http_user_agent" kong_request_id: "$kong_request_id"',
    },
  },
  hasProject: true,
});
