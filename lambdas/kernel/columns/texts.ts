/** The text of a value, without the escapes of JSON. */
import { Block, newBlock, reserve } from './memory';
import { addressOf, IS_ESCAPED, LENGTH } from './rows';

const BACKSLASH: u32 = 0x5c;
const LETTER_U: u32 = 0x75;

let unescaped: Block = newBlock();

/** Length of the text that `textOf` returned. */
export let textLength: usize = 0;

/** Address of the bytes of a text, or of a number as it is written. They are valid until the next call. */
// @ts-ignore: decorator
@inline
export function textOf(value: usize): usize {
  const length = load<u32>(value, 4);
  textLength = length & LENGTH;
  const at = addressOf(value);
  return (length & IS_ESCAPED) != 0 ? unescape(at, at + textLength) : at;
}

/** A text is never longer than its JSON. */
function unescape(p: usize, end: usize): usize {
  const to = reserve(unescaped, end - p, 0);
  let o = to;
  while (p < end) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const found = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH)));
    const plain: usize = found == 0 ? 16 : <usize>ctz(found);
    if (p + plain >= end) {
      o += end - p;
      break;
    }
    p += plain;
    o += plain;
    if (found == 0) continue;
    const c = <u32>load<u8>(p, 1);
    p += 2;
    if (c != LETTER_U) store<u8>(o++, characterOf(c));
    else {
      let point = fourDigits(p);
      p += 4;
      if ((point & 0xfc00) == 0xd800 && end - p >= 6 && load<u16>(p) == 0x755c && (fourDigits(p + 2) & 0xfc00) == 0xdc00) {
        point = 0x1_0000 + ((point & 0x3ff) << 10) + (fourDigits(p + 2) & 0x3ff);
        p += 6;
      }
      o = putCharacter(o, (point & 0xf800) == 0xd800 ? 0xfffd : point);
    }
  }
  textLength = o - to;
  return to;
}

/** What stands for a letter after a backslash. */
function characterOf(c: u32): u32 {
  switch (c) {
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    default:
      return c;
  }
}

function fourDigits(p: usize): u32 {
  let value: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const c = <u32>load<u8>(p + i);
    value = (value << 4) | (c <= 0x39 ? c - 0x30 : (c | 0x20) - 0x57);
  }
  return value;
}

/** Writes a character as UTF-8. */
function putCharacter(o: usize, point: u32): usize {
  if (point < 0x80) {
    store<u8>(o, point);
    return o + 1;
  }
  if (point < 0x800) {
    store<u8>(o, 0xc0 | (point >> 6));
    store<u8>(o, 0x80 | (point & 63), 1);
    return o + 2;
  }
  if (point < 0x1_0000) {
    store<u8>(o, 0xe0 | (point >> 12));
    store<u8>(o, 0x80 | ((point >> 6) & 63), 1);
    store<u8>(o, 0x80 | (point & 63), 2);
    return o + 3;
  }
  store<u8>(o, 0xf0 | (point >> 18));
  store<u8>(o, 0x80 | ((point >> 12) & 63), 1);
  store<u8>(o, 0x80 | ((point >> 6) & 63), 2);
  store<u8>(o, 0x80 | (point & 63), 3);
  return o + 4;
}

/** First eight bytes of a text as a number, the first one highest, with zeros for bytes that are not there. */
// @ts-ignore: decorator
@inline
export function headOf(p: usize, length: usize): u64 {
  const bytes = bswap<u64>(load<u64>(p));
  return length >= 8 ? bytes : length == 0 ? 0 : bytes & (~(<u64>0) << ((8 - <u64>length) << 3));
}

/** True if two texts of the same length have the same bytes. */
// @ts-ignore: decorator
@inline
export function isSame(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  const rest = length - i;
  return rest == 0 || (load<u64>(a + i) ^ load<u64>(b + i)) << (<u64>(8 - rest) << 3) == 0;
}

const FACTOR_1: u64 = 0x9e37_79b1_85eb_ca87;
const FACTOR_2: u64 = 0xc2b2_ae3d_27d4_eb4f;

/** Hash of a text, for the table of a dictionary. Equal hashes say nothing: values are compared. */
// @ts-ignore: decorator
@inline
export function hashOf(p: usize, length: usize): u32 {
  let h = <u64>length * FACTOR_2;
  let i: usize = 0;
  for (; i + 16 < length; i += 16) h = mixed(h, load<u64>(p + i), load<u64>(p + i, 8));
  // The last bytes, some of them for the second time.
  const rest = length - i;
  if (length >= 8) h = mixed(h, rest > 8 ? load<u64>(p + i) : 0, load<u64>(p + length - 8));
  else if (length > 0) h = mixed(h, 0, load<u64>(p) << (<u64>(8 - length) << 3));
  h = (h ^ (h >> 32)) * FACTOR_2;
  return <u32>(h >> 32);
}

// @ts-ignore: decorator
@inline
function mixed(h: u64, a: u64, b: u64): u64 {
  return rotl<u64>((h ^ a) * FACTOR_1, 31) ^ (b * FACTOR_2);
}
