/**
 * Parses nginx `log_format` strings into variables and the literals between them, and splits lines by them.
 * https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
 */
import { OptionError } from './format.ts';
import type { Escape } from './layout.ts';

/** The source option that contains a log_format string. */
export const LOG_FORMAT_OPTION = 'logFormat';

/** One variable of a log_format. */
export interface LogVariable {
  /** Without `$`, in lower case: to nginx, `$Host` is `$host`. */
  readonly name: string;
  /** The variable's column in the log_format string, from 1. */
  readonly column: number;
  /** The literal that follows the variable, up to the next variable or the end. */
  readonly after: string;
  /** The value is an address, which can contain colons. */
  readonly address: boolean;
  /** The value may be a list separated by `, ` and ` : `, so a space may be part of it even if a space also ends it. */
  readonly list: boolean;
}

/** A parsed log_format string. */
export interface LogFormat {
  /** The literal before the first variable. */
  readonly start: string;
  readonly variables: readonly LogVariable[];
}

/** Longest address with port: an IPv6 address that ends in an IPv4 address, a colon and a port. */
const MAX_ADDRESS_AND_PORT = 51;

/** Variables whose value is one address. https://nginx.org/en/docs/varindex.html */
const ADDRESS = /^(?:realip_)?remote_addr$|^proxy_protocol_(?:server_)?addr$|^server_addr$/;

/**
 * Variables whose value may be a list: the servers asked for one request, and the addresses that it was forwarded for.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables
 */
const LIST = /^(?:upstream_(?!http_|cookie_|trailer_)|http_x_forwarded_for$|proxy_add_x_forwarded_for$)/;

/**
 * Parses a log_format string.
 *
 * @throws OptionError naming the column (from 1) of the part that cannot be read.
 */
export function parseLogFormat(format: string): LogFormat {
  const fail = (at: number, problem: string): OptionError =>
    new OptionError(LOG_FORMAT_OPTION, `${LOG_FORMAT_OPTION}: column ${at + 1}: ${problem}`);
  const nginxSyntax = /^\s*(?:log_format\s|escape=|')/.exec(format);
  if (nginxSyntax) {
    const problem =
      'expected only the text within the quotes of log_format, in one piece; escape is an option beside it';
    throw fail(0, `${problem}; got ${format.slice(0, 20)}`);
  }
  const variables: (LogVariable & { after: string })[] = [];
  let start = '';
  let at = 0;
  while (at < format.length) {
    const dollar = format.indexOf('$', at);
    const literal = withoutEscapes(format.slice(at, dollar < 0 ? format.length : dollar));
    const lineEnd = format.slice(at, dollar < 0 ? format.length : dollar).search(/[\r\n]|\\[rn]/);
    if (lineEnd >= 0) throw fail(at + lineEnd, 'expected the format of one line, got a line end');
    const last = variables.at(-1);
    if (last) last.after = literal;
    else start = literal;
    if (dollar < 0) break;
    if (last && literal === '') {
      throw fail(dollar, `expected text between $${last.name} and the next variable: nothing tells where a value ends`);
    }
    const braced = format[dollar + 1] === '{';
    const name = /^\w*/.exec(format.slice(dollar + (braced ? 2 : 1)))?.[0] ?? '';
    const end = dollar + (braced ? 2 : 1) + name.length;
    if (braced && format[end] !== '}') {
      throw fail(dollar, `expected \${name}, got ${format.slice(dollar, end + 1)}: the brace is not closed`);
    }
    if (!/^[a-z_]/i.test(name)) {
      throw fail(
        dollar,
        `expected the name of a variable after $, got ${JSON.stringify(format.slice(dollar + 1, dollar + 11))}`,
      );
    }
    const lower = name.toLowerCase();
    const first = variables.find((variable) => variable.name === lower);
    if (first) throw fail(dollar, `expected each variable once, got $${lower} again after column ${first.column}`);
    variables.push({
      name: lower,
      column: dollar + 1,
      after: '',
      address: ADDRESS.test(lower),
      list: LIST.test(lower),
    });
    at = braced ? end + 1 : end;
  }
  if (variables.length === 0)
    throw fail(0, `expected variables, as $remote_addr; got ${JSON.stringify(format.slice(0, 40))}`);
  return { start, variables };
}

/** A line split by its log_format. */
export interface SplitLine {
  /** Values as logged, in the order of the variables; fewer if the line ends early. */
  readonly values: readonly string[];
  /** The text after the format's end. */
  readonly rest: string;
}

/**
 * Splits a line. If the line ends before the format does, the result has the values up to there, and the last of them
 * reaches to the end of the line.
 *
 * @returns undefined if the line does not begin like the format
 */
export function splitLine(line: string, { start, variables }: LogFormat, escaping: Escape): SplitLine | undefined {
  if (!line.startsWith(start)) return undefined;
  const values: string[] = [];
  let at = start.length;
  for (const variable of variables) {
    const { after } = variable;
    const end = after === '' ? line.length : endOfValue(line, at, variable, escaping);
    if (end < 0) {
      const value = withoutStartOf(after, line.slice(at));
      if (value !== '') values.push(value);
      return { values, rest: '' };
    }
    values.push(line.slice(at, end));
    at = end + after.length;
  }
  return { values, rest: line.slice(at) };
}

/**
 * The value as the client sent it, which is the useful form of a URL or a user agent; both of nginx's escapes can be
 * undone exactly. A value with control characters or with bytes that are not valid UTF-8 (such as a TLS handshake sent
 * to a plain port) is not text: all of it stays as logged.
 */
export function unescapeValue(value: string, escaping: Escape): string {
  if (!value.includes('\\') || escaping === 'none') return value;
  const text = escaping === 'json' ? unescapeJson(value) : unescapeHex(value);
  return /[\x00-\x1f\x7f\uFFFD]/.test(text) ? value : text;
}

/** In nginx's configuration `\t`, `\"`, `\'` and `\\` stand for one character each, also within quotes. */
function withoutEscapes(literal: string): string {
  return literal.replace(/\\([t"'\\])/g, (_, character: string) => (character === 't' ? '\t' : character));
}

/**
 * Finds the literal `after` that ends a value. A quote after a backslash still belongs to the value, and so does a
 * space that separates the items of a list.
 */
function endOfValue(line: string, from: number, { after, address, list }: LogVariable, escaping: Escape): number {
  if (after.startsWith(':') && address) return endOfAddress(line, from, after);
  let end = line.indexOf(after, from);
  if (after.startsWith('"') && escaping !== 'none') {
    while (end >= 0 && backslashesBefore(line, end, from) % 2 === 1) end = line.indexOf(after, end + 1);
  } else if (after.startsWith(' ') && list) {
    while (end >= 0 && separatesItems(line, end, from)) end = line.indexOf(after, end + 1);
  }
  return end;
}

/** A port follows the last colon, because IPv6 addresses also contain colons. */
function endOfAddress(line: string, from: number, after: string): number {
  const [address = ''] = /^[\da-f:.]*/i.exec(line.slice(from, from + MAX_ADDRESS_AND_PORT)) ?? [];
  const end = line.lastIndexOf(after, from + address.length);
  return end < from ? -1 : end;
}

/** True if the space is part of `, ` or ` : `. */
function separatesItems(line: string, space: number, from: number): boolean {
  const before = line.slice(Math.max(from, space - 2), space);
  return before.endsWith(',') || before === ' :' || line.startsWith(' : ', space);
}

function backslashesBefore(line: string, at: number, from: number): number {
  let count = 0;
  while (at - count - 1 >= from && line[at - count - 1] === '\\') count++;
  return count;
}

/** Removes the beginning of the literal `after` from the end of a line that breaks off within the literal. */
function withoutStartOf(after: string, end: string): string {
  for (let length = Math.min(after.length, end.length); length > 0; length--) {
    if (end.endsWith(after.slice(0, length))) return end.slice(0, -length);
  }
  return end;
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** nginx writes quotes, backslashes, control characters and every byte above 126 as `\xHH`. */
function unescapeHex(value: string): string {
  return value.replace(/(?:\\x[0-9A-Fa-f]{2})+/g, (run) => UTF8.decode(Buffer.from(run.replaceAll('\\x', ''), 'hex')));
}

function unescapeJson(value: string): string {
  try {
    return String(JSON.parse(`"${value}"`));
  } catch {
    // The line has another escape, or is cut within one: the value is kept as logged.
    return value;
  }
}
