/**
 * The kernel: whole lines in, rows as JSON out, or fingerprints. It reads what lines mostly are, and leaves every
 * line that surprises it to the clear path, which knows them all and which it must agree with to the byte.
 */
import { readDelimited, readDelimitedIdentity, unknownFields } from './delimited';
import { clearFiltered, countFiltered, filter, hasNul } from './filters';
import { hash } from './hash';
import { readJson } from './json';
import { beginErrors, fieldErrors } from './errors';
import { unknownMembers } from './json-others';
import { readRecord } from './json-record';
import { readLogFormat } from './log-format';
import {
  CR, INPUT, inputOf, LF, OUTPUT, outputOf, POSITION_END, PREFIX, put, putBytes, putTextKey, QUOTE, RESULT, ZERO,
} from './memory';
import {
  clearSlots, DELIMITED, fingerprint, flags, hashSlots, IDENTITY, JSON, kind, lineHash, lineIsIdentity, LOG_FORMAT,
  rawKey,
} from './program';
import { copySpan, isUtf8 } from './text';
import { clearEventTime, eventMillis } from './times';

export {
  INPUT, INPUT_BYTES, OUTPUT, OUTPUT_BYTES, PREFIX, PREFIX_BYTES, PROGRAM, PROGRAM_BYTES, RESULT, ROOM_BYTES,
} from './memory';

/** How a call ends: at the block's end; before a row that has no room; before a line for the clear path. */
const DONE: u32 = 0;
const FULL: u32 = 1;
const UNSUPPORTED: u32 = 2;

/** Where the line's number begins; it is counted up as text. */
let positionStart: usize = POSITION_END;

/**
 * Bytes of one record where fingerprints are wanted: the fingerprint, the minute of the event since the epoch, the number
 * of the line among those read, and where in the block it begins.
 */
const FINGERPRINT_BYTES: usize = 20;
/** The minute of a record that tells no time. */
const NO_MINUTE: i32 = i32.MIN_VALUE;
/** Later ones, after the year 6000, are taken for this one. */
const LAST_MINUTE: f64 = <f64>i32.MAX_VALUE;

/**
 * Reads the lines of a block, each with its LF.
 *
 * @param from where in the input to begin
 * @param length bytes of the block, from its start
 * @param room bytes of output that may be written
 * @param position of the first line
 * @param keepRaw which rows keep their line: 0 none, 1 those with errors, 2 all
 * @param head bytes of the prefix before the position
 * @param shared bytes of the prefix after it
 */
export function run(from: u32, length: u32, room: u32, position: f64, keepRaw: u32, head: u32, shared: u32): u32 {
  const end = INPUT + length;
  const limit = OUTPUT + room;
  const fingerprints = (flags() & IDENTITY) != 0;
  const format = kind();
  let p: usize = INPUT + from;
  let o: usize = OUTPUT;
  let rows: u32 = 0;
  let filtered: u32 = 0;
  let unknown: u32 = 0;
  let errors: u32 = 0;
  let first: f64 = NaN;
  let last: f64 = NaN;
  let status = DONE;
  clearFiltered();
  setPosition(<u64>position);
  while (p < end) {
    clearEventTime();
    beginErrors();
    const pointers = fingerprints ? readIdentity(format, p, o + FINGERPRINT_BYTES) : readRow(format, p, putPrefix(o, head, shared));
    if (pointers == 0) {
      status = UNSUPPORTED;
      break;
    }
    const lineEnd = inputOf(pointers);
    const next = lineEnd + (load<u8>(lineEnd) == CR ? 2 : 1);
    if (filter != 0) {
      if (hasNul(p, lineEnd)) {
        status = UNSUPPORTED;
        break;
      }
      filtered++;
      countFiltered();
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
      const time = eventMillis;
      if (time == time) {
        if (!(first <= time)) first = time;
        if (!(last >= time)) last = time;
      }
    }
    incrementPosition();
    p = next;
  }
  store<u32>(RESULT, p - INPUT);
  store<u32>(RESULT, o - OUTPUT, 4);
  store<u32>(RESULT, rows, 8);
  store<u32>(RESULT, filtered, 12);
  store<u32>(RESULT, unknown, 16);
  store<u32>(RESULT, errors, 20);
  store<f64>(RESULT, first, 24);
  store<f64>(RESULT, last, 32);
  return status;
}

// @ts-ignore: decorator
@inline
function readRow(format: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) == LF) return 0;
  return format == DELIMITED ? readDelimited(p, o) : readNamed(format, p, o);
}

// @ts-ignore: decorator
@inline
function readIdentity(format: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) == LF) return 0;
  if (format == DELIMITED) return readDelimitedIdentity(p, o);
  clearSlots();
  const pointers = readNamed(format, p, o);
  if (pointers != 0) hashSlots();
  return pointers;
}

// @ts-ignore: decorator
@inline
function readNamed(format: u32, p: usize, o: usize): u64 {
  if (format == JSON) return readJson(p, o);
  return format == LOG_FORMAT ? readLogFormat(p, o) : readRecord(p, o);
}

/** XXH64 of bytes put where the output goes. */
export function hashText(length: u32, seed: u64): void {
  store<u64>(RESULT, hash(OUTPUT, length, seed));
}

function putPrefix(o: usize, head: u32, shared: u32): usize {
  o = putBytes(o, PREFIX, head);
  o = putBytes(o, positionStart, POSITION_END - positionStart);
  return putBytes(o, PREFIX + head, shared);
}

function putRaw(o: usize, p: usize, end: usize): usize {
  return put(copySpan(p, end, putTextKey(o, rawKey()), 1), QUOTE);
}

/** @returns 0 for a line that is its own identity and is no UTF-8: its text is not its bytes */
function putFingerprint(o: usize, p: usize, end: usize, line: u32): usize {
  if (lineIsIdentity && !isUtf8(p, end)) return 0;
  store<u64>(o, lineIsIdentity ? lineHash(p, end) : fingerprint);
  store<i32>(o, eventMillis == eventMillis ? <i32>min(Math.floor(eventMillis / 60_000), LAST_MINUTE) : NO_MINUTE, 8);
  store<u32>(o, line, 12);
  store<u32>(o, p - INPUT, 16);
  return o + FINGERPRINT_BYTES;
}

function setPosition(position: u64): void {
  positionStart = POSITION_END;
  do {
    store<u8>(--positionStart, ZERO + <u32>(position % 10));
    position /= 10;
  } while (position > 0);
}

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
