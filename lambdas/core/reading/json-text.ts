/**
 * Reads one level of a JSON object as text. Working on the text instead of parsed values keeps what parsing loses:
 * digits above 2^53, keys that occur twice, and nesting too deep for recursion.
 */

/** A member of an object: its key, and its value as written. */
export interface Member {
  readonly key: string;
  /** The value's JSON text, without surrounding space. */
  readonly json: string;
}

/** The members of an object in the order written, or the reason why the text is not an object. */
export type ObjectText =
  | { readonly members: readonly Member[] }
  | { readonly members?: undefined; readonly reason: string; readonly detail: string };

/** Reason why text is not an object: there is nothing but space. */
export const EMPTY_LINE = 'empty_line';

/** Reason why text is not an object: it is no JSON. */
export const NO_JSON = 'not_json';

/**
 * Reads one JSON object. A byte order mark before it and space around it are ignored. NaN and Infinity, which Python
 * writes, are values.
 */
export function readObject(text: string): ObjectText {
  const logged = (text.startsWith('\uFEFF') ? text.slice(1) : text).trim();
  if (logged === '') return { reason: EMPTY_LINE, detail: 'expected a JSON object, got nothing' };
  // Plain text among JSON is common, and an error of JSON.parse takes longer than everything else done for a line.
  if (!BEGINS_JSON.test(logged)) {
    return {
      reason: NO_JSON,
      detail: `expected a JSON object, got text that begins with ${JSON.stringify([...logged.slice(0, 2)][0])}`,
    };
  }
  if (!mayBeWhole(logged)) {
    return {
      reason: NO_JSON,
      detail: `expected a JSON object, got text that ends with ${JSON.stringify([...logged.slice(-2)].at(-1))}`,
    };
  }
  let json = logged;
  let problem = problemOf(json);
  if (problem !== undefined && json.includes('\\x')) {
    json = withBackslashes(json);
    problem = problemOf(json);
  }
  if (problem !== undefined && hasNoNumber(json) && problemOf(withoutNoNumbers(json)) === undefined)
    problem = undefined;
  if (problem !== undefined) return { reason: NO_JSON, detail: `expected a JSON object: ${problem.toWellFormed()}` };
  if (!json.startsWith('{')) return { reason: 'not_an_object', detail: `expected a JSON object, got ${kindOf(json)}` };
  return { members: membersOf(json) };
}

/** The members of a member's value if it is an object, or undefined. */
export function objectMembers({ json }: Member): readonly Member[] | undefined {
  return json.startsWith('{') ? membersOf(json) : undefined;
}

/** The kind of a value, decided by its first character. */
export function kindOf(json: string): 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' {
  switch (json[0]) {
    case '{':
      return 'object';
    case '[':
      return 'array';
    case '"':
      return 'string';
    case 'n':
      return 'null';
    case 't':
    case 'f':
      return 'boolean';
    default:
      return 'number';
  }
}

/** A value as text: a string without its quotes and escapes, any other value as JSON without spaces. */
export function plainText(json: string): string {
  if (json.startsWith('"')) return stringOf(json);
  return json.startsWith('{') || json.startsWith('[') ? compact(json) : json;
}

/** The JSON text of an object with the given members. */
export function objectOf(members: readonly Member[]): string {
  return `{${members.map(({ key, json }) => `${JSON.stringify(key)}:${compact(json)}`).join(',')}}`;
}

/** First characters of JSON values. https://www.rfc-editor.org/rfc/rfc8259#section-3 */
const BEGINS_JSON = /^[{["\d\-tfn]/;

/**
 * False if the last character shows that the text is no whole JSON value, as of an object that is cut off, or that is
 * printed over several lines. It spares such a line the error of JSON.parse.
 */
function mayBeWhole(json: string): boolean {
  const last = json.at(-1);
  if (json.startsWith('{')) return last === '}';
  if (json.startsWith('[')) return last === ']';
  return json.startsWith('"') ? last === '"' && json.length > 1 : ENDS_JSON.test(last ?? '');
}

/** Last characters of numbers, true, false and null. NaN and Infinity are no values by themselves. */
const ENDS_JSON = /[\del]/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

function problemOf(json: string): string | undefined {
  try {
    JSON.parse(json);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/**
 * `\xHH` is not valid JSON. It comes from bytes that are not valid UTF-8 (utf8.ts), and from nginx, which writes it
 * into JSON without `escape=json`. The escape stays as text.
 */
function withBackslashes(json: string): string {
  return json.replace(/\\([\s\S])/g, (pair, escaped) => (escaped === 'x' ? '\\\\x' : pair));
}

/** True if the text may have a value that is no JSON: Python writes NaN and infinity as NaN, Infinity and -Infinity. */
function hasNoNumber(json: string): boolean {
  return json.includes('NaN') || json.includes('Infinity');
}

/**
 * The text with an empty list in place of each NaN, Infinity and -Infinity outside strings. It is valid JSON if, and only
 * if, the text is JSON but for these values: unlike a number, a list can be neither a key nor a part of another value.
 */
function withoutNoNumbers(json: string): string {
  let text = '';
  let kept = 0;
  for (let at = 0; at < json.length; ) {
    if (json.charCodeAt(at) === QUOTE) {
      at++;
      while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
      at++;
      continue;
    }
    const name = NO_NUMBERS.find((each) => json.startsWith(each, at));
    if (name) text += `${json.slice(kept, at)}[]`;
    at += name?.length ?? 1;
    if (name) kept = at;
  }
  return text + json.slice(kept);
}

const NO_NUMBERS = ['NaN', 'Infinity', '-Infinity'];

/** The members of an object. `json` must be valid JSON, but for NaN and Infinity. */
function membersOf(json: string): Member[] {
  const members: Member[] = [];
  let at = skipSpace(json, 1);
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(json, at);
    const start = skipSpace(json, json.indexOf(':', keyEnd) + 1);
    const end = endOfValue(json, start);
    members.push({ key: stringOf(json.slice(at, keyEnd)), json: json.slice(start, end) });
    at = skipSpace(json, skipSpace(json, end) + 1);
  }
  return members;
}

function endOfValue(json: string, start: number): number {
  const first = json[start];
  if (first === '"') return endOfString(json, start);
  let at = start;
  if (first !== '{' && first !== '[') {
    while (at < json.length && !',}] \n\r\t'.includes(json[at] ?? '')) at++;
    return at;
  }
  let depth = 0;
  for (;;) {
    const char = json[at];
    if (char === '"') {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at;
  }
}

/** End of the string that opens at `start`, after its closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1;
  return at + 1;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  while (json.charCodeAt(at) <= SPACE) at++;
  return at;
}

function stringOf(json: string): string {
  return json.includes('\\') ? String(JSON.parse(json)) : json.slice(1, -1);
}

/** JSON text without the spaces between its tokens. */
function compact(json: string): string {
  let text = '';
  let kept = 0;
  let at = 0;
  while (at < json.length) {
    if (json.charCodeAt(at) === QUOTE) {
      at = endOfString(json, at);
    } else if (json.charCodeAt(at) <= SPACE) {
      text += json.slice(kept, at);
      at = kept = skipSpace(json, at);
    } else at++;
  }
  return text + json.slice(kept);
}
