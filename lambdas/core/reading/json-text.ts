/**
 * One level of a JSON object, as text. Reading the text itself instead of parsed values keeps what
 * parsing loses: digits above 2^53, keys given twice, and nesting deeper than any recursion goes.
 */

/** A member of an object: its key, and its value as written. */
export interface Member {
  readonly key: string;
  /** The value's JSON text, without space around it. */
  readonly json: string;
}

/** The members of an object in the order written, or why the text is no object. */
export type ObjectText =
  | { readonly members: readonly Member[] }
  | { readonly members?: undefined; readonly reason: string; readonly detail: string };

/** Reads one JSON object. A byte order mark before it and space around it are left out. */
export function readObject(text: string): ObjectText {
  const logged = (text.startsWith('\uFEFF') ? text.slice(1) : text).trim();
  if (logged === '') return { reason: 'empty_line', detail: 'expected a JSON object, got nothing' };
  // Plain text among JSON is common, and an error of JSON.parse takes longer than all else there is to a line.
  if (!BEGINS_JSON.test(logged)) {
    return {
      reason: 'not_json',
      detail: `expected a JSON object, got text that begins with ${JSON.stringify([...logged.slice(0, 2)][0])}`,
    };
  }
  let json = logged;
  let problem = problemOf(json);
  if (problem !== undefined && json.includes('\\x')) {
    json = withBackslashes(json);
    problem = problemOf(json);
  }
  if (problem !== undefined) return { reason: 'not_json', detail: `expected a JSON object: ${problem.toWellFormed()}` };
  if (!json.startsWith('{')) return { reason: 'not_an_object', detail: `expected a JSON object, got ${kindOf(json)}` };
  return { members: membersOf(json) };
}

/** The members of a member's value where it is an object. */
export function objectMembers({ json }: Member): readonly Member[] | undefined {
  return json.startsWith('{') ? membersOf(json) : undefined;
}

/** What a value is. */
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

/** A value as text: a string without its quotes and escapes, anything else as JSON without space. */
export function plainText(json: string): string {
  if (json.startsWith('"')) return stringOf(json);
  return json.startsWith('{') || json.startsWith('[') ? compact(json) : json;
}

/** The object text of some members. */
export function objectOf(members: readonly Member[]): string {
  return `{${members.map(({ key, json }) => `${JSON.stringify(key)}:${compact(json)}`).join(',')}}`;
}

/** What a value can begin with. https://www.rfc-editor.org/rfc/rfc8259#section-3 */
const BEGINS_JSON = /^[{["\d\-tfn]/;

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
 * `\xHH` is no JSON, but it is what a byte that is no UTF-8 has become on its way here, and what nginx
 * writes into JSON without `escape=json`: it stays as text.
 */
function withBackslashes(json: string): string {
  return json.replace(/\\([\s\S])/g, (pair, escaped) => (escaped === 'x' ? '\\\\x' : pair));
}

/** `json` is known to be valid. */
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

/** Where the string that opens at `start` has ended. */
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

/** JSON text without space between its parts. */
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
