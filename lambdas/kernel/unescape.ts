/** Undoes nginx's `\xHH` escapes. This file mirrors `unescapeValue` in lambdas/core/reading/log-format.ts. */
import { BACKSLASH, UNESCAPED } from './memory';
import { isDigit } from './numbers';
import { copySpan, isUtf8, utf8Length } from './text';

const NOT_HEX: u32 = 256;

/**
 * Copies a value as the client sent it. If that is not text (it has control characters, or is not valid UTF-8), the
 * value is copied as logged.
 *
 * @returns the end of the copy, or 0 if the value as logged is not valid UTF-8: for the TypeScript reader such bytes
 * are `\xHH` too, and together with the escapes beside them they may be text
 */
export function copyUnescaped(p: usize, end: usize, o: usize): usize {
  const length = unescape(p, end);
  if (length != 0) return copySpan(UNESCAPED, UNESCAPED + length, o, 1);
  return isUtf8(p, end) ? copySpan(p, end, o, 1) : 0;
}

/**
 * Writes the value without its escapes to UNESCAPED.
 *
 * @returns the length of the text, or 0 if the result is not text
 */
function unescape(p: usize, end: usize): usize {
  let to = UNESCAPED;
  while (p < end) {
    let byte = escapeAt(p, end);
    if (byte != NOT_HEX) {
      const run = to;
      do {
        store<u8>(to++, byte);
        p += 4;
        byte = escapeAt(p, end);
      } while (byte != NOT_HEX);
      // Bytes after the run must not complete the run's last character.
      store<u32>(to, 0);
      if (!isText(run, to)) return 0;
      continue;
    }
    const length: usize = load<u8>(p) < 0x80 ? 1 : utf8Length(p);
    if (length == 0 || !isText(p, p + length)) return 0;
    for (let i: usize = 0; i < length; i++) store<u8>(to++, load<u8>(p++));
  }
  return to - UNESCAPED;
}

/** Returns the byte of the `\xHH` escape at `p`, or NOT_HEX if there is none. */
function escapeAt(p: usize, end: usize): u32 {
  if (end - p < 4 || load<u8>(p) != BACKSLASH || load<u8>(p, 1) != 0x78) return NOT_HEX;
  const high = hexDigit(load<u8>(p, 2));
  const low = hexDigit(load<u8>(p, 3));
  return high == NOT_HEX || low == NOT_HEX ? NOT_HEX : (high << 4) | low;
}

function hexDigit(c: u32): u32 {
  if (isDigit(c)) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : NOT_HEX;
}

/** True if the bytes are valid UTF-8 without control characters and without U+FFFD, which stands for broken text. */
function isText(p: usize, end: usize): bool {
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c < 0x80) {
      if (c < 0x20 || c == 0x7f) return false;
      p++;
      continue;
    }
    const length = utf8Length(p);
    if (length == 0 || p + length > end || (load<u32>(p) & 0xffffff) == 0xbdbfef) return false;
    p += length;
  }
  return true;
}
