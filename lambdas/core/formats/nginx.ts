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
    combined: {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    },
    timed: {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $request_time $body_bytes_sent "$host" ' +
        '"$http_referer" "$http_user_agent"',
    },
    // https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/
    'ingress-nginx': {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
        '"$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ' +
        '$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id',
    },
    // https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#log-format-upstream
    'ingress-nginx-json': {
      logFormat:
        '{"time": "$time_iso8601", "remote_addr": "$proxy_protocol_addr", "x_forwarded_for": "$proxy_add_x_forwarded_for", ' +
        '"request_id": "$req_id", "remote_user": "$remote_user", "bytes_sent": $bytes_sent, "request_time": $request_time, ' +
        '"status": $status, "vhost": "$host", "request_proto": "$server_protocol", "path": "$uri", ' +
        '"request_query": "$args", "request_length": $request_length, "method": "$request_method", ' +
        '"http_referrer": "$http_referer", "http_user_agent": "$http_user_agent" }',
      escape: 'json',
    },
  },
  hasProject: false,
});
