/**
 * The columns that gateway logs share, and the variables of an nginx log_format that fill them. A column is filled by one
 * variable.
 * https://nginx.org/en/docs/varindex.html
 */
import {
  bigint,
  type ColumnSpecs,
  type ColumnType,
  defineColumns,
  double,
  int,
  numbered,
  text,
  timestamp,
} from '../tables/table.ts';

/** The columns that gateway logs share, in the order of their tables. */
export const COLUMNS = defineColumns({
  log_time: timestamp("When the request was logged, UTC; the container runtime's time where the line tells none."),
  stream: text("The container's output stream the line came from; null where no envelope tells."),
  client_ip: text('Address of the client, IPv4 or IPv6, without brackets.'),
  remote_user: text('User of basic authentication; null when none was given.'),
  request_method: text('HTTP method; null for a malformed request.'),
  request_url: text('URL as the client sent it, without the query string.'),
  query_string: text('Query string without its question mark; null when there was none.'),
  http_version: text('HTTP version, e.g. 1.1 or 2.0; null for a malformed request.'),
  status_code: int('Status code of the response.'),
  bytes_sent: bigint('Bytes of the response: with headers from $bytes_sent, without from $body_bytes_sent.'),
  response_time: double(
    'Seconds, to the millisecond: the whole request from $request_time; else the sum of $upstream_response_time.',
  ),
  host_domain: text('Host the request was for, as logged.'),
  project_name: text("The host's first label up to its first hyphen; platform where it has none."),
  referer: text('Referer header; null when not sent.'),
  user_agent: text('User-Agent header; null when not sent.'),
  request_id: text('Id of the request, given by the gateway or else by the client.'),
  trace_id: text('Trace id of the request: the id alone where the header holds more, X-Amzn-Trace-Id as sent.'),
  upstream_status_code: int(
    'Status code of the last response of an upstream, the last one in $upstream_status; null if there was none.',
  ),
  upstream_seconds: double(
    'Seconds, to the millisecond, that the upstreams took: the sum of $upstream_response_time; null if none was asked.',
  ),
  upstream_connect_seconds: double(
    'Seconds, to the millisecond, to connect to the upstreams: the sum of $upstream_connect_time; null if to none.',
  ),
  upstream_header_seconds: double(
    'Seconds, to the millisecond, until upstreams began to respond: the sum of $upstream_header_time; null if none did.',
  ),
});

/** The name of a shared column. */
export type ColumnName = keyof typeof COLUMNS;

/** The shared columns, each with its key: a format has only some of them, and their places then say nothing. */
export const SHARED_COLUMNS: ColumnSpecs = Object.fromEntries(
  numbered(COLUMNS).map(({ name, ...spec }) => [name, spec]),
);

/**
 * The variables that fill each column, the best first: if a format has several, the first one is used. A variable that
 * has the name of the column itself, such as one that an operator has set, comes before them.
 */
export const FILLED_BY: Readonly<Record<Exclude<ColumnName, 'stream'>, readonly string[]>> = {
  log_time: ['msec', 'time_iso8601', 'time_local'],
  client_ip: [
    // Addresses that the server itself has seen come before headers, which can hold anything that a client sends.
    'remote_addr',
    'proxy_protocol_addr',
    'realip_remote_addr',
    'http_x_real_ip',
    'http_cf_connecting_ip',
    'http_true_client_ip',
    'http_x_forwarded_for',
    'proxy_add_x_forwarded_for',
  ],
  remote_user: ['remote_user'],
  request_method: ['request_method', 'request'],
  request_url: ['request', 'request_uri', 'uri', 'document_uri'],
  query_string: ['query_string', 'args', 'request', 'request_uri'],
  http_version: ['server_protocol', 'request'],
  status_code: ['status'],
  bytes_sent: ['bytes_sent', 'body_bytes_sent'],
  response_time: ['request_time', 'upstream_response_time'],
  host_domain: ['host', 'http_host', 'ssl_server_name', 'server_name'],
  project_name: ['host', 'http_host', 'ssl_server_name', 'server_name'],
  referer: ['http_referer'],
  user_agent: ['http_user_agent'],
  request_id: [
    'request_id',
    'req_id',
    'kong_request_id',
    'sent_http_x_kong_request_id',
    'sent_http_x_request_id',
    'http_x_request_id',
    'http_x_correlation_id',
  ],
  trace_id: [
    'http_x_amzn_trace_id',
    'http_traceparent',
    'http_x_b3_traceid',
    'http_b3',
    'http_uber_trace_id',
    'http_x_cloud_trace_context',
    'http_x_datadog_trace_id',
    'otel_trace_id',
    'opentelemetry_trace_id',
    'opentracing_context_uber_trace_id',
    'http_x_trace_id',
  ],
  upstream_status_code: ['upstream_status'],
  upstream_seconds: ['upstream_response_time'],
  upstream_connect_seconds: ['upstream_connect_time'],
  upstream_header_seconds: ['upstream_header_time'],
};

/** The variables that may contain the client's address, the best first. */
export const CLIENT_VARIABLES: readonly string[] = FILLED_BY.client_ip;

/** Variables whose value is a list, which fills a column of its own name as logged, beside the shared columns. */
export const LISTS: ReadonlySet<string> = new Set([
  'upstream_status',
  'upstream_response_time',
  'upstream_connect_time',
  'upstream_header_time',
]);

/** A variable of a log_format, and a shared column that it can fill. */
export interface FillingVariable {
  /** Without `$`. */
  readonly variable: string;
  readonly column: string;
  readonly type: ColumnType;
}

/** The variables that fill shared columns; of those of one column, the first that a format has is used. */
export const FILLING_VARIABLES: readonly FillingVariable[] = entries(FILLED_BY).flatMap(([column, names]) =>
  names.map((variable) => ({ variable, column, type: COLUMNS[column].type })),
);

/** The members of a record, whose keys are columns. */
export function entries<Name extends string, Value>(record: Readonly<Record<Name, Value>>): [Name, Value][] {
  return Object.entries(record) as [Name, Value][];
}
