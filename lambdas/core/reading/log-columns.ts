/**
 * Maps the variables of an nginx log_format to the columns of a table. Each column is filled by one variable. A
 * variable that fills no shared column gets a text column of its own name, so that nothing in a line is dropped.
 * https://nginx.org/en/docs/varindex.html
 */

import {
  bigint,
  type ColumnSpecs,
  type ColumnType,
  defineColumns,
  double,
  int,
  keyedByName,
  numbered,
  OWN,
  PARTITION,
  sameKey,
  text,
  timestamp,
} from '../tables/table.ts';
import { isAddress } from './address.ts';
import { OptionError } from './format.ts';
import type { Escape, LayoutField, LayoutOp } from './layout.ts';
import type { LocalZone } from './local-zone.ts';
import { LOG_FORMAT_OPTION, type LogFormat, unescapeValue } from './log-format.ts';
import type { Row } from './row.ts';
import { readTime } from './time-forms.ts';

/** The columns that gateway logs share, in the order of their tables. */
const COLUMNS = defineColumns({
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
});

type ColumnName = keyof typeof COLUMNS;

/** The shared columns, each with its key: a format has only some of them, and their places then say nothing. */
export const SHARED_COLUMNS: ColumnSpecs = Object.fromEntries(
  numbered(COLUMNS).map(({ name, ...spec }) => [name, spec]),
);

/**
 * The variables that can fill a column besides the variable of the same name. If a format has several, the first one
 * listed here is used.
 */
const FILLED_BY: Readonly<Record<Exclude<ColumnName, 'stream'>, readonly string[]>> = {
  log_time: ['msec', 'time_iso8601', 'time_local'],
  client_ip: [
    // Addresses that the server itself has seen come before headers, which can hold anything that a client sends.
    'remote_addr',
    'proxy_protocol_addr',
    'realip_remote_addr',
    'http_x_real_ip',
    'http_x_forwarded_for',
    'proxy_add_x_forwarded_for',
  ],
  remote_user: [],
  request_method: ['request'],
  request_url: ['request', 'request_uri', 'uri', 'document_uri'],
  query_string: ['args', 'request', 'request_uri'],
  http_version: ['server_protocol', 'request'],
  status_code: ['status'],
  bytes_sent: ['body_bytes_sent'],
  response_time: ['request_time', 'upstream_response_time'],
  host_domain: ['host', 'http_host', 'ssl_server_name', 'server_name'],
  project_name: ['host', 'http_host', 'ssl_server_name', 'server_name'],
  referer: ['http_referer'],
  user_agent: ['http_user_agent'],
  request_id: [
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
};

/** A variable of a log_format, and a column that it fills. */
export interface FillingVariable {
  /** Without `$`. */
  readonly variable: string;
  readonly column: string;
  readonly type: ColumnType;
}

/** The variables that fill shared columns; of those of one column, the first that a format has is used. */
export const FILLING_VARIABLES: readonly FillingVariable[] = entries(FILLED_BY).flatMap(([column, names]) =>
  (names.length > 0 ? names : [column]).map((variable) => ({ variable, column, type: COLUMNS[column].type })),
);

/** project_name of a host that contains none. */
const NO_PROJECT = 'platform';

/** One variable of a format, for the reader of its lines. */
export interface LogField {
  /** Writes the value, as logged, to the columns that the variable fills. */
  readonly write: (row: Row, value: string) => void;
  /** The value contains no space: text after a space does not belong to it. */
  readonly token: boolean;
  /** Describes the variable to the kernel, without the literals around it. */
  readonly layout: LayoutField;
}

/** A format's table and how its variables fill it. */
export interface LogColumns {
  readonly columns: ColumnSpecs;
  /** In the order of the format's variables. */
  readonly fields: readonly LogField[];
  /** Index of the variable that fills a column, or undefined if none does. */
  readonly indexOf: (column: ColumnName) => number | undefined;
}

/**
 * The table of a log_format: the shared columns that it can fill, in their order, then its other variables. log_time
 * and stream are always included, because a container's envelope contains them too.
 *
 * @throws OptionError naming the column in the log_format of a variable whose name is one of the lake's own columns.
 */
export function logColumns({ variables }: LogFormat, escaping: Escape, zone: LocalZone): LogColumns {
  const filledBy = new Map<ColumnName, number>();
  const filledWith = variables.map(() => new Set<ColumnName>());
  for (const [column, names] of entries(FILLED_BY)) {
    const candidates = [column, ...names].map((name) => variables.findIndex((variable) => variable.name === name));
    const index = candidates.find((candidate) => candidate >= 0);
    if (index === undefined) continue;
    filledBy.set(column, index);
    filledWith[index]?.add(column);
  }
  const shared = Object.entries(SHARED_COLUMNS).filter(
    ([name]) => name === 'log_time' || name === 'stream' || filledBy.has(name as ColumnName),
  );
  const others = variables.filter((_, index) => filledWith[index]?.size === 0);
  for (const { name, column } of others) {
    if (!TAKEN.has(name)) continue;
    const problem = `expected another name than $${name}: the lake has a column ${name} of its own`;
    throw new OptionError(LOG_FORMAT_OPTION, `${LOG_FORMAT_OPTION}: column ${column}: ${problem}`);
  }
  const columns = {
    ...Object.fromEntries(shared),
    ...keyedByName(Object.fromEntries(others.map(({ name }) => [name, text(`As logged by $${name}.`)]))),
  };
  const [one, other] = sameKey(columns) ?? [];
  if (one !== undefined) {
    const { column } = others.find(({ name }) => name === other) ?? {};
    const problem = `expected another variable than $${other}, because by chance its JSON key is the one of $${one}`;
    throw new OptionError(
      LOG_FORMAT_OPTION,
      `${LOG_FORMAT_OPTION}: column ${column}: ${problem}: give it another name in nginx with set or map`,
    );
  }
  return {
    columns,
    fields: variables.map(({ name }, index) => logField(name, filledWith[index] ?? new Set(), escaping, zone)),
    indexOf: (column) => filledBy.get(column),
  };
}

/**
 * The client's address in a value: the first one of a list, without brackets and port. Undefined if that is not an
 * address. Load balancers can be configured to add the client's port to X-Forwarded-For:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
 */
export function clientAddress(value: string): string | undefined {
  const comma = value.indexOf(',');
  const first = (comma < 0 ? value : value.slice(0, comma)).trim();
  const bare = WITH_PORT.exec(first)?.slice(1).join('') ?? first;
  return isAddress(bare) ? bare : undefined;
}

/** An address in brackets, with or without a port after them; or IPv4 with a port. */
const WITH_PORT = /^(?:\[(.*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/;

/** True if there was nothing to log: `-`, or an empty value with escape=json and escape=none. */
export function isMissing(value: string): boolean {
  return value === '-' || value === '';
}

/** True if there was no client: the server logs nothing, or the request came over a Unix socket. */
export function isNoClient(value: string): boolean {
  return isMissing(value) || value === 'unix:';
}

/** The project of a host: `shop` for `shop-api.example.com`, `platform` for `api.example.com`. */
export function projectOf(host: string): string {
  const dot = host.indexOf('.');
  const hyphen = host.indexOf('-');
  return hyphen > 0 && (dot < 0 || hyphen < dot) ? host.slice(0, hyphen) : NO_PROJECT;
}

const TAKEN: ReadonlySet<string> = new Set([
  ...Object.keys(COLUMNS),
  ...Object.values(OWN).map(({ name }) => name),
  PARTITION.name,
]);

const TOKENS: ReadonlySet<string> = new Set(['client_ip', 'status_code', 'bytes_sent', 'request_id', 'trace_id']);

function logField(variable: string, columns: ReadonlySet<ColumnName>, escaping: Escape, zone: LocalZone): LogField {
  if (columns.size === 0) {
    const write = (row: Row, value: string) => {
      if (!isMissing(value)) row.text(variable, unescapeValue(value, escaping));
    };
    return { write, token: false, layout: { op: 'text', columns: [variable] } };
  }
  return {
    write: (row, value) => {
      if (isMissing(value)) {
        if (columns.has('project_name')) row.text('project_name', NO_PROJECT);
        return;
      }
      for (const [column, part] of partsOf(variable, value, columns, row)) {
        if (part !== '' && columns.has(column)) WRITE[column](row, unescapeValue(part, escaping), variable, zone);
      }
    },
    token: [...columns].some((column) => TOKENS.has(column)) || variable === 'request_time' || variable === 'msec',
    layout: layoutOf(variable, columns),
  };
}

/** Describes to the kernel how a variable fills its columns. */
function layoutOf(variable: string, columns: ReadonlySet<ColumnName>): LayoutField {
  const filled = (...names: ColumnName[]) => names.map((name) => (columns.has(name) ? name : undefined));
  if (variable === 'request') {
    return { op: 'nginx-request', columns: filled('request_method', 'request_url', 'query_string', 'http_version') };
  }
  if (variable === 'request_uri') return { op: 'url', columns: filled('request_url', 'query_string') };
  if (columns.has('host_domain') || columns.has('project_name')) {
    return { op: 'host', columns: filled('host_domain', 'project_name') };
  }
  const [column] = columns;
  const part = column === 'trace_id' ? TRACE_PARTS[variable] : undefined;
  if (part) return { op: 'part', columns: [column], part };
  return { op: OPS[column ?? 'stream'] ?? 'text', columns: [column], status: column === 'status_code' };
}

/** The kernel's ops for columns that are not plain text. */
const OPS: Readonly<Partial<Record<ColumnName, LayoutOp>>> = {
  log_time: 'time',
  client_ip: 'client',
  http_version: 'version',
  status_code: 'int',
  bytes_sent: 'bigint',
  response_time: 'double',
};

/** Splits a value into the parts for each column; most variables fill one column with the whole value. */
function partsOf(
  variable: string,
  value: string,
  columns: ReadonlySet<ColumnName>,
  row: Row,
): Iterable<readonly [ColumnName, string]> {
  if (variable === 'request') return requestParts(value, row);
  if (variable === 'request_uri') return urlParts(value);
  return [...columns].map((column) => [column, value] as const);
}

/**
 * nginx itself accepts capitals, `_` and `-`. Anything else that a client sent is not a method, even if a space
 * follows.
 */
const METHOD = /^[\w-]+$/;

/**
 * Splits `METHOD URL HTTP/version`; the URL may contain spaces. HTTP/0.9 has no version. A value that is not a request
 * (such as a TLS handshake) is kept in `errors` as logged.
 */
function requestParts(value: string, row: Row): (readonly [ColumnName, string])[] {
  const request = value.trim();
  const first = request.indexOf(' ');
  if (first < 0 || !METHOD.test(request.slice(0, first))) {
    row.error('request_url', value, 'not METHOD URL HTTP/version');
    return [];
  }
  const last = request.lastIndexOf(' ');
  const hasVersion = last > first && request.startsWith('HTTP/', last + 1);
  return [
    ['request_method', request.slice(0, first)],
    ...urlParts(request.slice(first + 1, hasVersion ? last : undefined)),
    ['http_version', hasVersion ? request.slice(last + 1) : ''],
  ];
}

function urlParts(url: string): [readonly [ColumnName, string], readonly [ColumnName, string]] {
  const mark = url.indexOf('?');
  return [
    ['request_url', mark < 0 ? url : url.slice(0, mark)],
    ['query_string', mark < 0 ? '' : url.slice(mark + 1)],
  ];
}

type Write = (row: Row, value: string, variable: string, zone: LocalZone) => void;

const asText =
  (column: ColumnName): Write =>
  (row, value) =>
    row.text(column, value);

const WRITE: Readonly<Record<ColumnName, Write>> = {
  log_time: (row, value, _, zone) => {
    const time = readTime(value, zone);
    if (time) row.timestamp('log_time', time);
    else row.error('log_time', value, 'not a timestamp');
  },
  stream: asText('stream'),
  client_ip: (row, value) => {
    const address = clientAddress(value);
    if (address) row.text('client_ip', address);
    else row.error('client_ip', value, 'not an address');
  },
  remote_user: asText('remote_user'),
  request_method: asText('request_method'),
  request_url: asText('request_url'),
  query_string: asText('query_string'),
  http_version: (row, value) => row.text('http_version', value.startsWith('HTTP/') ? value.slice(5) : value),
  status_code: (row, value) => {
    // A status of fewer digits is the beginning of one, in a line that breaks off.
    if (/^\d{1,2}$|^\d{4,}$/.test(value)) row.error('status_code', value, 'not a status code of three digits');
    else row.int('status_code', value);
  },
  bytes_sent: (row, value) => row.bigint('bytes_sent', value),
  response_time: (row, value, variable) => {
    if (variable === 'upstream_response_time') writeUpstreamTime(row, value);
    else row.double('response_time', value);
  },
  host_domain: asText('host_domain'),
  project_name: (row, value) => row.text('project_name', projectOf(value)),
  referer: asText('referer'),
  user_agent: asText('user_agent'),
  request_id: asText('request_id'),
  trace_id: (row, value, variable) => row.text('trace_id', traceId(value, variable)),
};

/**
 * nginx lists one time per server that it tried, such as `0.002, 0.100 : -`; their sum is the upstream's response time.
 */
function writeUpstreamTime(row: Row, value: string): void {
  if (!/[,:]/.test(value)) {
    row.double('response_time', value);
    return;
  }
  const times = value.split(/[,:]/).map((time) => time.trim());
  const known = times.filter((time) => time !== '-');
  if (known.length === 0) return;
  if (!known.every((time) => /^\d{1,9}(?:\.\d{1,6})?$/.test(time))) {
    row.error('response_time', value, 'not a number');
    return;
  }
  const sum = known.reduce((total, time) => total + Math.round(Number(time) * 1e6), 0);
  row.double('response_time', String(sum / 1e6));
}

/** The separator that ends a header's trace id, and the index of the id among the parts. */
const TRACE_PARTS: Readonly<Record<string, readonly [separator: string, part: number]>> = {
  http_traceparent: ['-', 1],
  http_b3: ['-', 0],
  http_uber_trace_id: [':', 0],
  opentracing_context_uber_trace_id: [':', 0],
  http_x_cloud_trace_context: ['/', 0],
};

function traceId(value: string, variable: string): string {
  const [separator, part] = TRACE_PARTS[variable] ?? [];
  return (separator && value.split(separator)[part ?? 0]) || value;
}

function entries<Name extends string, Value>(record: Readonly<Record<Name, Value>>): [Name, Value][] {
  return Object.entries(record) as [Name, Value][];
}
