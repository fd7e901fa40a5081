/**
 * The kernel: the second reader of log lines, compiled to WebAssembly, which reads ordinary lines many times as fast as
 * the TypeScript reader. Its host is lambdas/core/reading/kernel.ts. This file is the entry; read memory.ts next, for
 * the conventions of all files, then program.ts.
 *
 * What comes in: the host writes a format's program (program.ts), the text that every row begins with, and a block of
 * whole lines into the kernel's memory, and calls `run`.
 *
 * A block may also hold log events, which `readEvents` (events.ts) takes out of the JSON of a subscription payload.
 *
 * What happens, line by line, by the kind of the program:
 *
 * - delimited.ts reads fields separated by spaces, as in load balancer logs; fields.ts finds their ends first.
 * - log-format.ts reads lines of an nginx log_format. log-direct.ts reads the values whose end is easy to find,
 *   log-values.ts all others.
 * - json.ts reads JSON objects with a source's own columns (json-columns.ts reads their values), json-record.ts those of
 *   Kong's plugins. json-keys.ts maps keys to columns, json-values.ts and json-strings.ts copy values, json-others.ts
 *   collects the members without a column for `extra`.
 * - Before a line of a log_format or a JSON record is read, envelope.ts takes it out of the envelope of a container
 *   runtime, and filters.ts says which filter leaves it out.
 * - These readers share numbers.ts, exponents.ts, times.ts, time-values.ts, text.ts and unescape.ts, which convert
 *   values, and errors.ts, which collects the values that do not convert.
 *
 * What leaves: for each line a row as JSON, or, with a record key in the program, a fingerprint of 20 bytes (program.ts
 * and hash.ts); then the totals at RESULT, and why the call ended.
 *
 * The rule: for each line the kernel writes exactly the bytes that the TypeScript reader would, or none at all. A line
 * that is rare, malformed or ambiguous is unsupported: the call ends before that line, and the host gives it to the
 * TypeScript reader. Leaving a line is therefore always correct and only costs time.
 */
import { readDelimited, readDelimitedIdentity, unknownFields } from './delimited';
import { setLineFeeds } from './envelope';
import { EVENT_HEAD_BYTES, isLine, timeOf } from './events';
import { clearFiltered, countFiltered, filter, hasNul, matchBlankLine, setFilter } from './filters';
import { hash } from './hash';
import { readJson } from './json';
import { beginErrors, fieldErrors } from './errors';
import { unknownMembers } from './json-others';
import { readRecord } from './json-record';
import { endOfNoJson } from './rejected';
import { readLogFormat } from './log-format';
import {
  CR, INPUT, inputOf, OUTPUT, outputOf, POSITION_END, PREFIX, put, putBytes, putTextKey, QUOTE, RESULT, SPACE,
  ZERO,
} from './memory';
import {
  clearSlots, DELIMITED, fingerprint, flags, hashSlots, IDENTITY, JSON, kind, lineHash, lineIsIdentity, LOG_FORMAT,
  rawKey,
} from './program';
import { copySpan, isUtf8 } from './text';
import { putEpoch } from './time-values';
import { clearEventTime, eventMillis } from './times';

export { readEvents } from './events';
export {
  INPUT, INPUT_BYTES, OUTPUT, OUTPUT_BYTES, PREFIX, PREFIX_BYTES, PROGRAM, PROGRAM_BYTES, RESULT, ROOM_BYTES,
} from './memory';

/**
 * What a block holds: lines; log events; log events whose time goes into the row; log events of a payload in an object of
 * payloads, whose number in the payload goes into the row, and then their time.
 */
const LINES: u32 = 0;
const TIMED_EVENTS: u32 = 2;
const PAYLOAD_EVENTS: u32 = 3;

/** How a call ends: at the end of the block; before a line whose row has no room; before a line that is unsupported. */
const DONE: u32 = 0;
const FULL: u32 = 1;
const UNSUPPORTED: u32 = 2;

/** Start of the current line's position, which is kept as decimal text and incremented in place. */
let positionStart: usize = POSITION_END;

/**
 * Bytes that are written for each line if the program has a record key: the fingerprint (8 bytes), the minute of the
 * event since the epoch (4), the line's index among the lines of this call (4), and the line's offset in the block (4).
 */
const FINGERPRINT_BYTES: usize = 20;
/** Minute of a line without a time. */
const NO_MINUTE: i32 = i32.MIN_VALUE;
/** Largest minute; later times, after the year 6000, are clamped to it. */
const LAST_MINUTE: f64 = <f64>i32.MAX_VALUE;

/**
 * Reads the lines of a block, each with its LF, or its log events (events.ts), each of which has one line.
 *
 * @param from offset in the block of the first line to read
 * @param length bytes of the block
 * @param room bytes of output that may be written; a row that begins within them may end beyond them, and is then
 * dropped
 * @param position of the first line to read, as it goes into its row
 * @param keepRaw which rows keep their line: 0 none, 1 those with errors, 2 all
 * @param lineFeeds whether the texts of Docker's records end in a line feed: see envelope.ts
 * @param head bytes of the prefix before the position
 * @param shared bytes of the prefix after the position; with PAYLOAD_EVENTS an event's number in its payload follows
 * @param timeKey bytes of the prefix after that, with TIMED_EVENTS and PAYLOAD_EVENTS; an event's time follows
 * @param holds what the block holds
 * @param beforePayload number of lines before the payload's first event, with PAYLOAD_EVENTS
 * @param countRejected lines that are certainly rejected are only counted, and need not be kept
 * @returns DONE, FULL or UNSUPPORTED; the totals are at RESULT
 */
export function run(
  from: u32, length: u32, room: u32, position: f64, keepRaw: u32, lineFeeds: u32, head: u32, shared: u32,
  timeKey: u32, holds: u32, beforePayload: f64, countRejected: bool,
): u32 {
  const end = INPUT + length;
  const limit = OUTPUT + room;
  const fingerprints = (flags() & IDENTITY) != 0;
  const format = kind();
  const lineAt: usize = holds == LINES ? 0 : EVENT_HEAD_BYTES;
  const inPayload = <u32>(position - beforePayload);
  let next: usize = INPUT + from;
  let o: usize = OUTPUT;
  let rows: u32 = 0;
  let filtered: u32 = 0;
  let rejected: u32 = 0;
  let unknown: u32 = 0;
  let errors: u32 = 0;
  let timed: u32 = 0;
  let first: f64 = NaN;
  let last: f64 = NaN;
  let status = DONE;
  clearFiltered();
  setLineFeeds(lineFeeds);
  setPosition(<u64>position);
  while (next < end) {
    const p = next + lineAt;
    if (holds != LINES && !isLine(next)) {
      status = UNSUPPORTED;
      break;
    }
    if (load<u8>(p) <= SPACE) {
      const blankEnd = matchBlankLine(p);
      if (blankEnd != 0) {
        filtered++;
        countFiltered(p);
        incrementPosition();
        next = afterLine(blankEnd);
        continue;
      }
    }
    let start = o + FINGERPRINT_BYTES;
    if (!fingerprints) {
      start = putPrefix(o, head, shared);
      if (holds == PAYLOAD_EVENTS) start = putCount(start, inPayload + rows + filtered + rejected);
      if (holds >= TIMED_EVENTS) start = putEpoch(putBytes(start, PREFIX + head + shared, timeKey), timeOf(next));
    }
    if (start == 0) {
      status = UNSUPPORTED;
      break;
    }
    clearEventTime();
    beginErrors();
    setFilter(0);
    const pointers = fingerprints ? readIdentity(format, p, start) : readRow(format, p, start);
    if (pointers == 0) {
      const rejectedEnd = countRejected && format == JSON ? endOfNoJson(p) : 0;
      if (rejectedEnd == 0) {
        status = UNSUPPORTED;
        break;
      }
      rejected++;
      incrementPosition();
      next = afterLine(rejectedEnd);
      continue;
    }
    const lineEnd = inputOf(pointers);
    if (filter != 0) {
      // The TypeScript reader rejects a line of binary data, so that the line is kept; a filter would only count it.
      if (hasNul(p, lineEnd)) {
        status = UNSUPPORTED;
        break;
      }
      filtered++;
      countFiltered(p);
    } else {
      let rowEnd: usize;
      if (fingerprints) {
        rowEnd = putFingerprint(o, p, lineEnd, rows + filtered);
      } else {
        rowEnd = outputOf(pointers);
        if (keepRaw == 2 || (keepRaw == 1 && fieldErrors != 0)) rowEnd = putRaw(rowEnd, p, lineEnd);
        rowEnd = put(rowEnd, 0x7d);
      }
      if (rowEnd == 0 || rowEnd > limit) {
        status = rowEnd == 0 ? UNSUPPORTED : FULL;
        break;
      }
      o = rowEnd;
      rows++;
      unknown += format == DELIMITED ? unknownFields : unknownMembers;
      errors += fieldErrors;
      let time = eventMillis;
      if (time != time && holds != LINES) time = timeOf(next);
      if (time == time) {
        timed++;
        if (!(first <= time)) first = time;
        if (!(last >= time)) last = time;
      }
    }
    incrementPosition();
    next = afterLine(lineEnd);
  }
  // The offsets are listed at RESULT in memory.ts.
  store<u32>(RESULT, next - INPUT);
  store<u32>(RESULT, o - OUTPUT, 4);
  store<u32>(RESULT, rows, 8);
  store<u32>(RESULT, filtered, 12);
  store<u32>(RESULT, unknown, 16);
  store<u32>(RESULT, errors, 20);
  store<f64>(RESULT, first, 24);
  store<f64>(RESULT, last, 32);
  store<u32>(RESULT, rejected, 92);
  store<u32>(RESULT, timed, 96);
  return status;
}

/** Start of the line after the one that ends at `end`, with LF or CR LF. */
// @ts-ignore: decorator
@inline
function afterLine(end: usize): usize {
  return end + (load<u8>(end) == CR ? 2 : 1);
}

/** Reads a line to its row, after the prefix. */
// @ts-ignore: decorator
@inline
function readRow(format: u32, p: usize, o: usize): u64 {
  return format == DELIMITED ? readDelimited(p, o) : readNamed(format, p, o);
}

/**
 * Reads a line to its record key and sets the fingerprint. The key's columns are written to the output only to be
 * hashed: they are after the fingerprint, where the next line overwrites them.
 */
// @ts-ignore: decorator
@inline
function readIdentity(format: u32, p: usize, o: usize): u64 {
  if (format == DELIMITED) return readDelimitedIdentity(p, o);
  clearSlots();
  const pointers = readNamed(format, p, o);
  if (pointers != 0) hashSlots();
  return pointers;
}

/** Reads a line of any kind but delimited. */
// @ts-ignore: decorator
@inline
function readNamed(format: u32, p: usize, o: usize): u64 {
  if (format == JSON) return readJson(p, o);
  return format == LOG_FORMAT ? readLogFormat(p, o) : readRecord(p, o);
}

/** Writes to RESULT the XXH64 hash of the bytes that the host has put at OUTPUT. */
export function hashText(length: u32, seed: u64): void {
  store<u64>(RESULT, hash(OUTPUT, length, seed));
}

/** Begins a row, up to its first column. */
function putPrefix(o: usize, head: u32, shared: u32): usize {
  o = putBytes(o, PREFIX, head);
  o = putBytes(o, positionStart, POSITION_END - positionStart);
  return putBytes(o, PREFIX + head, shared);
}

/** Writes a number in decimal. */
function putCount(o: usize, count: u32): usize {
  let end = o;
  for (let rest = count; rest > 0 || end == o; rest /= 10) end++;
  for (let at = end; at > o; count /= 10) store<u8>(--at, ZERO + (count % 10));
  return end;
}

/** Writes the line itself to the column `raw`. */
function putRaw(o: usize, p: usize, end: usize): usize {
  return put(copySpan(p, end, putTextKey(o, rawKey()), 1), QUOTE);
}

/**
 * Writes a line's fingerprint with its minute, index and offset.
 *
 * @returns 0 if the line is its own record key and is not valid UTF-8: the host hashes its text, which then differs
 * from its bytes
 */
function putFingerprint(o: usize, p: usize, end: usize, line: u32): usize {
  if (lineIsIdentity && !isUtf8(p, end)) return 0;
  store<u64>(o, lineIsIdentity ? lineHash(p, end) : fingerprint);
  store<i32>(o, eventMillis == eventMillis ? <i32>min(Math.floor(eventMillis / 60_000), LAST_MINUTE) : NO_MINUTE, 8);
  store<u32>(o, line, 12);
  store<u32>(o, p - INPUT, 16);
  return o + FINGERPRINT_BYTES;
}

/** Sets the position of the next line. */
function setPosition(position: u64): void {
  positionStart = POSITION_END;
  do {
    store<u8>(--positionStart, ZERO + <u32>(position % 10));
    position /= 10;
  } while (position > 0);
}

/** Adds 1 to the position, digit by digit. */
function incrementPosition(): void {
  for (let at = POSITION_END - 1; at >= positionStart; at--) {
    const digit = <u32>load<u8>(at);
    if (digit < 0x39) {
      store<u8>(at, digit + 1);
      return;
    }
    store<u8>(at, ZERO);
  }
  store<u8>(--positionStart, 0x31);
}
