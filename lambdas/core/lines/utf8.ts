/**
 * Decodes a line without losing a byte: a byte that is not valid UTF-8 becomes `\xHH`, as ALB and nginx write such
 * bytes.
 */

const REPLACEMENT = '\uFFFD';
const BOM = '\uFEFF';

export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes(REPLACEMENT) ? escaped(bytes) : text;
}

/** Removes the byte order mark of a file's first line. */
export function withoutBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(1) : text;
}

/** The bytes of a part of a character, as `textOf` writes them. */
const ESCAPED_END = /(?:\\x[89A-F][0-9A-F]){1,3}$/;
const ESCAPED_START = /^(?:\\x[89AB][0-9A-F]){1,3}/;
const LONGEST_ESCAPED = 3 * '\\xHH'.length;

/** Joins texts of `textOf`: the bytes of a character that was cut in two are the character again. */
export function joinTexts(texts: readonly string[]): string {
  const parts: string[] = [];
  for (const text of texts) {
    const before = parts.at(-1) ?? '';
    const [end = ''] = ESCAPED_END.exec(before.slice(-LONGEST_ESCAPED)) ?? [];
    const [start = ''] = end === '' ? [] : (ESCAPED_START.exec(text) ?? []);
    if (start !== '') {
      parts[parts.length - 1] = before.slice(0, before.length - end.length);
      parts.push(textOf(Buffer.from((end + start).replaceAll('\\x', ''), 'hex')));
    }
    parts.push(text.slice(start.length));
  }
  return parts.join('');
}

function escaped(bytes: Buffer): string {
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += `${bytes.toString('utf8', from, at)}\\x${(bytes[at] as number).toString(16).toUpperCase().padStart(2, '0')}`;
      from = at + 1;
    }
    at += length || 1;
  }
  return text + bytes.toString('utf8', from);
}

/**
 * Length of the well-formed UTF-8 sequence at `at`, or 0 if there is none.
 * https://www.unicode.org/versions/latest/core-spec/chapter-3/#G7404
 */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let offset = 2; offset < length; offset++) {
    const next = bytes[at + offset] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return length;
}
