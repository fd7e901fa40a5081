/** The examples of docs/sources.md. A test synthesizes each of them, and reads its line. */

/** A source as somebody may have it. */
export interface ExampleSource {
  readonly title: string;
  /** Whole sentences before the example. */
  readonly text: string;
  readonly source: Readonly<Record<string, unknown>> & { readonly name: string; readonly format: string };
  /** A line that the source reads. */
  readonly line?: string;
}

export const EXAMPLE_SOURCES: readonly ExampleSource[] = [
  {
    title: 'Load balancer logs in a bucket that exists',
    text:
      'The access logs of Application Load Balancers, below the prefix that they are delivered to. Other systems use the ' +
      'notifications of this bucket already, so the source takes the events that the bucket sends to EventBridge.',
    source: { name: 'alb', format: 'alb', from: { bucket: 'my-logs', prefix: 'alb/', notifications: 'eventbridge' } },
  },
  {
    title: 'nginx with upstream times',
    text:
      'Containers that write the access log to their output, and so to a log group. `logFormat` is what the configuration ' +
      'of nginx has within the quotes of `log_format`.',
    source: {
      name: 'web',
      format: 'nginx',
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
        '"$http_user_agent" $request_time $upstream_response_time $upstream_status',
      from: { logGroups: ['/ecs/web'] },
    },
    line:
      '192.0.2.10 - - [22/Nov/2026:12:03:00 +0000] "GET /orders?page=2 HTTP/1.1" 200 5126 "https://www.example.com/" ' +
      '"Mozilla/5.0 (X11; Linux x86_64)" 0.103 0.002, 0.100 502, 200',
  },
  {
    title: 'nginx with JSON lines',
    text:
      'A `log_format` that writes JSON is read like any other, with its `escape`. Here the logs are objects below a prefix ' +
      'of a bucket.',
    source: {
      name: 'edge',
      format: 'nginx',
      escape: 'json',
      logFormat:
        '{"time":"$time_iso8601","client":"$remote_addr","request":"$request","status":"$status","host":"$host"}',
      from: { bucket: 'my-edge-logs', prefix: 'nginx/', suffix: '.log.gz' },
    },
    line: '{"time":"2026-11-22T12:03:00+00:00","client":"192.0.2.10","request":"GET /orders HTTP/2.0","status":"200","host":"www.example.com"}',
  },
  {
    title: 'Application logs in JSON, with columns',
    text:
      'JSON objects, one for each event. Each key that is named in `columns` is a column, and so is a key or a path that a ' +
      'column names with `from`; all other keys, and what is left of nested objects, are in the column `extra`. Of the log ' +
      'groups, only events that match the pattern are loaded.',
    source: {
      name: 'app',
      format: 'json',
      columns: {
        time: { type: 'timestamp', from: '@timestamp' },
        level: 'string',
        message: 'string',
        request_id: 'string',
        status: { type: 'int', from: 'http.response.status_code' },
        duration_ms: 'double',
      },
      from: { logGroups: ['/ecs/app', '/ecs/worker'], filterPattern: '{ $.level != "DEBUG" }' },
    },
    line: '{"@timestamp":"2026-11-22T12:03:00.500Z","level":"INFO","message":"served","request_id":"58337262d99923ab","http":{"response":{"status_code":200}},"duration_ms":12.5}',
  },
  {
    title: 'Kong behind a health check',
    text:
      'Requests that come from the machine itself are health checks, which the filter `local_client` leaves out. This ' +
      'source switches the filter off, and keeps the line beside every row.',
    source: {
      name: 'gateway',
      format: 'kong',
      filters: { local_client: false },
      keepRaw: 'always',
      from: { logGroups: ['/ecs/kong'] },
    },
    line:
      '127.0.0.1 - - [22/Nov/2026:12:03:00 +0000] "GET /status HTTP/1.1" 200 12 "-" "curl/8.5.0" ' +
      'kong_request_id: "678281372fb8907ed06d517cf515de78"',
  },
];
