import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, type stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing, syncFolder, writeAtomic } from '../files.ts';

/** A key, a bucket or a condition that an object cannot be stored under; `code` is S3's own. */
export class ObjectStoreError extends Error {
  readonly code: 'NoSuchBucket' | 'NoSuchKey' | 'KeyTooLongError' | 'InvalidArgument' | 'PreconditionFailed';
  constructor(code: ObjectStoreError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What the file system does not know about an object. */
export interface Metadata {
  /** MD5 of the bytes in hexadecimal digits, without quotes; of a multipart upload `<MD5 of its parts' MD5s>-<parts>`. */
  readonly etag: string;
  /** CRC-32 of all bytes in base64, if the object was uploaded with one. */
  readonly crc32?: string;
}

/** What tells one version of a key's file from another. */
type FileVersion = Pick<Awaited<ReturnType<typeof stat>>, 'size' | 'mtimeMs'>;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1024;
/** The longest name of a file or folder in common file systems. */
const MAX_SEGMENT_BYTES = 255;

/** Where the buckets' objects are stored and the metadata of each, by its key. */
export class ObjectFiles {
  readonly #dir: string;
  readonly buckets: ReadonlySet<string>;

  constructor(dir: string, buckets: ReadonlySet<string>) {
    this.#dir = dir;
    this.buckets = buckets;
  }

  /** Throws NoSuchBucket unless the bucket exists. */
  requireBucket(bucket: string): void {
    if (this.buckets.has(bucket)) return;
    const known = [...this.buckets].join(', ') || 'none';
    throw new ObjectStoreError('NoSuchBucket', `no bucket ${bucket}; there are ${known}`);
  }

  folder(bucket: string): string {
    return join(this.#dir, 'buckets', encodeSegment(bucket));
  }

  file(bucket: string, key: string): string {
    this.requireBucket(bucket);
    if (key === '' || !key.isWellFormed()) {
      throw new ObjectStoreError('InvalidArgument', `expected a key of UTF-8 text, got ${JSON.stringify(key)}`);
    }
    const segments = key.split('/').map(encodeSegment);
    const longest = Math.max(...segments.map((segment) => Buffer.byteLength(segment)));
    if (Buffer.byteLength(key) > MAX_KEY_BYTES || longest > MAX_SEGMENT_BYTES) {
      throw new ObjectStoreError(
        'KeyTooLongError',
        `expected at most ${MAX_KEY_BYTES} bytes, and ${MAX_SEGMENT_BYTES} between slashes, got ${key.slice(0, 80)}…`,
      );
    }
    return join(this.folder(bucket), ...segments);
  }

  /** The metadata of one version of an object; undefined if nobody has written it. */
  async metadata(bucket: string, key: string, version: FileVersion): Promise<Metadata | undefined> {
    try {
      return JSON.parse(await readFile(this.#metadataFile(bucket, key, version), 'utf8')) as Metadata;
    } catch (error) {
      // Metadata that cannot be read is made anew from the object.
      if (isMissing(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Writes the metadata of a version, which may take its place only after that: so no version is ever without. */
  async writeMetadata(bucket: string, key: string, version: FileVersion, metadata: Metadata): Promise<void> {
    const file = this.#metadataFile(bucket, key, version);
    await mkdir(dirname(file), { recursive: true });
    await writeAtomic(file, JSON.stringify({ key, ...metadata }));
  }

  async removeMetadata(bucket: string, key: string, version: FileVersion): Promise<void> {
    await rm(this.#metadataFile(bucket, key, version), { force: true });
  }

  #metadataFile(bucket: string, key: string, { size, mtimeMs }: FileVersion): string {
    const hash = createHash('sha256').update(key).digest('hex');
    const name = `${hash.slice(2)}-${size}-${mtimeMs}.json`;
    return join(this.#dir, 'objects', encodeSegment(bucket), hash.slice(0, 2), name);
  }
}

/**
 * Encodes a part of a key between slashes as a file name. `.`, `..` and an empty part, which would name other folders,
 * and characters that file names cannot contain are percent-encoded. Different parts have different file names.
 */
function encodeSegment(segment: string): string {
  if (segment === '') return '%';
  if (segment === '.' || segment === '..') return segment.replaceAll('.', '%2E');
  return segment.replace(/[%\\\u0000-\u001f\u007f]/g, encodeURIComponent);
}

/** Undefined for a file that was added by hand under a name that is not the encoding of any key. */
export function decodeSegment(name: string): string | undefined {
  if (name === '%') return '';
  try {
    const segment = decodeURIComponent(name);
    return encodeSegment(segment) === name ? segment : undefined;
  } catch {
    return undefined;
  }
}

/** What is asked of a file; undefined if there is none: nothing of its name, or a file in place of its folder. */
export async function ifThere<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Gives a finished file the name of an object. When the promise resolves, the name survives a power cut. */
export async function moveInto(finished: string, file: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await mkdir(dirname(file), { recursive: true });
      await rename(finished, file);
      await syncFolder(dirname(file));
      // The new folders are names in folders too.
      for (let folder = dirname(file); made !== undefined && folder.length >= made.length; folder = dirname(folder)) {
        await syncFolder(dirname(folder));
      }
      return;
    } catch (error) {
      // A concurrent delete may remove the new folder while it is empty.
      if (isMissing(error) && attempt < 5) continue;
      if (error instanceof Error && 'code' in error && ['EEXIST', 'ENOTDIR', 'EISDIR'].includes(String(error.code))) {
        const reason = 'a local bucket cannot hold an object and a folder of the same name';
        throw new ObjectStoreError('InvalidArgument', `${reason}: ${file}`);
      }
      throw error;
    }
  }
}
