/**
 * Tells of lines of JSON that the TypeScript reader rejects as `not_json`, whatever else they hold, by their first and
 * last characters alone. This mirrors `readObject` in lambdas/core/reading/json-text.ts.
 */
import { CR, LF, QUOTE, SPACE } from './memory';
import { pastSpace } from './json-values';
import { find } from './text';

/**
 * The end of a line that is certainly no JSON object: a piece of one that is printed over several lines, or that is cut
 * off. 0 for all other lines.
 */
export function endOfNoJson(p: usize): usize {
  p = pastSpace(p);
  const first = <u32>load<u8>(p);
  if (first != 0x7b && first != QUOTE && first != 0x5b && first != 0x7d && first != 0x5d && first != 0x2c) return 0;
  const end = find(p, LF);
  let last = end;
  while (last > p && isSpace(load<u8>(last - 1))) last--;
  const closing = <u32>load<u8>(last - 1);
  // White space that is not ASCII may follow the last character.
  if (closing >= 0x80) return 0;
  switch (first) {
    case 0x7b:
      return closing == 0x7d || mayBeSeveral(p, last) ? 0 : end;
    case 0x5b:
      return closing == 0x5d ? 0 : end;
    case QUOTE:
      return closing == QUOTE && last - p > 1 ? 0 : end;
    default:
      return end;
  }
}

/** True if an object may begin behind another one: the line is then several lines. */
function mayBeSeveral(p: usize, end: usize): bool {
  for (; p < end; p++) {
    if (load<u8>(p) != 0x7d) continue;
    let next = p + 1;
    while (next < end && isSpace(load<u8>(next))) next++;
    if (load<u8>(next) == 0x7b) return true;
  }
  return false;
}

// @ts-ignore: decorator
@inline
function isSpace(c: u32): bool {
  return c == SPACE || (c >= 0x09 && c <= CR);
}
