/** Values that their columns do not take, and JSON's members given twice, as `errors` keeps them. */
import { copyPlain } from './json-values';
import {
  BACKSLASH, COLON, DOT, FAILED_COLUMNS, HYPHEN, outputOf, put, putBytes, putTextKey, QUOTE, SPACE, ZERO,
} from './memory';
import { isDigit } from './numbers';
import {
  ADDRESS, BIGINT_DIGITS, BOOLEAN, DELIMITED, DOUBLE, errorsKey, FIELD_BYTES, FIELDS, INT, INT_DIGITS, kind, NAME_BYTES,
  nameLength, names, opOf, TIME,
} from './program';
import { copySpan } from './text';

/** Errors of the line. */
export let fieldErrors: u32 = 0;

/** At FAILED the columns whose values do not convert, a bit each, of 256; and where in the line those values begin and end. */
const VALUES: usize = FAILED_COLUMNS + 32;
const VALUE_BYTES: usize = 8;

/** The one member that was given before: its key, value, and whether the key was written likewise. */
let repeatedKey: usize = 0;
let repeatedLength: usize = 0;
let repeatedValue: usize = 0;
let repeatedExactly: bool = false;

// @ts-ignore: decorator
@inline
export function beginErrors(): void {
  if (fieldErrors != 0) clearErrors();
}

function clearErrors(): void {
  v128.store(FAILED_COLUMNS, i64x2.splat(0));
  v128.store(FAILED_COLUMNS, i64x2.splat(0), 16);
  fieldErrors = 0;
  repeatedKey = 0;
}

/** Notes a column whose value does not convert; of a delimited line, a field. False where only a second look can tell why. */
export function noteConversionError(column: u32, p: usize, end: usize): bool {
  if (!hasWrongForm(valueOpOf(fieldAt(column)), p, end)) return false;
  const word = FAILED_COLUMNS + <usize>(column >> 6) * 8;
  store<u64>(word, load<u64>(word) | ((<u64>1) << (column & 63)));
  const value = VALUES + <usize>column * VALUE_BYTES;
  store<u32>(value, p);
  store<u32>(value, end, 4);
  fieldErrors++;
  return true;
}

// @ts-ignore: decorator
@inline
function fieldAt(column: u32): usize {
  return FIELDS + <usize>column * FIELD_BYTES;
}

/** What a column takes, as its op; of an address, it is the port that may not convert. */
export function valueOpOf(field: usize): u32 {
  const op = opOf(field);
  return op == ADDRESS ? INT : op;
}

/** Is a value for certain none that columns of the kind take, nor one beyond their range? */
export function hasWrongForm(op: u32, p: usize, end: usize): bool {
  const first = <u32>load<u8>(p);
  if (first == 0x7b || first == 0x5b) return true;
  const quoted = first == QUOTE;
  if (quoted) {
    p++;
    end--;
    for (let at = p; at < end; at++) if (load<u8>(at) == BACKSLASH) return false;
  }
  if (op == BOOLEAN) return !quoted || !mayBeBoolean(p, end);
  if (p == end) return true;
  let fraction = false;
  for (let at = p; at < end; at++) {
    const c = <u32>load<u8>(at);
    if (!mayOccur(op, c)) return true;
    if (c == DOT) fraction = true;
    // What has a fraction is no whole number, unless that is 0.
    else if (fraction && op < DOUBLE && c > ZERO) return true;
  }
  return hasTooManyDigits(op, p, end);
}

/** Is it a whole number of more digits than any has that its column takes? */
function hasTooManyDigits(op: u32, p: usize, end: usize): bool {
  if (op >= DOUBLE) return false;
  if (load<u8>(p) == HYPHEN || load<u8>(p) == 0x2b) p++;
  if (end - p <= (op == INT ? INT_DIGITS : BIGINT_DIGITS) + 1) return false;
  for (; p < end; p++) if (!isDigit(load<u8>(p))) return false;
  return true;
}

function mayBeBoolean(p: usize, end: usize): bool {
  const length = end - p;
  return (length == 4 && (load<u8>(p) | 0x20) == 0x74) || (length == 5 && (load<u8>(p) | 0x20) == 0x66);
}

/** Does a character occur in numbers, or in times? */
function mayOccur(op: u32, c: u32): bool {
  if (isDigit(c) || c == DOT || c == HYPHEN || c == 0x2b) return true;
  if (op < DOUBLE) return false;
  if ((c | 0x20) == 0x65) return true;
  return op == TIME && (c == COLON || c == SPACE || c == 0x2c || isZoneLetter(c | 0x20));
}

/** T, and the letters of Z, UTC and GMT. */
function isZoneLetter(letter: u32): bool {
  return letter == 0x74 || letter == 0x7a || letter == 0x75 || letter == 0x63 || letter == 0x67 || letter == 0x6d;
}

/** Notes a member whose column the line has had, by a key at `before`. False for another one. */
export function noteRepeatedKey(earlierKey: usize, key: usize, length: usize, p: usize): bool {
  if (repeatedKey != 0) return false;
  repeatedKey = key;
  repeatedLength = length;
  repeatedValue = p;
  repeatedExactly = true;
  for (let i: usize = 0; i < length; i++) if (load<u8>(earlierKey + i) != load<u8>(key + i)) repeatedExactly = false;
  fieldErrors++;
  return true;
}

/** Writes `errors`, in the order of the columns. 0 for errors of both kinds, whose names could be the same. */
export function putErrors(o: usize): usize {
  if (repeatedKey != 0 && fieldErrors > 1) return 0;
  o = put(putTextKey(o, errorsKey()), 0x7b);
  if (repeatedKey != 0) {
    o = putValue(o, repeatedKey, repeatedLength, repeatedValue, 0);
    o = putReason(o, repeatedExactly ? 'duplicate_key' : 'case_collision');
  }
  let count = 0;
  for (let word: u32 = 0; word < 4; word++) {
    for (let failed = load<u64>(FAILED_COLUMNS + <usize>word * 8); failed != 0; failed &= failed - 1) {
      if (count++ > 0) o = put(o, 0x2c);
      o = putFailed(o, word * 64 + <u32>ctz(failed));
    }
  }
  store<u16>(o, 0x227d); // }"
  return o + 2;
}

function putFailed(o: usize, column: u32): usize {
  const op = valueOpOf(fieldAt(column));
  const value = VALUES + <usize>column * VALUE_BYTES;
  const name = names() + <usize>column * NAME_BYTES;
  let p = <usize>load<u32>(value);
  let end = <usize>load<u32>(value, 4);
  o = putValue(o, name, nameLength(name), p, end);
  if (op >= DOUBLE) return putReason(o, op == TIME ? 'not a timestamp' : op == BOOLEAN ? 'not a boolean' : 'not a number');
  if (load<u8>(p) == QUOTE) {
    p++;
    end--;
  }
  if (!hasTooManyDigits(op, p, end)) return putReason(o, 'not a whole number');
  return putReason(o, op == INT ? 'out of range for int' : 'out of range for bigint');
}

/** `"name":{"value":"…` as it stands in a string. JSON's values show their own end. */
function putValue(o: usize, name: usize, length: usize, p: usize, end: usize): usize {
  store<u16>(o, 0x225c);
  o = putBytes(o + 2, name, length);
  o = putText(o, '\\":{\\"value\\":\\"');
  return kind() == DELIMITED ? copySpan(p, end, o, 2) : outputOf(copyPlain(p, o, 2));
}

function putReason(o: usize, reason: string): usize {
  o = putText(putText(o, '\\",\\"reason\\":\\"'), reason);
  return putText(o, '\\"}');
}

function putText(o: usize, text: string): usize {
  for (let i = 0; i < text.length; i++) o = put(o, load<u16>(changetype<usize>(text) + (<usize>i << 1)));
  return o;
}
