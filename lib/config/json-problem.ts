/** Says where a text of the configuration is no JSON, which JSON.parse tells only of some mistakes. */

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\0-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
/** A number or a word, as far as it goes, and which of them JSON has. */
const WORD = /[\w.+-]+/y;
const JSON_WORD = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const SIGNS = '{}[],:';

/** What may come next, as the message says it. */
const EXPECTED = {
  value: 'a value',
  valueOrEnd: 'a value or ]',
  key: 'a key in double quotes',
  keyOrEnd: 'a key in double quotes or }',
  colon: ': after the key',
  objectNext: ', or } after the value',
  arrayNext: ', or ] after the value',
  end: 'nothing more',
} as const;

type State = keyof typeof EXPECTED;

/**
 * `expected , or } after the value, got "x" at line 3, column 5`, of the first mistake in a text; undefined if the text is
 * JSON.
 */
export function jsonProblem(text: string): string | undefined {
  const open: ('{' | '[')[] = [];
  const afterValue = (): State => (open.length === 0 ? 'end' : open.at(-1) === '{' ? 'objectNext' : 'arrayNext');
  let state: State = 'value';
  let at = 0;
  for (;;) {
    at += matchAt(SPACE, text, at).length;
    const token = tokenAt(text, at);
    const next: State | undefined = token && nextState(state, token, afterValue, open);
    if (!token || !next) break;
    state = next;
    at += token.length;
  }
  if (at === text.length && state === 'end') return undefined;
  const got = at === text.length ? 'the end of the text' : JSON.stringify([...text.slice(at, at + 2)][0]);
  const before = text.slice(0, at).split('\n');
  return `expected ${EXPECTED[state]}, got ${got} at line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

interface Token {
  /** A bracket, comma or colon; undefined for a string, number or word. */
  readonly sign?: string;
  readonly isString: boolean;
  readonly length: number;
}

/** The token that begins here; undefined if none does. */
function tokenAt(text: string, at: number): Token | undefined {
  const sign = text[at] ?? '';
  if (sign !== '' && SIGNS.includes(sign)) return { sign, isString: false, length: 1 };
  const string = matchAt(STRING, text, at);
  if (string !== '') return { isString: true, length: string.length };
  const word = matchAt(WORD, text, at);
  return JSON_WORD.test(word) ? { isString: false, length: word.length } : undefined;
}

function matchAt(sticky: RegExp, text: string, at: number): string {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0] ?? '';
}

/** The state after a token, or undefined if it may not come here. */
function nextState(
  state: State,
  { sign, isString }: Token,
  afterValue: () => State,
  open: ('{' | '[')[],
): State | undefined {
  const close = (): State => {
    open.pop();
    return afterValue();
  };
  switch (state) {
    case 'value':
    case 'valueOrEnd':
      if (sign === undefined) return afterValue();
      if (sign === ']' && state === 'valueOrEnd') return close();
      if (sign !== '{' && sign !== '[') return undefined;
      open.push(sign);
      return sign === '{' ? 'keyOrEnd' : 'valueOrEnd';
    case 'key':
    case 'keyOrEnd':
      if (isString) return 'colon';
      return sign === '}' && state === 'keyOrEnd' ? close() : undefined;
    case 'colon':
      return sign === ':' ? 'value' : undefined;
    case 'objectNext':
      if (sign === ',') return 'key';
      return sign === '}' ? close() : undefined;
    case 'arrayNext':
      if (sign === ',') return 'value';
      return sign === ']' ? close() : undefined;
    case 'end':
      return undefined;
  }
}
