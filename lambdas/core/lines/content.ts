/**
 * Recognizes what bytes contain by the bytes themselves, never by a name: lines of text, which are everything that is
 * not recognized, compressed data, or something that has no lines. Each check demands more bytes than a text could
 * begin with by chance.
 */

/** Bytes that `contentOf` needs; it gets fewer only if there are no more. A tar header is as long as this. */
export const HEAD_BYTES = 512;

/** The ways of compressing that are undone. */
export type Codec = 'gzip' | 'zstd';

/** What bytes contain. */
export type Content =
  | { readonly kind: 'text' }
  | { readonly kind: 'compressed'; readonly codec: Codec }
  /** No lines of text. The name reads well after "got". */
  | { readonly kind: 'foreign'; readonly name: string };

const TEXT: Content = { kind: 'text' };

/** @param head the first HEAD_BYTES bytes, or more */
export function contentOf(head: Uint8Array): Content {
  if (isGzip(head)) return { kind: 'compressed', codec: 'gzip' };
  if (isZstd(head)) return { kind: 'compressed', codec: 'zstd' };
  const found = FOREIGN.find(({ matches }) => matches(head));
  return found ? { kind: 'foreign', name: found.name } : TEXT;
}

/** https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
function isGzip(head: Uint8Array): boolean {
  return hasAt(head, 0, [0x1f, 0x8b]);
}

/** A frame or a skippable frame. https://www.rfc-editor.org/rfc/rfc8878#section-3.1 */
function isZstd(head: Uint8Array): boolean {
  if (hasAt(head, 0, [0x28, 0xb5, 0x2f, 0xfd])) return true;
  return ((head[0] ?? 0) & 0xf0) === 0x50 && hasAt(head, 1, [0x2a, 0x4d, 0x18]);
}

interface Foreign {
  readonly name: string;
  readonly matches: (head: Uint8Array) => boolean;
}

const FOREIGN: readonly Foreign[] = [
  { name: 'bzip2', matches: isBzip2 },
  // https://tukaani.org/xz/xz-file-format.txt
  { name: 'xz', matches: startsWith([0xfd, ...ascii('7zXZ'), 0x00]) },
  // https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
  { name: 'lz4', matches: startsWith([0x04, 0x22, 0x4d, 0x18]) },
  // https://github.com/google/snappy/blob/main/framing_format.txt
  { name: 'framed snappy', matches: startsWith([0xff, 0x06, 0x00, 0x00, ...ascii('sNaPpY')]) },
  { name: 'a zip archive', matches: isZip },
  { name: 'a tar archive', matches: isTar },
  { name: 'a Parquet file', matches: isParquet },
  { name: 'UTF-16 text', matches: isUtf16 },
];

/**
 * A digit for the size of a block, then the number with which a block or the end begins.
 * https://en.wikipedia.org/wiki/Bzip2#File_format
 */
function isBzip2(head: Uint8Array): boolean {
  const size = head[3] ?? 0;
  if (!hasAt(head, 0, ascii('BZh')) || size < 0x31 || size > 0x39) return false;
  return hasAt(head, 4, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) || hasAt(head, 4, [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]);
}

/** A first file, or the end of an archive without files. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function isZip(head: Uint8Array): boolean {
  return hasAt(head, 0, [...ascii('PK'), 0x03, 0x04]) || hasAt(head, 0, [...ascii('PK'), 0x05, 0x06]);
}

/**
 * A text may have the word at the same place: the header's checksum must be right too. It is the sum of all bytes, with
 * its own eight counted as spaces. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
function isTar(head: Uint8Array): boolean {
  const [at, length] = [148, 8];
  if (head.length < HEAD_BYTES || !hasAt(head, 257, ascii('ustar'))) return false;
  const field = Buffer.from(head.subarray(at, at + length)).toString('latin1');
  const digits = /^ *([0-7]+)[\0 ]/.exec(field)?.[1];
  if (digits === undefined) return false;
  let sum = length * 0x20;
  for (let index = 0; index < HEAD_BYTES; index++) {
    if (index < at || index >= at + length) sum += head[index] as number;
  }
  return sum === Number.parseInt(digits, 8);
}

/**
 * The header of a page or the footer follows in Thrift's compact protocol: its first field is the first field of the
 * struct, a number (0x15), which is small. https://parquet.apache.org/docs/file-format/
 */
function isParquet(head: Uint8Array): boolean {
  return hasAt(head, 0, [...ascii('PAR1'), 0x15]) && (head[5] ?? 0xff) < 0x10;
}

/** Nothing but the byte order mark, or a zero byte soon, which every ASCII character has in UTF-16. */
function isUtf16(head: Uint8Array): boolean {
  if (!hasAt(head, 0, [0xff, 0xfe]) && !hasAt(head, 0, [0xfe, 0xff])) return false;
  return head.length === 2 || head.subarray(2, HEAD_BYTES).includes(0);
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function startsWith(magic: readonly number[]): (head: Uint8Array) => boolean {
  return (head) => hasAt(head, 0, magic);
}

function hasAt(head: Uint8Array, at: number, magic: ArrayLike<number>): boolean {
  if (head.length < at + magic.length) return false;
  for (let index = 0; index < magic.length; index++) if (head[at + index] !== magic[index]) return false;
  return true;
}
