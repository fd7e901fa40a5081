import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { S3Error } from './answers.ts';
import { crcText } from './aws-chunked.ts';
import { ifThere } from './object-files.ts';
import type { ObjectStore } from './object-store.ts';

/** A part as CompleteMultipartUpload names it. */
export interface NamedPart {
  readonly number: number;
  /** MD5 in hexadecimal digits. */
  readonly etag: string;
  /** CRC-32 in base64. */
  readonly crc32?: string | undefined;
}

/** What CompleteMultipartUpload says of the object that the parts make. */
export interface Expected {
  readonly onlyIfNew: boolean;
  /** Bytes. */
  readonly size?: number | undefined;
  /** In base64. */
  readonly crc32?: string | undefined;
}

/** All parts in one file, which nobody sees yet. */
export interface Assembled {
  readonly file: string;
  /** `<MD5 of the parts' MD5s>-<parts>`. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  /** In base64. */
  readonly crc32: string;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MIN_PART_BYTES = 5 * 1024 * 1024;

/**
 * Puts the named parts together in a new file, and checks what was said of them and of the whole.
 *
 * @param fileOf the file of a part by its number
 * @throws S3Error InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest or BadDigest; then there is no file
 */
export async function assembledParts(
  objects: ObjectStore,
  fileOf: (number: number) => string,
  parts: readonly NamedPart[],
  expected: Expected,
): Promise<Assembled> {
  await requireFit(fileOf, parts);
  const md5s: string[] = [];
  const bytes = async function* () {
    for (const part of parts) {
      const hash = createHash('md5');
      let crc = 0;
      for await (const chunk of createReadStream(fileOf(part.number))) {
        hash.update(chunk);
        crc = crc32(chunk, crc);
        yield chunk;
      }
      const [md5, crcOfPart] = [hash.digest('hex'), crcText(crc)];
      if (md5 !== part.etag) throw invalidPart(part, `its ETag is ${md5}`);
      if (part.crc32 !== undefined && part.crc32 !== crcOfPart) throw invalidPart(part, `its CRC-32 is ${crcOfPart}`);
      md5s.push(md5);
    }
  };
  const whole = await objects.receive(Readable.from(bytes()));
  try {
    const { size } = await stat(whole.file);
    if (expected.size !== undefined && expected.size !== size) {
      throw new S3Error('InvalidRequest', `expected an object of ${expected.size} bytes, the parts have ${size}`);
    }
    if (expected.crc32 !== undefined && expected.crc32 !== whole.crc32) {
      throw new S3Error('BadDigest', `expected CRC-32 ${expected.crc32}, the parts have ${whole.crc32}`);
    }
    const etag = `${createHash('md5')
      .update(Buffer.from(md5s.join(''), 'hex'))
      .digest('hex')}-${parts.length}`;
    return { file: whole.file, etag, size, crc32: whole.crc32 };
  } catch (error) {
    await rm(whole.file);
    throw error;
  }
}

/** Throws unless the parts are there, in order, and large enough. */
async function requireFit(fileOf: (number: number) => string, parts: readonly NamedPart[]): Promise<void> {
  if (parts.length === 0) throw new S3Error('MalformedXML', 'expected at least one part');
  for (const [index, { number }] of parts.entries()) {
    const before = parts[index - 1]?.number ?? 0;
    if (number <= before) throw new S3Error('InvalidPartOrder', `part ${number} is named behind part ${before}`);
  }
  for (const [index, part] of parts.entries()) {
    const found = await ifThere(stat(fileOf(part.number)));
    if (!found) throw invalidPart(part, 'there is none of this number');
    if (found.size < MIN_PART_BYTES && index < parts.length - 1) {
      throw new S3Error('EntityTooSmall', `part ${part.number} has ${found.size} bytes, expected ${MIN_PART_BYTES}`);
    }
  }
}

function invalidPart({ number, etag }: NamedPart, problem: string): S3Error {
  return new S3Error('InvalidPart', `part ${number} with ETag ${etag}: ${problem}`);
}
