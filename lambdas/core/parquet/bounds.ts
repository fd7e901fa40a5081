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

/** Characters (code points) of a text in an Iceberg table's bounds, as its own writers cut them: `truncate(16)`. */
const MAX_CHARACTERS = 16;

/** Bounds for an Iceberg table, whose texts are shorter. Values have the same binary form as in Parquet. */
export function icebergBounds(type: ColumnType, { least, greatest }: Bounds): StatedBounds {
  if (type !== 'string') return statedBounds(type, { least, greatest });
  return statedBounds(type, { least: cutText(least), greatest: cutText(greatest) });
}

/** A bound of a text has 64 bytes if there are more, and so at least 16 characters. */
function cutText({ bytes, isWhole }: Bound): Bound {
  const characters = [...wholeCharacters(bytes)];
  if (characters.length <= MAX_CHARACTERS) return { bytes, isWhole };
  return { bytes: Buffer.from(characters.slice(0, MAX_CHARACTERS).join('')), isWhole: false };
}

/** The bounds of several row groups, or of one. */
export function joinedBounds(type: ColumnType, all: readonly Bounds[]): Bounds | undefined {
  const [first, ...others] = all;
  if (!first) return undefined;
  const compare = comparison(type);
  return others.reduce(
    ({ least, greatest }, next) => ({
      least: compare(next.least, least) < 0 ? next.least : least,
      greatest: compare(next.greatest, greatest) > 0 ? next.greatest : greatest,
    }),
    first,
  );
}

function comparison(type: ColumnType): (a: Bound, b: Bound) => number {
  switch (type) {
    case 'string':
      // Of two texts that begin alike, one that is not whole is the greater one.
      return (a, b) => Buffer.compare(a.bytes, b.bytes) || Number(b.isWhole) - Number(a.isWhole);
    case 'boolean':
      return (a, b) => a.bytes.readUInt8() - b.bytes.readUInt8();
    case 'int':
      return (a, b) => a.bytes.readInt32LE() - b.bytes.readInt32LE();
    case 'double':
      return (a, b) => a.bytes.readDoubleLE() - b.bytes.readDoubleLE();
    default:
      return (a, b) => Number(a.bytes.readBigInt64LE() - b.bytes.readBigInt64LE());
  }
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
