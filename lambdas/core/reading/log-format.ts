/**
 * Parses nginx `log_format` strings into variables and the literals between them, and splits lines by them.
 * https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
 */
import { OptionError } from './format.ts';
import type { Escape } from './layout.ts';
import { endOfMatch, isWhole, type Shape, shapeOf, showBoundary, splitSideBySide } from './log-shapes.ts';

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
  /** The next variable follows directly: only the shapes of both values tell where one ends. */
  readonly joined: boolean;
  /** The place among the format's variables, from 0, of the first one with this name, if this is not the first. */
  readonly repeats: number | undefined;
  readonly shape: Shape;
  /** The value may be a list separated by `, ` and ` : `, so a space may be part of it even if a space also ends it. */
  readonly list: boolean;
}

/** A parsed log_format string. */
export interface LogFormat {
  /** The literal before the first variable. */
  readonly start: string;
  readonly variables: readonly LogVariable[];
}

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
  const variables: (LogVariable & { after: string; joined: boolean })[] = [];
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
    if (last) last.joined = literal === '';
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
    const first = variables.findIndex((variable) => variable.name === lower);
    variables.push({
      name: lower,
      column: dollar + 1,
      after: '',
      joined: false,
      repeats: first < 0 ? undefined : first,
      shape: shapeOf(lower),
      list: LIST.test(lower),
    });
    at = braced ? end + 1 : end;
  }
  if (variables.length === 0)
    throw fail(0, `expected variables, as $remote_addr; got ${JSON.stringify(format.slice(0, 40))}`);
  for (const [index, { name, joined, shape }] of variables.entries()) {
    const next = variables[index + 1];
    if (!joined || !next || showBoundary(shape, next.shape, !next.joined)) continue;
    const problem = `expected text between $${name} and $${next.name}, because`;
    throw fail(next.column - 1, `${problem} their values do not tell where one ends and the other begins`);
  }
  return { start, variables };
}

/** A line split by its log_format. */
export interface SplitLine {
  /** Values as logged, in the order of the variables; fewer if the line ends early. */
  readonly values: readonly string[];
  /** The text after the format's end. */
  readonly rest: string;
  /** The line ends before its format does, and the last value may be a part of what was logged, or have more than that. */
  readonly breaksOff: boolean;
}

/**
 * Splits a line. If the line ends before the format does, the result has the values up to there, and the last of them
 * reaches to the end of the line.
 *
 * @param mayBeCut whether a value at the very end of the line may be only the beginning of what was logged
 * @returns undefined if the line does not begin like the format, or if the values of variables side by side do not tell
 *   where one ends
 */
export function splitLine(
  line: string,
  { start, variables }: LogFormat,
  escaping: Escape,
  mayBeCut = false,
): SplitLine | undefined {
  if (!line.startsWith(start)) return undefined;
  const values: string[] = [];
  let at = start.length;
  for (let index = 0; index < variables.length; ) {
    const first = index;
    while (variables[index]?.joined) index++;
    const last = variables[index++];
    if (!last) break;
    const { after } = last;
    const found = after === '' ? line.length : endOfValue(line, at, last, escaping);
    const cut = found < 0 ? startOf(after, line, at, escaping) : '';
    const text = line.slice(at, found < 0 ? line.length - cut.length : found);
    const shapes = variables.slice(first, index).map(({ shape }) => shape);
    const ended = found >= 0 || endsValue(cut, last, escaping);
    const split = splitSideBySide(text, shapes, escaping, ended);
    if (!split) return undefined;
    if (found < 0) {
      const [value = ''] = split.slice(-1);
      if (value !== '') values.push(...split);
      const whole = ended || value === '' || (split.length === shapes.length && isWhole(value, last.shape));
      return { values, rest: '', breaksOff: !whole || hasQuote(text, last, escaping) };
    }
    values.push(...split);
    at = found + after.length;
  }
  const { after = '', shape = {} } = variables.at(-1) ?? {};
  const breaksOff = mayBeCut && after === '' && !isWhole(values.at(-1) ?? '', shape);
  return { values, rest: line.slice(at), breaksOff };
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
function endOfValue(line: string, from: number, { after, shape, list }: LogVariable, escaping: Escape): number {
  if (after.startsWith(':') && shape.withColons) {
    // A port follows the last colon, because IPv6 addresses also contain colons.
    const end = line.lastIndexOf(after, endOfMatch(shape.withColons, line, from) ?? from);
    if (end >= from) return end;
  }
  let end = line.indexOf(after, from);
  if (after.startsWith('"') && escaping !== 'none') {
    while (end >= 0 && backslashesBefore(line, end, from) % 2 === 1) end = line.indexOf(after, end + 1);
  } else if (after.startsWith(' ') && list) {
    while (end >= 0 && separatesItems(line, end, from)) end = line.indexOf(after, end + 1);
  }
  return end;
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

/**
 * The beginning of the literal `after` with which a line ends that breaks off within the literal. A quote after a
 * backslash belongs to the value that begins at `from`.
 */
function startOf(after: string, line: string, from: number, escaping: Escape): string {
  for (let length = Math.min(after.length, line.length - from); length > 0; length--) {
    if (!line.endsWith(after.slice(0, length))) continue;
    const isEscaped = after.startsWith('"') && escaping !== 'none';
    return isEscaped && backslashesBefore(line, line.length - length, from) % 2 === 1 ? '' : after.slice(0, length);
  }
  return '';
}

/**
 * True if the beginning of the literal that follows a value proves that the value has ended: if it contains a character
 * that the value cannot contain.
 */
function endsValue(startOfAfter: string, { shape: { chars } }: LogVariable, escaping: Escape): boolean {
  if (escaping !== 'none' && startOfAfter.includes('"')) return true;
  return chars !== undefined && [...startOfAfter].some((character) => !chars.test(character));
}

/**
 * True if there is a quote within a value that a quote should have ended: the line is of another log_format, and the value has
 * more than what its variable was.
 */
function hasQuote(text: string, { after }: LogVariable, escaping: Escape): boolean {
  if (!after.startsWith('"') || escaping === 'none') return false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    if (backslashesBefore(text, at, 0) % 2 === 0) return true;
  }
  return false;
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
