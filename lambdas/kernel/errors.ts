/**
 * Collects the values of a line that do not convert to their column's type, and the keys that a JSON object has twice,
 * and writes them to the column `errors`. This file mirrors `error` in lambdas/core/reading/row.ts, for values of which
 * it is certain why they do not convert.
 */
import { wholeDigits } from './exponents';
import { copyPlain } from './json-values';
import {
  BACKSLASH, COLON, DOT, FAILED_COLUMNS, HYPHEN, outputOf, put, putBytes, putTextKey, QUOTE, REPEATED_KEYS, SPACE, ZERO,
} from './memory';
import { isDigit } from './numbers';
import {
  ADDRESS, BIGINT, BIGINT_DIGITS, BOOLEAN, CLIENT, DOUBLE, errorName, errorNameLength, errorsKey, fieldAt,
  FIELD_BYTES, FIELDS, flags, IDENTITY, INT, INT_DIGITS, JSON, kind, NGINX_REQUEST, opOf, TIME,
} from './program';
import { copySpan, putText } from './text';

/** Errors in the current line. */
export let fieldErrors: u32 = 0;

/**
 * FAILED_COLUMNS holds a 256-bit set of the columns whose values do not convert. After the set there is, for each
 * column, the start and the end of its value in the line, and why it does not convert.
 */
const VALUES: usize = FAILED_COLUMNS + 32;
const VALUE_BYTES: usize = 12;

/**
 * REPEATED_KEYS is a list of the keys that came again. Each has its address and its length, the address of its value, and
 * whether the key was written exactly as the first time.
 */
const REPEATED_BYTES: usize = 16;
const MAX_REPEATED: u32 = 64;
let repeatedCount: u32 = 0;

/** Why a value does not convert: it has another form; it is a number out of the type's range; it has no three digits. */
export const FORM: u32 = 0;
export const RANGE: u32 = 1;
export const DIGITS: u32 = 2;

/** Clears the errors of the line before, if there were any. */
// @ts-ignore: decorator
@inline
export function beginErrors(): void {
  if (fieldErrors != 0) clearErrors();
}

function clearErrors(): void {
  v128.store(FAILED_COLUMNS, i64x2.splat(0));
  v128.store(FAILED_COLUMNS, i64x2.splat(0), 16);
  fieldErrors = 0;
  repeatedCount = 0;
}

/**
 * Records that the value of a column, or of a delimited field, does not convert.
 *
 * @returns false if that is undecided
 */
export function noteConversionError(column: u32, p: usize, end: usize): bool {
  const op = valueOpOf(fieldAt(column));
  if (!cannotConvert(op, p, end)) return false;
  const quotes: usize = load<u8>(p) == QUOTE ? 1 : 0;
  noteFailed(column, p, end, hasTooManyDigits(op, p + quotes, end - quotes) ? RANGE : FORM);
  return true;
}

/**
 * Records that the value of a field does not convert. Fingerprints have no errors.
 *
 * @returns the unchanged address in the output, or 0 if the TypeScript reader must decide the reason
 */
export function conversionError(field: usize, p: usize, end: usize, o: usize): usize {
  if (flags() & IDENTITY) return cannotConvert(valueOpOf(field), p, end) ? o : 0;
  return noteConversionError(indexOf(field), p, end) ? o : 0;
}

/** Records that the value of a field certainly does not convert, for a reason. Fingerprints have no errors. */
export function noteFailedField(field: usize, p: usize, end: usize, why: u32): void {
  if ((flags() & IDENTITY) == 0) noteFailed(indexOf(field), p, end, why);
}

function indexOf(field: usize): u32 {
  return <u32>((field - FIELDS) / FIELD_BYTES);
}

/** Records that the value of a column does not convert. */
export function noteFailed(column: u32, p: usize, end: usize, why: u32): void {
  const word = FAILED_COLUMNS + <usize>(column >> 6) * 8;
  store<u64>(word, load<u64>(word) | ((<u64>1) << (column & 63)));
  const value = VALUES + <usize>column * VALUE_BYTES;
  store<u32>(value, p);
  store<u32>(value, end, 4);
  store<u32>(value, why, 8);
  fieldErrors++;
}

/** The op that the value must convert to. Of an address, the port is the part that may not convert. */
export function valueOpOf(field: usize): u32 {
  const op = opOf(field);
  return op == ADDRESS ? INT : op;
}

/**
 * True if the value certainly has the wrong form for its column's type, or is an integer with more digits than any that
 * the type can hold. False if that is undecided: the TypeScript reader then decides.
 */
export function cannotConvert(op: u32, p: usize, end: usize): bool {
  const first = <u32>load<u8>(p);
  // Outside of JSON a bracket is no list: a time may begin with one.
  if (isJson() && (first == 0x7b || first == 0x5b)) return true;
  const quoted = first == QUOTE;
  if (quoted) {
    p++;
    end--;
    for (let at = p; at < end; at++) if (load<u8>(at) == BACKSLASH) return false;
  }
  if (op == BOOLEAN) return !quoted || !mayBeBoolean(p, end);
  if (p == end) return true;
  if (op == TIME) return isNoTime(p, end);
  let fraction = false;
  let partial = false;
  let exponent = false;
  for (let at = p; at < end; at++) {
    const c = <u32>load<u8>(at);
    if (!mayOccur(op, c)) {
      // In JSON, an integer may have an exponent.
      if (op >= DOUBLE || (c | 0x20) != 0x65 || !isJson()) return true;
      exponent = true;
    } else if (c == DOT) fraction = true;
    // A number with a fraction is not an integer, unless the fraction is 0.
    else if (fraction && op < DOUBLE && c > ZERO) partial = true;
  }
  if (exponent) return wholeDigits(p, end) < 0 || hasTooManyDigits(op, p, end);
  return partial || hasTooManyDigits(op, p, end);
}

/** True if the value is an integer with more digits than the column's type can hold, with or without an exponent. */
function hasTooManyDigits(op: u32, p: usize, end: usize): bool {
  if (op >= DOUBLE) return false;
  const most = (op == INT ? INT_DIGITS : BIGINT_DIGITS) + 1;
  if (isJson() && wholeDigits(p, end) > <i32>most) return true;
  if (load<u8>(p) == HYPHEN || load<u8>(p) == 0x2b) p++;
  if (end - p <= most) return false;
  for (; p < end; p++) if (!isDigit(load<u8>(p))) return false;
  return true;
}

function isJson(): bool {
  return kind() >= JSON;
}

/** True if the text has the length and the first letter of `true` or `false`, in upper or lower case. */
function mayBeBoolean(p: usize, end: usize): bool {
  const length = end - p;
  return (length == 4 && (load<u8>(p) | 0x20) == 0x74) || (length == 5 && (load<u8>(p) | 0x20) == 0x66);
}

/** True if the character can occur in a number of the op's type. */
function mayOccur(op: u32, c: u32): bool {
  if (isDigit(c) || c == DOT || c == HYPHEN || c == 0x2b) return true;
  return op >= DOUBLE && (c | 0x20) == 0x65;
}

/**
 * True if the text has none of the forms of lambdas/core/reading/time-forms.ts: they begin with a digit, a sign, the
 * capital of a weekday or an opening bracket, have digits, and have no characters other than these, except in parentheses.
 */
function isNoTime(p: usize, end: usize): bool {
  const first = <u32>load<u8>(p);
  if (!isDigit(first) && first != HYPHEN && (first < 0x41 || first > 0x5b)) return true;
  let digits = false;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == 0x28) return false;
    if (isDigit(c)) digits = true;
    else if (!mayOccurInTime(c)) return true;
  }
  return !digits;
}

/** True for a space, for `!`, `+`, `,`, `-`, `.`, `/`, `:`, `=`, `[`, `]`, `_`, `~` and for letters. */
function mayOccurInTime(c: u32): bool {
  const letter = c | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return true;
  if (c >= 0x2b && c <= 0x2f) return true;
  return (
    c == SPACE || c == 0x21 || c == COLON || c == 0x3d || c == 0x5b || c == 0x5d || c == 0x5f || c == 0x7e
  );
}

/**
 * Records a member whose key the line has already.
 *
 * @param earlierKey address of the key before it
 * @returns false if that is undecided, as the keys are not plain text or only have the same hash; or if the name that
 * `errors` would have for it is taken
 */
export function noteRepeatedKey(earlierKey: usize, key: usize, length: usize, p: usize): bool {
  if (repeatedCount == MAX_REPEATED || load<u8>(earlierKey + length) != QUOTE) return false;
  let exactly = true;
  for (let i: usize = 0; i < length; i++) {
    const c = <u32>load<u8>(key + i);
    const earlier = <u32>load<u8>(earlierKey + i);
    if (c == BACKSLASH || c >= 0x80 || lowerCase(c) != lowerCase(earlier)) return false;
    if (c != earlier) exactly = false;
  }
  for (let i: u32 = 0; i < repeatedCount; i++) {
    const other = repeatedAt(i);
    if (isText(load<u32>(other), load<u32>(other, 4), key, length)) return false;
  }
  const repeated = repeatedAt(repeatedCount++);
  store<u32>(repeated, key);
  store<u32>(repeated, length, 4);
  store<u32>(repeated, p, 8);
  store<u32>(repeated, <u32>exactly, 12);
  fieldErrors++;
  return true;
}

function repeatedAt(index: u32): usize {
  return REPEATED_KEYS + <usize>index * REPEATED_BYTES;
}

function lowerCase(c: u32): u32 {
  return c - 0x41 < 26 ? c | 0x20 : c;
}

function isText(p: usize, length: usize, other: usize, otherLength: usize): bool {
  return length == otherLength && memory.compare(p, other, length) == 0;
}

/**
 * Writes the column `errors`, in the order of the columns.
 *
 * @returns 0 if a repeated key has the name of a column whose value does not convert
 */
export function putErrors(o: usize): usize {
  o = put(putTextKey(o, errorsKey()), 0x7b);
  for (let word: u32 = 0; word < 4; word++) {
    for (let failed = load<u64>(FAILED_COLUMNS + <usize>word * 8); failed != 0; failed &= failed - 1) {
      const column = word * 64 + <u32>ctz(failed);
      if (isRepeated(column)) return 0;
      o = put(putFailed(o, column), 0x2c);
    }
  }
  for (let i: u32 = 0; i < repeatedCount; i++) {
    const key = repeatedAt(i);
    o = putValue(o, load<u32>(key), load<u32>(key, 4), load<u32>(key, 8), 0);
    o = put(putReason(o, load<u32>(key, 12) != 0 ? 'duplicate_key' : 'case_collision'), 0x2c);
  }
  // In place of the comma after the last one.
  store<u16>(o - 1, 0x227d); // }"
  return o + 1;
}

/** True if a key that came again has the name that `errors` has for the column. */
function isRepeated(column: u32): bool {
  const field = fieldAt(column);
  for (let i: u32 = 0; i < repeatedCount; i++) {
    const key = repeatedAt(i);
    if (isText(errorName(field), errorNameLength(field), load<u32>(key), load<u32>(key, 4))) return true;
  }
  return false;
}

function putFailed(o: usize, column: u32): usize {
  const field = fieldAt(column);
  const op = valueOpOf(field);
  const value = VALUES + <usize>column * VALUE_BYTES;
  o = putValue(o, errorName(field), errorNameLength(field), <usize>load<u32>(value), <usize>load<u32>(value, 4));
  return putReason(o, reasonOf(op, load<u32>(value, 8)));
}

function reasonOf(op: u32, why: u32): string {
  if (why == DIGITS) return 'not a status code of three digits';
  const outOfRange = why == RANGE;
  switch (op) {
    case INT:
      return outOfRange ? 'out of range for int' : 'not a whole number';
    case BIGINT:
      return outOfRange ? 'out of range for bigint' : 'not a whole number';
    case CLIENT:
      return 'not an address';
    case NGINX_REQUEST:
      return 'not METHOD URL HTTP/version';
    case TIME:
      return 'not a timestamp';
    case BOOLEAN:
      return 'not a boolean';
    default:
      return outOfRange ? 'out of range for double' : 'not a number';
  }
}

/**
 * Writes `"name":{"value":"…` as part of a JSON text that is itself in a string. `end` is not used for JSON, whose
 * values show their own end.
 */
function putValue(o: usize, name: usize, length: usize, p: usize, end: usize): usize {
  store<u16>(o, 0x225c);
  o = putBytes(o + 2, name, length);
  o = putText(o, '\\":{\\"value\\":\\"');
  return isJson() ? outputOf(copyPlain(p, o, 2)) : copySpan(p, end, o, 2);
}

function putReason(o: usize, reason: string): usize {
  o = putText(putText(o, '\\",\\"reason\\":\\"'), reason);
  return putText(o, '\\"}');
}
