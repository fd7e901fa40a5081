/**
 * One file of a zip archive, in which Lambda keeps the code of functions. Archives of several disks, encrypted ones and those
 * of more than 4 GB (zip64) are none of them.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { crc32, inflateRawSync } from 'node:zlib';

/** What a part of the archive begins with. */
const SIGNATURE = { end: 0x06054b50, entry: 0x02014b50, file: 0x04034b50 } as const;
/** Bytes of a part without its texts. */
const SIZE = { end: 22, entry: 46, file: 30 } as const;

const STORED = 0;
const DEFLATED = 8;

/**
 * @returns the bytes of the file; undefined if the archive has none of the name
 * @throws Error if the bytes are no whole zip archive
 */
export function fileOfZip(archive: Buffer, name: string): Buffer | undefined {
  const end = endOf(archive);
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    expectPart(archive, at, 'entry');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => archive.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const from = at + SIZE.entry;
    if (archive.toString('utf8', from, from + nameLength) === name) return contentsOf(archive, at, name);
    at = from + nameLength + extraLength + commentLength;
  }
  return undefined;
}

/** Where the list of files ends: a comment of any text may follow. */
function endOf(archive: Buffer): number {
  for (let at = archive.length - SIZE.end; at >= 0; at--) {
    if (archive.readUInt32LE(at) === SIGNATURE.end) return at;
  }
  throw new Error(`expected a zip archive, got ${archive.length} bytes that do not end as one`);
}

/** @param entry where the list of files has it: its sizes may be missing where the file begins */
function contentsOf(archive: Buffer, entry: number, name: string): Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const [checksum, packed, size, at] = [16, 20, 24, 42].map((field) => archive.readUInt32LE(entry + field)) as [
    number,
    number,
    number,
    number,
  ];
  expectPart(archive, at, 'file');
  const from = at + SIZE.file + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
  const bytes = archive.subarray(from, from + packed);
  if (method !== STORED && method !== DEFLATED) {
    throw new Error(`${name}: expected a file that is stored or deflated, got method ${method}`);
  }
  const contents = method === STORED ? bytes : inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
  if (contents.length === size && crc32(contents) === checksum) return contents;
  throw new Error(`${name}: expected ${size} bytes with CRC-32 ${checksum}, got ${contents.length} others`);
}

function expectPart(archive: Buffer, at: number, part: keyof typeof SIGNATURE): void {
  if (at + SIZE[part] <= archive.length && archive.readUInt32LE(at) === SIGNATURE[part]) return;
  throw new Error(`expected the ${part} of a zip archive at byte ${at}, got something else`);
}
