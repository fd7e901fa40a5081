/**
 * Compares keys of JSON without regard to case, as far as that takes no tables of Unicode. The TypeScript reader has
 * `toLowerCase` of JavaScript.
 */

/** Stands for any character that has another case, or may have one. */
const ANY_CASE: u32 = 0x80;

/**
 * Writes a text so that texts which are the same without regard to case are the same text: letters of ASCII in lower
 * case, and ANY_CASE for other characters that may have another case. Texts that are not the same may become so too.
 *
 * @param p a text in UTF-8, which is overwritten
 * @returns the end of what is written
 */
export function foldKey(p: usize, end: usize): usize {
  let o = p;
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c < 0x80) {
      store<u8>(o++, c - 0x41 < 26 ? c | 0x20 : c);
      p++;
      continue;
    }
    const length: usize = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (hasNoCase(c)) {
      store<u32>(o, load<u32>(p));
      o += length;
    } else store<u8>(o++, ANY_CASE);
    p += length;
  }
  return o;
}

/** True for the first byte of characters without case: Kana, Han characters and Hangul, in U+3000 to U+9FFF and U+B000 to U+CFFF. */
function hasNoCase(first: u32): bool {
  return (first >= 0xe3 && first <= 0xe9) || first == 0xeb || first == 0xec;
}

/**
 * True if the lower case of a character that is not ASCII has letters of ASCII: of U+0130, the capital I with a dot, and
 * of U+212A, the sign for Kelvin.
 */
export function mayMatchAscii(p: usize, end: usize): bool {
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == 0xc4 && load<u8>(p, 1) == 0xb0) return true;
    if (c == 0xe2 && load<u8>(p, 1) == 0x84 && load<u8>(p, 2) == 0xaa) return true;
  }
  return false;
}
