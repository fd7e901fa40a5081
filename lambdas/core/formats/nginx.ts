import { accessLogFormat } from '../reading/access-log.ts';

/** nginx access log, as its log_format says. */
export const nginx = accessLogFormat({
  name: 'nginx',
  description: 'nginx access log, compiled from a log_format string: one row per request.',
  reference: 'https://nginx.org/en/docs/http/ngx_http_log_module.html',
  presets: {
    combined:
      '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    timed:
      '$remote_addr - $remote_user [$time_local] "$request" $status $request_time $body_bytes_sent "$host" ' +
      '"$http_referer" "$http_user_agent"',
  },
});
