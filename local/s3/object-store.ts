import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isMissing, syncFolder, writeAtomic } from '../files.ts';

/** A key or a bucket that cannot be stored; `code` is S3's own. */
export class ObjectStoreError extends Error {
  readonly code: 'NoSuchBucket' | 'NoSuchKey' | 'KeyTooLongError' | 'InvalidArgument';
  constructor(code: ObjectStoreError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The metadata of an object. */
export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** MD5 of the bytes in hexadecimal digits, without quotes. */
  readonly etag: string;
  readonly modified: Date;
}

/** An object that was just created. */
export interface CreatedObject extends StoredObject {
  /** Orders the events of one key: a greater string is a later event. */
  readonly sequencer: string;
}

/** Where objects are stored, in which buckets, and who receives their events. */
export interface ObjectStoreOptions {
  /** The lake's folder. */
  readonly dir: string;
  readonly buckets: ReadonlySet<string>;
  /** Called before a put is acknowledged, so that no acknowledged object lacks its event. */
  readonly onCreated: (object: CreatedObject) => Promise<void>;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1024;
/** The longest name of a file or folder in common file systems. */
const MAX_SEGMENT_BYTES = 255;

/**
 * Buckets as plain folders: an object is a file at the path of its key. Metadata that the file system does not have is
 * stored in a second folder, and is valid only while size and time of the file agree with it. So files may be added to
 * a bucket's folder, or removed from it, by hand.
 */
export class ObjectStore {
  readonly #options: ObjectStoreOptions;
  #events = 0;

  private constructor(options: ObjectStoreOptions) {
    this.#options = options;
  }

  static async open(options: ObjectStoreOptions): Promise<ObjectStore> {
    const store = new ObjectStore(options);
    await rm(store.#unfinished, { recursive: true, force: true });
    await mkdir(store.#unfinished, { recursive: true });
    for (const bucket of options.buckets) await mkdir(store.#folder(bucket), { recursive: true });
    return store;
  }

  /** Throws NoSuchBucket unless the bucket exists. */
  requireBucket(bucket: string): void {
    if (this.#options.buckets.has(bucket)) return;
    const known = [...this.#options.buckets].join(', ') || 'none';
    throw new ObjectStoreError('NoSuchBucket', `no bucket ${bucket}; there are ${known}`);
  }

  /**
   * Stores an object. When the promise resolves, the object is complete, its event has been sent, and both survive a power
   * cut.
   */
  async put(bucket: string, key: string, body: Readable | string): Promise<StoredObject> {
    const file = this.#file(bucket, key);
    const unfinished = join(this.#unfinished, randomUUID());
    const hash = createHash('md5');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      const source = typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body;
      await pipeline(source, hashing, createWriteStream(unfinished, { flush: true }));
      const { size, mtime, mtimeMs } = await stat(unfinished);
      await moveInto(unfinished, file);
      const object = { bucket, key, size, etag: hash.digest('hex'), modified: mtime };
      await this.#storeMetadata(object, mtimeMs);
      await this.#options.onCreated({ ...object, sequencer: this.#sequencer() });
      return object;
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  /** Stores a copy of a file. */
  putFile(bucket: string, key: string, file: string): Promise<StoredObject> {
    return this.put(bucket, key, createReadStream(file));
  }

  async head(bucket: string, key: string): Promise<StoredObject> {
    const opened = await this.open(bucket, key);
    opened.close();
    return opened.object;
  }

  /**
   * Opens an object for reading. All reads are of one version: an object that is put in the meantime is another file.
   *
   * @throws ObjectStoreError NoSuchKey
   */
  async open(bucket: string, key: string): Promise<OpenedObject> {
    const file = this.#file(bucket, key);
    const handle = await open(file).catch(() => undefined);
    const stats = await handle?.stat();
    if (!handle || !stats?.isFile()) {
      await handle?.close();
      throw new ObjectStoreError('NoSuchKey', `no object ${key} in bucket ${bucket}`);
    }
    const known = { bucket, key, size: stats.size, modified: stats.mtime };
    let etag = await this.#storedEtag(bucket, key, stats);
    if (etag === undefined) {
      const hash = createHash('md5');
      for await (const chunk of handle.createReadStream({ autoClose: false, start: 0 })) hash.update(chunk);
      etag = hash.digest('hex');
      await this.#storeMetadata({ ...known, etag }, stats.mtimeMs);
    }
    return {
      object: { ...known, etag },
      read: (start, end) => handle.createReadStream({ start, end }),
      close: () => void handle.close(),
    };
  }

  /** Deletes an object; a missing object counts as deleted. */
  async delete(bucket: string, key: string): Promise<void> {
    const file = this.#file(bucket, key);
    await rm(file, { force: true });
    await rm(this.#metadataFile(bucket, key), { force: true });
    // An empty folder would be in the way of an object of the same name.
    const top = this.#folder(bucket);
    for (let folder = dirname(file); folder !== top; folder = dirname(folder)) {
      const empty = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!empty) break;
    }
  }

  /** All keys of a bucket that begin with `prefix`, in the order of their UTF-8 bytes. */
  async keys(bucket: string, prefix: string): Promise<string[]> {
    this.requireBucket(bucket);
    const keys: string[] = [];
    const walk = async (folder: string, above: string): Promise<void> => {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const segment = decodeSegment(entry.name);
        if (segment === undefined) continue;
        const key = above + segment;
        if (entry.isDirectory()) {
          const below = `${key}/`;
          if (below.startsWith(prefix) || prefix.startsWith(below)) await walk(join(folder, entry.name), below);
        } else if (key.startsWith(prefix)) keys.push(key);
      }
    };
    await walk(this.#folder(bucket), '');
    return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  get #unfinished(): string {
    return join(this.#options.dir, 'unfinished');
  }

  #folder(bucket: string): string {
    return join(this.#options.dir, 'buckets', encodeSegment(bucket));
  }

  #file(bucket: string, key: string): string {
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
    return join(this.#folder(bucket), ...segments);
  }

  #metadataFile(bucket: string, key: string): string {
    const hash = createHash('sha256').update(key).digest('hex');
    return join(this.#options.dir, 'objects', encodeSegment(bucket), hash.slice(0, 2), `${hash.slice(2)}.json`);
  }

  async #storeMetadata({ bucket, key, size, etag }: StoredObject, mtimeMs: number): Promise<void> {
    const file = this.#metadataFile(bucket, key);
    await mkdir(dirname(file), { recursive: true });
    await writeAtomic(file, JSON.stringify({ key, size, mtimeMs, etag } satisfies Metadata));
  }

  async #storedEtag(bucket: string, key: string, file: { size: number; mtimeMs: number }): Promise<string | undefined> {
    try {
      const metadata = JSON.parse(await readFile(this.#metadataFile(bucket, key), 'utf8')) as Metadata;
      return metadata.size === file.size && metadata.mtimeMs === file.mtimeMs ? metadata.etag : undefined;
    } catch (error) {
      // Metadata that cannot be read is made anew from the object.
      if (isMissing(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #sequencer(): string {
    const order = BigInt(Date.now()) * 1_000_000n + BigInt(this.#events++ % 1_000_000);
    return order.toString(16).toUpperCase().padStart(18, '0');
  }
}

/** An object open for reading: either read or close it. */
export interface OpenedObject {
  readonly object: StoredObject;
  /** The bytes from `start` to `end`, both included. */
  read(start: number, end: number): Readable;
  close(): void;
}

interface Metadata {
  readonly key: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly etag: string;
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
function decodeSegment(name: string): string | undefined {
  if (name === '%') return '';
  try {
    const segment = decodeURIComponent(name);
    return encodeSegment(segment) === name ? segment : undefined;
  } catch {
    return undefined;
  }
}

async function moveInto(unfinished: string, file: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await mkdir(dirname(file), { recursive: true });
      await rename(unfinished, file);
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
