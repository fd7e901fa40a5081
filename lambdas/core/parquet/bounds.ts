/** The bounds of a column as the file states them: the statistics by which readers skip row groups. */
import type { ColumnType } from '../tables/table.ts';
import type { Bound, Bounds } from './encoder.ts';

/** A bound that may lie beyond the values, if they are texts that it shortens. */
export interface StatedBound {
  readonly bytes: Uint8Array;
  readonly isExact: boolean;
}

export interface StatedBounds {
  readonly least: StatedBound;
  /** Undefined if no short text is greater than the values. */
  readonly greatest: StatedBound | undefined;
}

/** https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, struct Statistics */
export function statedBounds(type: ColumnType, { least, greatest }: Bounds): StatedBounds {
  if (type === 'string') return { least: shortest(least), greatest: longest(greatest) };
  // A reader cannot tell by a zero whether both zeros are among the values.
  if (type === 'double')
    return { least: exact(signedZero(least.bytes, -0)), greatest: exact(signedZero(greatest.bytes, 0)) };
  return { least: exact(least.bytes), greatest: exact(greatest.bytes) };
}

function exact(bytes: Uint8Array): StatedBound {
  return { bytes, isExact: true };
}

function signedZero(bytes: Buffer, zero: number): Buffer {
  if (bytes.readDoubleLE() === 0) bytes.writeDoubleLE(zero);
  return bytes;
}

/** The beginning of a text is before it. */
function shortest({ bytes, isWhole }: Bound): StatedBound {
  return isWhole ? exact(bytes) : { bytes: Buffer.from(wholeCharacters(bytes)), isExact: false };
}

/** A text is before its beginning with the last character replaced by the next one. */
function longest({ bytes, isWhole }: Bound): StatedBound | undefined {
  if (isWhole) return exact(bytes);
  const characters = [...wholeCharacters(bytes)];
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const next = nextCharacter(last);
    if (next !== undefined) return { bytes: Buffer.from(characters.join('') + next), isExact: false };
  }
  return undefined;
}

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const LAST_CHARACTER = 0x10ffff;

function nextCharacter(character: string): string | undefined {
  const next = (character.codePointAt(0) as number) + 1;
  if (next > LAST_CHARACTER) return undefined;
  return String.fromCodePoint(next === FIRST_SURROGATE ? AFTER_SURROGATES : next);
}

/** UTF-8 without a character that is cut off at its end. */
function wholeCharacters(bytes: Buffer): string {
  let end = bytes.length;
  // A character has at most three bytes after its first.
  for (let back = 1; back <= 4 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (length > back) end = bytes.length - back;
    break;
  }
  return bytes.toString('utf8', 0, end);
}
