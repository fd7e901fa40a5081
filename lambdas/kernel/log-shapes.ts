/**
 * Makes sure that a value of a log_format ends where it seems to, if the literal after it may also be a part of a value.
 * lambdas/core/reading/log-shapes.ts has the rules, of which these are the plain cases.
 */
import { isHex, isIpv4 } from './addresses';
import { COLON, DOT, HYPHEN } from './memory';
import { isDigit } from './numbers';

/**
 * True if a colon at `end` surely ends the value: what is no IPv4 address, but made of the characters of an IPv6 address,
 * may go on after a colon.
 */
export function endsAtColon(p: usize, end: usize): bool {
  if (load<u8>(end, 1) == COLON) return false;
  for (let at = p; at < end; at++) if (!isHex(load<u8>(at)) && load<u8>(at) != DOT) return true;
  return isIpv4(p, end);
}

/** True if the text is letters, digits, `_`, `-` and dots, at least one of them. */
export function isPlain(p: usize, end: usize): bool {
  if (p == end) return false;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if ((c | 0x20) - 0x61 >= 26 && !isDigit(c) && c != HYPHEN && c != DOT && c != 0x5f) return false;
  }
  return true;
}
