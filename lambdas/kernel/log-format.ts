/**
 * Reads lines of an nginx log_format. This file mirrors lambdas/core/reading/access-log.ts and, for where values end,
 * lambdas/core/reading/log-format.ts.
 *
 * A line goes through these stages: `unwrap` takes it out of its envelope (envelope.ts), `matchErrorLog` leaves out lines
 * of the gateway's own error log (filters.ts), and `readLine` reads the values.
 *
 * `readLine` first tries `readDirectly` for each value (log-direct.ts), which copies a value while looking for its end.
 * Values that `readDirectly` does not support are read in two steps: `findValueEnd` finds the end, then `readValue`
 * (log-values.ts) copies the value.
 */
import { hasEnvelope, hasStart, lineEndOf, putStream, unwrap } from './envelope';
import { fieldErrors, putErrors } from './errors';
import {
  endWithoutHttp, filter, FILTER_LOCAL_CLIENT, FILTER_NO_CLIENT, FILTER_NO_HTTP, isStartMessage, matchErrorLog,
  setFilter,
} from './filters';
import { beginOthers, putOthers, takeText, unknownMembers } from './json-others';
import { BACKSLASH, COLON, CR, inputOf, isEnd, LF, outputOf, pair, QUOTE, SPACE } from './memory';
import { follows, matched, readDirectly } from './log-direct';
import { remember } from './log-repeats';
import { endsAtColon, isPlain } from './log-shapes';
import { beginLine, isLocal, readValue, saw, SAW_CLIENT, SAW_HTTP, SAW_MARK, SAW_NO_ADDRESS, setEscaped } from './log-values';
import {
  FIELD_BYTES, fieldCount, FIELDS, flags, flagsOf, HEX_ESCAPES, IDENTITY, IN_ESCAPE, JOINED, JSON_ESCAPES, LIST,
  literalHead, literalLength, literalOf, MARKED, neededFields, NO_CLIENT, NO_HTTP, PLAIN, REMEMBERED, startLength,
} from './program';
import { find, isUtf8 } from './text';
import { eventMillis } from './times';

/** End of the value that `findValueEnd` found last, and whether the line ends there, before the format does. */
let valueEnd: usize = 0;
let lineEnded: bool = false;

/**
 * Reads a line to its row, or to the slots of its record key.
 *
 * @returns the addresses of the line's end and of the end of the row's columns, or 0 if the line is unsupported
 */
export function readLogFormat(p: usize, o: usize): u64 {
  beginOthers();
  p = unwrap(p);
  if (p == 0) return 0;
  if (filter != 0) return pair(lineEndOf(p), o);
  if (isStartMessage(p)) return 0;
  const end = matchErrorLog(p);
  return end == 0 ? readLine(p, putStream(o)) : pair(lineEndOf(end), o);
}

/** Reads the values of a line and checks that they are a line of the format. */
function readLine(p: usize, o: usize): u64 {
  const line = p;
  if (!hasStart(p)) return 0;
  p += <usize>startLength();
  const count = fieldCount();
  let index: u32 = 0;
  const from = o;
  beginLine();
  lineEnded = false;
  for (let field = FIELDS; index < count && !lineEnded; field += FIELD_BYTES) {
    const start = p;
    const pointers = readDirectly(field, p, o);
    if (pointers != 0) {
      p = inputOf(pointers);
      o = outputOf(pointers);
    } else {
      p = findValueEnd(start, field);
      if (p == 0) return 0;
      // The line ends before this value begins, so the value is missing.
      if (lineEnded && valueEnd == start) break;
      o = readValue(field, start, valueEnd, o);
      if (o == 0) return 0;
    }
    if (flagsOf(field) & (JOINED | PLAIN | REMEMBERED)) {
      p = endSpecially(field, index, start, p);
      if (p == 0) return 0;
    }
    index++;
  }
  if (index < neededFields()) return 0;
  const program = flags();
  if (program & IN_ESCAPE && !isUtf8(line, p)) return 0;
  if (!isEnd(p)) {
    p = index < count ? 0 : takeRest(p);
    if (p == 0) return 0;
  }
  if (program & MARKED && !(saw & (SAW_MARK | SAW_CLIENT))) return 0;
  // The row's time is then that of the envelope, which the kernel does not read.
  if (hasEnvelope && eventMillis != eventMillis) return 0;
  if (program & NO_HTTP && !(saw & SAW_HTTP) && endWithoutHttp(line) != 0) setFilter(FILTER_NO_HTTP);
  else if (program & NO_CLIENT && !(saw & (SAW_CLIENT | SAW_NO_ADDRESS))) {
    // The line ends before its client.
    if (index < count) return 0;
    setFilter(FILTER_NO_CLIENT);
  } else if (isLocal()) setFilter(FILTER_LOCAL_CLIENT);
  const end = lineEndOf(p);
  if (filter != 0 || program & IDENTITY) return pair(end, o);
  // The loader counts rows without any value, so such a line is left to the TypeScript reader.
  if (o == from) return 0;
  o = putOthers(o);
  return pair(end, fieldErrors != 0 ? putErrors(o) : o);
}

/**
 * Takes the text that a line has after the end of its format: it goes to `extra`.
 *
 * @returns the line's end, or 0 if the line is unsupported
 */
function takeRest(p: usize): usize {
  const end = find(p, LF);
  let last = end;
  while (p < end && isSpace(load<u8>(p))) p++;
  while (last > p && isSpace(load<u8>(last - 1))) last--;
  if (p == last) return end;
  // JavaScript also trims spaces that are not ASCII. And in a row, the text comes before an envelope's other members.
  if (load<u8>(p) >= 0x80 || load<u8>(last - 1) >= 0x80 || unknownMembers > 0) return 0;
  takeText('rest', p, last);
  return end;
}

// @ts-ignore: decorator
@inline
function isSpace(c: u32): bool {
  return c == SPACE || (c >= 0x09 && c <= CR);
}

/**
 * Ends a value with one of the flags JOINED, PLAIN and REMEMBERED.
 *
 * @param p the address after the literal that follows the value
 * @returns the start of the next value, or 0 if the line is unsupported
 */
function endSpecially(field: usize, index: u32, start: usize, p: usize): usize {
  const fieldFlags = flagsOf(field);
  const end = lineEnded ? valueEnd : p - <usize>literalLength(field);
  if (fieldFlags & REMEMBERED) remember(index, start, end);
  if (fieldFlags & PLAIN) {
    if (lineEnded || !isPlain(start, end)) return 0;
    if (load<u8>(end) == COLON && !endsAtColon(start, end)) return 0;
  }
  return fieldFlags & JOINED ? end : p;
}

/**
 * Finds the end of the value at `p`, and the start of the next value. Sets `valueEnd`; sets `lineEnded` if the line
 * ends before the literal that should follow the value.
 *
 * The line is unsupported if the value has escapes of JSON, if a backslash is before the literal, if the value is a
 * list whose items are separated by the space that also ends it, if CR is within the value, or if the line ends before
 * the literal and the value may be cut.
 *
 * @returns the start of the next value, or 0 if the line is unsupported
 */
function findValueEnd(p: usize, field: usize): usize {
  const length = literalLength(field);
  const literal = literalOf(field);
  const program = flags();
  const first = length == 0 ? LF : <u32>(literalHead(field) & 0xff);
  const firsts = i8x16.splat(<i8>first);
  const from = p;
  let escaped = false;
  let passed = false;
  setEscaped(false);
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, firsts), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_u(bytes, i8x16.splat(0x20)),
      ),
    );
    if (found == 0) {
      p += 16;
      continue;
    }
    p += ctz(found);
    const c = <u32>load<u8>(p);
    if (c == BACKSLASH) {
      if (program & JSON_ESCAPES) return 0;
      escaped = (program & HEX_ESCAPES) != 0;
      setEscaped(escaped);
    }
    if (c == LF || (c == CR && load<u8>(p, 1) == LF)) {
      valueEnd = p;
      lineEnded = length > 0;
      return lineEnded && p > from ? 0 : p;
    }
    if (c == CR) return 0;
    if (length > 0 && c == first) {
      if (follows(field, p, length)) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        if (flagsOf(field) & LIST && first == SPACE && separatesItems(p, from)) return 0;
        valueEnd = p;
        return p + length;
      }
      // The line may end within the literal.
      const matchedCount = matched(p, literal, length);
      if (isEnd(p + matchedCount)) {
        // Only a quote, which nginx escapes in values, proves that the value has ended.
        if (first != QUOTE || !(program & (HEX_ESCAPES | JSON_ESCAPES))) return 0;
        // A quote before that should have ended the value: the line is of another log_format.
        if (passed) return 0;
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        // The line ends within a character of the literal. For the TypeScript reader the part of the character that is
        // left is not valid UTF-8 and becomes `\xHH`, which is not part of the literal.
        if (load<u8>(p + matchedCount - 1) >= 0x80) return 0;
        valueEnd = p;
        lineEnded = true;
        return p + matchedCount;
      }
      passed = true;
    }
    p++;
  }
}

/** True if the space at `p` is part of `, ` or ` : `, which separate the items of a list. */
function separatesItems(p: usize, from: usize): bool {
  if (p > from && (load<u8>(p - 1) == 0x2c || load<u8>(p - 1) == COLON)) return true;
  return load<u8>(p + 1) == COLON && load<u8>(p + 2) == SPACE;
}
