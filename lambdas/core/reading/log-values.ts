/** Reads single values of gateways' logs, as nginx and Kong write them. */
import { isAddress } from './address.ts';
import type { Row } from './row.ts';

/** True if there was nothing to log: `-`, or an empty value with escape=json and escape=none. */
export function isMissing(value: string): boolean {
  return value === '-' || value === '';
}

/** True if there was no client: the server logs nothing, or the request came over a Unix socket. */
export function isNoClient(value: string): boolean {
  return isMissing(value) || value === 'unix:';
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

/** The project of a host that contains none. */
export const NO_PROJECT = 'platform';

/** The project of a host: `shop` for `shop-api.example.com`, `platform` for `api.example.com`. */
export function projectOf(host: string): string {
  const dot = host.indexOf('.');
  const hyphen = host.indexOf('-');
  return hyphen > 0 && (dot < 0 || hyphen < dot) ? host.slice(0, hyphen) : NO_PROJECT;
}

/** The parts of a request line; a part that it does not have is empty. */
export interface RequestParts {
  readonly method: string;
  /** Without the query string. */
  readonly url: string;
  /** Without its question mark. */
  readonly query: string;
  /** `HTTP/1.1`; HTTP/0.9 has none. */
  readonly protocol: string;
}

/**
 * nginx itself accepts capitals, `_` and `-`. Anything else that a client sent is not a method, even if a space
 * follows.
 */
const METHOD = /^[\w-]+$/;

/**
 * Splits `METHOD URL HTTP/version`; the URL may contain spaces. Undefined if the value is not a request (such as a TLS
 * handshake).
 */
export function requestParts(value: string): RequestParts | undefined {
  const request = value.trim();
  const first = request.indexOf(' ');
  if (first < 0 || !METHOD.test(request.slice(0, first))) return undefined;
  const last = request.lastIndexOf(' ');
  const hasProtocol = last > first && request.startsWith('HTTP/', last + 1);
  const [url, query] = urlParts(request.slice(first + 1, hasProtocol ? last : undefined));
  return { method: request.slice(0, first), url, query, protocol: hasProtocol ? request.slice(last + 1) : '' };
}

/** Splits a URL into what is before its question mark and what is after it. */
export function urlParts(url: string): readonly [url: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** Writes a status code; one of fewer or more than three digits is the piece of a line that breaks off, and no status. */
export function writeStatus(row: Row, column: string, value: string): void {
  if (/^\d{1,2}$|^\d{4,}$/.test(value)) row.error(column, value, 'not a status code of three digits');
  else row.int(column, value);
}

/**
 * Writes the seconds that an upstream took. nginx lists one time for each server that it tried, such as
 * `0.002, 0.100 : -`: the sum of them is written, and nothing if none of them answered.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables
 */
export function writeUpstreamSeconds(row: Row, column: string, value: string): void {
  if (!LIST.test(value)) {
    row.double(column, value);
    return;
  }
  const times = knownItems(value);
  if (times.length === 0) return;
  if (!times.every((time) => /^\d{1,9}(?:\.\d{1,6})?$/.test(time))) {
    row.error(column, value, 'not a number');
    return;
  }
  const sum = times.reduce((total, time) => total + Math.round(Number(time) * 1e6), 0);
  row.double(column, String(sum / 1e6));
}

/** Writes the last status of an upstream in a list such as `502, 200`. */
export function writeUpstreamStatus(row: Row, column: string, value: string): void {
  const status = LIST.test(value) ? knownItems(value).at(-1) : value;
  if (status !== undefined) writeStatus(row, column, status);
}

/** What separates the servers that nginx tried for one request. */
const LIST = /[,:]/;

function knownItems(value: string): string[] {
  return value
    .split(LIST)
    .map((item) => item.trim())
    .filter((item) => item !== '-');
}

/** The separator that ends a header's trace id, and the index of the id among the parts. */
export const TRACE_PARTS: Readonly<Record<string, readonly [separator: string, part: number]>> = {
  http_traceparent: ['-', 1],
  http_b3: ['-', 0],
  http_uber_trace_id: [':', 0],
  opentracing_context_uber_trace_id: [':', 0],
  http_x_cloud_trace_context: ['/', 0],
};

/** The trace id in the value of a variable: the id alone where the header holds more. */
export function traceId(value: string, variable: string): string {
  const [separator, part] = TRACE_PARTS[variable] ?? [];
  return (separator && value.split(separator)[part ?? 0]) || value;
}
