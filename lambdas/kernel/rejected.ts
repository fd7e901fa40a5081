/**
 * Tells of lines of JSON that the TypeScript reader rejects as `not_json`, whatever else they hold. This mirrors
 * `readObject` in lambdas/core/reading/json-text.ts. Where it is not certain, that reader decides.
 */
import { endOfBare, endOfValue, pastSpace } from './json-values';
import { BACKSLASH, CR, HYPHEN, LF, QUOTE, SPACE } from './memory';
import { isDigit } from './numbers';
import { find, findIn } from './text';

/**
 * The end of a line that is certainly no JSON object: plain text, a piece of an object that is printed over several
 * lines or cut off, or an object that is not valid. 0 for all other lines.
 */
export function endOfNoJson(p: usize): usize {
  p = pastSpace(p);
  const first = <u32>load<u8>(p);
  // A byte order mark, or white space that is not ASCII, may be before the first character.
  if (first <= SPACE || first >= 0x80) return 0;
  const end = find(p, LF);
  let last = end;
  while (last > p && isSpace(load<u8>(last - 1))) last--;
  // White space that is not ASCII may follow the last character.
  if (load<u8>(last - 1) >= 0x80) return 0;
  return isNoJson(first, p, last) ? end : 0;
}

function isNoJson(first: u32, p: usize, end: usize): bool {
  const closing = <u32>load<u8>(end - 1);
  switch (first) {
    case 0x7b:
      return !mayBeSeveral(p, end) && (closing != 0x7d || isInvalid(p, end));
    case 0x5b:
      return closing != 0x5d || isInvalid(p, end);
    case QUOTE:
      return closing != QUOTE || end - p == 1;
    case HYPHEN:
    case 0x66:
    case 0x6e:
    case 0x74:
      return isNoScalar(closing, p, end);
    default:
      return isDigit(first) ? !mayBeInEnvelope(p, end) && isNoScalar(closing, p, end) : !mayBeOfLambda(p);
  }
}

/** True if an object may begin behind another one: the line is then several lines. */
function mayBeSeveral(p: usize, end: usize): bool {
  for (p = findIn(p, end, 0x7d); p < end; p = findIn(p + 1, end, 0x7d)) {
    let next = p + 1;
    while (next < end && isSpace(load<u8>(next))) next++;
    if (load<u8>(next) == 0x7b) return true;
  }
  return false;
}

/** Objects and lists that `endOfValue` follows into each other: json-values.ts. */
const MAX_DEPTH: usize = 1024;

/**
 * True if an object or a list is certainly no valid JSON. The TypeScript reader also takes `\xHH`, NaN and Infinity, and
 * valid JSON may have carriage returns as white space, and any depth: `endOfValue` takes none of these.
 */
function isInvalid(p: usize, end: usize): bool {
  const found = endOfValue(p);
  // Something follows the value.
  if (found != 0) return pastSpace(found) < end;
  if (findIn(p, end, CR) < end || has(p, end, 0x4e, 0x61) || has(p, end, 0x49, 0x6e)) return false;
  if (has(p, end, BACKSLASH, 0x78)) return false;
  if (end - p <= MAX_DEPTH) return true;
  let depth: usize = 0;
  for (; p < end; p++) if ((load<u8>(p) | 0x20) == 0x7b) depth++;
  return depth <= MAX_DEPTH;
}

/** True if a byte occurs before another one: `Na` as in NaN, `In` as in Infinity, `\x`. */
function has(p: usize, end: usize, first: u32, second: u32): bool {
  for (p = findIn(p, end, first); p < end; p = findIn(p + 1, end, first)) if (load<u8>(p, 1) == second) return true;
  return false;
}

/** True if a text that begins as a number, true, false or null do is none of them. */
function isNoScalar(closing: u32, p: usize, end: usize): bool {
  if (!isDigit(closing) && closing != 0x65 && closing != 0x6c) return true;
  return endOfBare(p) != end;
}

/** True if the text may be in an envelope of CRI or of Fluentd: see lambdas/core/reading/envelope.ts. */
function mayBeInEnvelope(p: usize, end: usize): bool {
  const space = findIn(p, end, SPACE);
  return findIn(p, end, TAB) < end || (space < end && load<u16>(space, 1) == ST);
}

const TAB: u32 = 9;
/** `st`, with which the names of output streams begin, as a little-endian u16. */
const ST: u32 = 0x7473;

/** True if the text may be a line of Lambda's own, which a filter leaves out: lambdas/core/reading/lambda-platform.ts. */
function mayBeOfLambda(p: usize): bool {
  switch (load<u32>(p)) {
    case 0x52415453: // STAR
    case 0x20444e45: // END
    case 0x4f504552: // REPO
    case 0x54494e49: // INIT
    case 0x54534552: // REST
    case 0x59415258: // XRAY
    case 0x45545845: // EXTE
    case 0x454c4554: // TELE
    case 0x53474f4c: // LOGS
      return true;
    default:
      return false;
  }
}

// @ts-ignore: decorator
@inline
function isSpace(c: u32): bool {
  return c == SPACE || (c >= 0x09 && c <= CR);
}
