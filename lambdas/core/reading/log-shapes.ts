/**
 * What the values of nginx's variables look like, as far as that tells where a value ends. It is needed where two
 * variables of a log_format are side by side (`$host$request_uri`), where the text after a variable may also be a part
 * of its value (`$remote_addr:$remote_port`), and where a line breaks off.
 * https://nginx.org/en/docs/varindex.html
 */
import type { Escape } from './layout.ts';

/** The shape of a variable's values. nginx logs `-` if there is no value, or nothing with escape=json and escape=none. */
export interface Shape {
  /** The value has this form, and whoever has read it knows that nothing of the value follows. */
  readonly fixed?: RegExp;
  /** Matches the characters of which a value consists; absent: any. */
  readonly chars?: RegExp;
  /** Matches the characters with which a value begins; absent: any. */
  readonly begins?: RegExp;
  /** How far a value reaches that may contain colons, if a colon also follows the variable. */
  readonly withColons?: RegExp;
  /** The colon before a port may be a part of the value. */
  readonly hasPort?: true;
  /** There always is a value. */
  readonly always?: true;
  /** If this variable has no value, the variables directly after it have none either. */
  readonly leads?: true;
  /** Without a value nothing is logged, whatever the escaping. */
  readonly mayBeEmpty?: true;
}

const ANY: Shape = {};
const DIGITS: Shape = { chars: /\d/, begins: /\d/ };
const PORT: Shape = { ...DIGITS, always: true };
const SECONDS: Shape = { fixed: /\d+\.\d{3}/y, chars: /[\d.]/, begins: /\d/, always: true };
const ID: Shape = { fixed: /[\da-f]{32}/y, chars: /[\da-f]/, begins: /[\da-f]/, always: true };
/** A path with its query string. */
const URI: Shape = { begins: /\//, leads: true };
/** A path without its query string. It begins with a slash: nginx answers other requests with 400, and logs no path. */
const PATH: Shape = { ...URI, chars: /[^?]/ };
/** The longest address with a port is an IPv6 address that ends in an IPv4 address, a colon and a port. */
const ADDRESS: Shape = {
  chars: /[\da-f:.unix]/i,
  begins: /[\da-fu:]/i,
  withColons: /unix:|\d{1,3}(?:\.\d{1,3}){3}|[\da-f:.]{0,51}/iy,
};
/** nginx refuses hosts with a slash, and those that a client sends are no hosts with one. An IPv6 host is in brackets. */
const HOST: Shape = { chars: /[^/?#\s"]/, begins: /[\w[*~]/, withColons: /\[[\da-f:.]*\]|[^\s"/:[\]]*/iy };
const HOST_AND_PORT: Shape = { ...HOST, hasPort: true, withColons: /(?:\[[\da-f:.]*\]|[^\s"/:[\]]*)(?::\d{1,5})?/iy };

const SHAPES: ReadonlyMap<string, Shape> = new Map(
  Object.entries<Shape>({
    status: { fixed: /\d{3}/y, ...PORT },
    time_local: { fixed: /\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/y, begins: /\d/, always: true },
    time_iso8601: { fixed: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)/y, begins: /\d/, always: true },
    msec: SECONDS,
    request_time: SECONDS,
    connection_time: SECONDS,
    request_id: ID,
    pipe: { fixed: /[p.]/y, chars: /[p.]/, begins: /[p.]/, always: true },
    scheme: { chars: /[a-z]/, begins: /[a-z]/, always: true },
    request_method: { chars: /[A-Z_-]/, begins: /[A-Z_]/ },
    server_protocol: { chars: /[HTP/\d.]/, begins: /H/ },
    request_uri: URI,
    upstream_uri: URI,
    uri: PATH,
    document_uri: PATH,
    // A question mark if there is a query string. A path in which a client has escaped one is taken for both.
    is_args: { fixed: /\??/y, chars: /\?/, begins: /\?/, leads: true, mayBeEmpty: true },
    remote_addr: { ...ADDRESS, always: true },
    realip_remote_addr: { ...ADDRESS, always: true },
    server_addr: { ...ADDRESS, always: true },
    proxy_protocol_addr: ADDRESS,
    proxy_protocol_server_addr: ADDRESS,
    host: HOST,
    server_name: HOST,
    ssl_server_name: HOST,
    hostname: HOST,
    http_host: HOST_AND_PORT,
    proxy_host: HOST_AND_PORT,
    upstream_host: HOST_AND_PORT,
    remote_port: PORT,
    realip_remote_port: PORT,
    server_port: PORT,
    proxy_protocol_port: DIGITS,
    proxy_protocol_server_port: DIGITS,
    body_bytes_sent: PORT,
    bytes_sent: PORT,
    request_length: PORT,
    content_length: DIGITS,
    connection: PORT,
    connection_requests: PORT,
    pid: PORT,
  }),
);

/** The shape of a variable's values, by the variable's name in lower case. */
export function shapeOf(name: string): Shape {
  return SHAPES.get(name) ?? ANY;
}

/** The characters that a test of shapes tries: ASCII, and one that stands for all others. */
const CHARACTERS = [...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)), 'é'];

/**
 * True if the values of two variables side by side show where the first one ends.
 *
 * @param last whether no further variable follows the second one directly
 */
export function showBoundary(first: Shape, second: Shape, last: boolean): boolean {
  if (first.fixed) return true;
  const { chars } = first;
  const { begins, always, leads } = second;
  // If the second one may be missing, the first one could only be told from the third.
  if (!chars || !begins || !(last || always || leads)) return false;
  return !CHARACTERS.some((character) => chars.test(character) && begins.test(character));
}

/** The only character with which a value of the shape begins, if there is only one. */
export function onlyBeginning({ begins }: Shape): string | undefined {
  const [only, ...others] = begins ? CHARACTERS.filter((character) => begins.test(character)) : [];
  return others.length === 0 ? only : undefined;
}

/**
 * Splits the text of variables that are side by side. Of a text that breaks off, there are fewer values, and the last
 * one may be the beginning of its value.
 *
 * @param whole whether the text does not break off
 * @returns undefined if a value does not have its shape, so that it cannot be told from the next one
 */
export function splitSideBySide(
  text: string,
  shapes: readonly Shape[],
  escaping: Escape,
  whole: boolean,
): string[] | undefined {
  const values: string[] = [];
  let at = 0;
  for (const [index, shape] of shapes.entries()) {
    const next = shapes[index + 1];
    const end = next ? endBefore(text, at, shape, next) : text.length;
    if (next && end === undefined && whole) return undefined;
    if (next && (end === undefined || end === text.length)) {
      const rest = text.slice(at);
      return [...values, ...(whole ? withMissing(rest, shapes.slice(index + 1), escaping) : [rest])];
    }
    values.push(text.slice(at, end));
    at = end ?? text.length;
  }
  return values;
}

/** End of the value at `at`, which is the end of the text if the next variable has no value; undefined if it has another shape. */
function endBefore(text: string, at: number, { fixed }: Shape, { begins }: Shape): number | undefined {
  if (fixed) {
    const end = endOfMatch(fixed, text, at);
    return end ?? (text[at] === '-' ? at + 1 : undefined);
  }
  for (let end = at; end < text.length; end++) if (begins?.test(text[end] ?? '')) return end;
  return text.length;
}

/** The value of a variable, and those of the variables after it, of which none has a value. */
function withMissing(text: string, others: readonly Shape[], escaping: Escape): string[] {
  const values: string[] = [];
  let end = text.length;
  for (const { mayBeEmpty } of others.toReversed()) {
    const logged = escaping === 'default' && !mayBeEmpty && text[end - 1] === '-' ? 1 : 0;
    values.unshift(text.slice(end - logged, end));
    end -= logged;
  }
  return [text.slice(0, end), ...values];
}

/** Where the match of a sticky pattern ends that begins at `at`, or undefined if it does not match there. */
export function endOfMatch(sticky: RegExp, text: string, at: number): number | undefined {
  sticky.lastIndex = at;
  return sticky.test(text) ? sticky.lastIndex : undefined;
}

/** True if the text is all of a value, because a longer value of the shape does not begin with it. */
export function isWhole(value: string, { fixed }: Shape): boolean {
  return fixed !== undefined && value !== '' && endOfMatch(fixed, value, 0) === value.length;
}
