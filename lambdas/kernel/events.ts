/**
 * Reads the log events of a CloudWatch subscription payload, which are the elements of its JSON list `logEvents`, and
 * writes each as an event of a block, whose form lambdas/core/reading/events.ts describes. `run` then reads the block.
 *
 * The rule is that of all readers: what is written here is exactly what `JSON.parse` finds, or the host reads the
 * payload with `JSON.parse`. An event therefore has each of its three members once; other members are passed over.
 */
import { copyCharacter, copyWide, hexOf } from './json-strings';
import { copyWholeNumber, endOfValue, pastSpace } from './json-values';
import {
  BACKSLASH, COLON, CR, DISCARDED, INPUT, inputOf, LF, OUTPUT, outputOf, pair, put, putBytes, QUOTE, RESULT, ZERO,
} from './memory';
import { specialBytes } from './text';

/**
 * What is before an event's text: its time (f64, milliseconds since the epoch, NaN if it is not known), the bytes of the text (u32), and its form (u32).
 */
export const EVENT_HEAD_BYTES: usize = 16;
const LENGTH_AT: usize = 8;
const FORM_AT: usize = 12;
/** Forms of an event's text: the message as one line, or the message as a JSON string, which the host reads. */
const LINE: u32 = 0;
const JSON_STRING: u32 = 1;

/** How a call ends: after the list's end; or before an event that is not whole, or not of the expected form. */
const ENDED: u32 = 0;
const STOPPED: u32 = 1;

/** `"id"`, and the first eight and the other bytes of the other keys, as little-endian numbers. */
const ID_KEY: u32 = 0x22646922;
const MESSAGE_KEY: u64 = 0x6567617373656d22;
const TIMESTAMP_KEY: u64 = 0x617473656d697422;
const TIMESTAMP_KEY_END: u32 = 0x22706d;

const ID: u32 = 1;
const TIMESTAMP: u32 = 2;
const MESSAGE: u32 = 4;
const ALL: u32 = 7;
/** Times until the year 2286. */
const TIME_DIGITS: usize = 13;
/** `\x` is no escape of JSON. The functions that read log lines keep it, and so must not see it here. */
const X: u32 = 0x78;

/** The time of the event at `p`. */
// @ts-ignore: decorator
@inline
export function timeOf(p: usize): f64 {
  return load<f64>(p);
}

/** True if the text of the event at `p` is a line. */
// @ts-ignore: decorator
@inline
export function isLine(p: usize): bool {
  return load<u32>(p, FORM_AT) == LINE;
}

/** Where the id of the current event begins, and where it ends. */
let idStart: usize = 0;
let idEnd: usize = 0;

/**
 * Reads the events of a part of the list.
 *
 * @param length bytes of the part, which begins with an event
 * @param isStart the part begins at the list's start, so that the list may be empty
 * @returns ENDED or STOPPED. At RESULT are, each a u32: the offset after what was read, the bytes and the number of the
 * events written, and for the first and for the last event the offset and the length of its id.
 */
export function readEvents(length: u32, isStart: bool): u32 {
  // No part of an event is a zero byte, so that every search ends here.
  store<u64>(INPUT + length, 0);
  store<u64>(INPUT + length, 0, 8);
  let next = pastSpace(INPUT);
  let o = OUTPUT;
  let events: u32 = 0;
  let status = STOPPED;
  if (isStart && load<u8>(next) == 0x5d) {
    next++;
    status = ENDED;
  }
  while (status == STOPPED) {
    const pointers = readEvent(next, o);
    if (pointers == 0) break;
    const p = pastSpace(inputOf(pointers));
    const c = <u32>load<u8>(p);
    if (c == 0x5d) status = ENDED;
    else if (c != 0x2c) break;
    next = status == ENDED ? p + 1 : pastSpace(p + 1);
    o = outputOf(pointers);
    if (events++ == 0) noteId(RESULT + 12);
    noteId(RESULT + 20);
  }
  store<u32>(RESULT, next - INPUT);
  store<u32>(RESULT, o - OUTPUT, 4);
  store<u32>(RESULT, events, 8);
  return status;
}

// @ts-ignore: decorator
@inline
function noteId(at: usize): void {
  store<u32>(at, idStart - INPUT);
  store<u32>(at, idEnd - idStart, 4);
}

/** Reads one event. Returns 0 if it is not whole or not of the expected form. */
function readEvent(p: usize, o: usize): u64 {
  if (load<u8>(p) != 0x7b) return 0;
  let seen: u32 = 0;
  let end = o;
  do {
    p = pastSpace(p + 1);
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p;
    p = endOfPlainString(p + 1);
    if (p == 0) return 0;
    const member = memberOf(keyStart, p - keyStart);
    if ((seen & member) != 0) return 0;
    seen |= member;
    p = pastSpace(p);
    if (load<u8>(p) != COLON) return 0;
    p = pastSpace(p + 1);
    if (member == ID) {
      if (load<u8>(p) != QUOTE) return 0;
      idStart = p + 1;
      p = endOfPlainString(idStart);
      idEnd = p - 1;
    } else if (member == TIMESTAMP) {
      const from = p;
      p = inputOf(copyWholeNumber(p, DISCARDED, TIME_DIGITS));
      store<f64>(o, timeAt(from, p));
    } else if (member == MESSAGE) {
      const pointers = putMessage(p, o);
      p = inputOf(pointers);
      end = outputOf(pointers);
    } else p = endOfOther(p);
    if (p == 0) return 0;
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  return load<u8>(p) == 0x7d && seen == ALL ? pair(p + 1, put(end, LF)) : 0;
}

/** The member with a key of this length, quotes included; 0 for any other key. */
// @ts-ignore: decorator
@inline
function memberOf(key: usize, length: usize): u32 {
  if (length == 4) return load<u32>(key) == ID_KEY ? ID : 0;
  if (length == 9) return load<u64>(key) == MESSAGE_KEY ? MESSAGE : 0;
  if (length != 11 || load<u64>(key) != TIMESTAMP_KEY) return 0;
  return (load<u32>(key, 8) & 0xffffff) == TIMESTAMP_KEY_END ? TIMESTAMP : 0;
}

/** The time with these digits; NaN for 0, which says that the time is not known. */
function timeAt(p: usize, end: usize): f64 {
  let millis: u64 = 0;
  for (; p < end; p++) millis = millis * 10 + (load<u8>(p) - ZERO);
  return millis == 0 ? NaN : <f64>millis;
}

/**
 * Writes the message at `p` as the text of an event, with what its head says of it: without its escapes and without the
 * line ends at its end. A message with other line feeds, or one that is not valid text, stays JSON.
 */
// @ts-ignore: decorator
@inline
function putMessage(p: usize, o: usize): u64 {
  if (load<u8>(p) != QUOTE) return 0;
  const text = o + EVENT_HEAD_BYTES;
  const pointers = copyMessage(p + 1, text);
  let form = LINE;
  let next = inputOf(pointers);
  let end = outputOf(pointers);
  while (end > text && isLineEnd(load<u8>(end - 1))) end--;
  if (pointers == 0 || (lineFeed != 0 && lineFeed < end)) {
    form = JSON_STRING;
    next = endOfAnyString(p + 1);
    if (next == 0) return 0;
    end = putBytes(text, p, next - p);
  }
  store<u32>(o, end - text, LENGTH_AT);
  store<u32>(o, form, FORM_AT);
  return pair(next, end);
}

// @ts-ignore: decorator
@inline
function isLineEnd(c: u32): bool {
  return c == LF || c == CR;
}

/** Where the first line feed of the current message was written; 0 if it has none. */
let lineFeed: usize = 0;

/** Copies the content of a string without its escapes. Returns 0 if that is not valid text. */
function copyMessage(p: usize, o: usize): u64 {
  lineFeed = 0;
  while (true) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const special = specialBytes(bytes);
    if (special == 0) {
      p += 16;
      o += 16;
      continue;
    }
    p += <usize>ctz(special);
    o += <usize>ctz(special);
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return pair(p + 1, o);
    const letter = <u32>load<u8>(p, 1);
    if (c == BACKSLASH && (letter == QUOTE || letter == BACKSLASH)) {
      store<u8>(o++, letter);
      p += 2;
      continue;
    }
    if (c < 0x20 || (c == BACKSLASH && letter == X)) return 0;
    const pointers = c == BACKSLASH ? copyCharacter(p, o) : copyWide(p, o);
    if (pointers == 0) return 0;
    if (load<u8>(o) == LF && lineFeed == 0) lineFeed = o;
    p = inputOf(pointers);
    o = outputOf(pointers);
  }
}

/** Address after the closing quote of a string of plain ASCII text without escapes, or 0 if it is another. */
// @ts-ignore: decorator
@inline
function endOfPlainString(p: usize): usize {
  let special = specialBytes(v128.load(p));
  while (special == 0) {
    p += 16;
    special = specialBytes(v128.load(p));
  }
  p += <usize>ctz(special);
  return load<u8>(p) == QUOTE ? p + 1 : 0;
}

/**
 * Address after the closing quote of a string, whose bytes need not be valid UTF-8 and whose escapes may be lone
 * surrogates; 0 if `JSON.parse` takes it for no string.
 */
function endOfAnyString(p: usize): usize {
  while (true) {
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c < 0x20) return 0;
    if (c == BACKSLASH && load<u8>(p, 1) == 0x75) {
      if (hexOf(p + 2) > 0xffff) return 0;
      p += 6;
    } else if (c == BACKSLASH) {
      if (inputOf(copyCharacter(p, DISCARDED)) == 0 || load<u8>(p, 1) == X) return 0;
      p += 2;
    } else p++;
  }
}

/** End of a value of another member, or 0 if it is not valid, or unsupported. */
function endOfOther(p: usize): usize {
  const end = endOfValue(p);
  for (; p < end; p++) {
    if (load<u8>(p) != BACKSLASH) continue;
    if (load<u8>(++p) == X) return 0;
  }
  return end;
}
