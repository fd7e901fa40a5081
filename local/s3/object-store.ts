import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { crcText } from './aws-chunked.ts';
import { decodeSegment, ifThere, type Metadata, moveInto, ObjectFiles, ObjectStoreError } from './object-files.ts';

/** An object as it is seen without reading it. */
export interface StoredObject extends Metadata {
  readonly bucket: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
}

/** An object that was just created. */
export interface CreatedObject extends StoredObject {
  /** Orders the events of one key: a greater string is a later event. */
  readonly sequencer: string;
  /** The operation, by the name that events have for it. */
  readonly by: 'Put' | 'CompleteMultipartUpload';
}

/** Where objects are stored, in which buckets, and who receives their events. */
export interface ObjectStoreOptions {
  /** The lake's folder. */
  readonly dir: string;
  readonly buckets: ReadonlySet<string>;
  /** Called before a put is acknowledged, so that no acknowledged object lacks its event. */
  readonly onCreated: (object: CreatedObject) => Promise<void>;
}

/** Conditions of a put, and what is stored with the object. */
export interface PutOptions {
  /** Fails with PreconditionFailed if there is an object of this key. */
  readonly onlyIfNew?: boolean;
  /** Whether the sender has said the CRC-32 of the body; asked when all of the body has come. */
  readonly hasCrc32?: () => boolean;
}

/** Bytes that have come whole and survive a power cut, in a file that nobody sees yet. */
export interface Received {
  readonly file: string;
  /** In hexadecimal digits. */
  readonly md5: string;
  /** In base64. */
  readonly crc32: string;
}

/**
 * Buckets as plain folders: an object is a file at the path of its key. Metadata that the file system does not have is
 * stored in a second folder, by size and time of the file. So files may be added to a bucket's folder, or removed from
 * it, by hand.
 */
export class ObjectStore {
  readonly files: ObjectFiles;
  readonly #unfinished: string;
  readonly #onCreated: ObjectStoreOptions['onCreated'];
  readonly #turns = new Map<string, Promise<unknown>>();
  #events = 0;

  private constructor({ dir, buckets, onCreated }: ObjectStoreOptions) {
    this.files = new ObjectFiles(dir, buckets);
    this.#unfinished = join(dir, 'unfinished');
    this.#onCreated = onCreated;
  }

  static async open(options: ObjectStoreOptions): Promise<ObjectStore> {
    const store = new ObjectStore(options);
    await rm(store.#unfinished, { recursive: true, force: true });
    await mkdir(store.#unfinished, { recursive: true });
    for (const bucket of options.buckets) await mkdir(store.files.folder(bucket), { recursive: true });
    return store;
  }

  /**
   * Stores an object. When the promise resolves, the object is complete, its event has been sent, and both survive a power
   * cut.
   */
  async put(
    bucket: string,
    key: string,
    body: Readable | string,
    { onlyIfNew = false, hasCrc32 = () => false }: PutOptions = {},
  ): Promise<StoredObject> {
    this.files.file(bucket, key);
    const { file, md5, crc32 } = await this.receive(body);
    try {
      return await this.inTurn(`${bucket}/${key}`, async () => {
        if (onlyIfNew) await this.requireNew(bucket, key);
        const object = await this.place(file, bucket, key, { etag: md5, ...(hasCrc32() && { crc32 }) });
        await this.announce(object, 'Put');
        return object;
      });
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Stores a copy of a file. */
  putFile(bucket: string, key: string, file: string): Promise<StoredObject> {
    return this.put(bucket, key, createReadStream(file));
  }

  /** Takes in bytes. What is done with their file is up to the caller; the next opening deletes it. */
  async receive(body: Readable | string): Promise<Received> {
    const file = this.unfinishedFile();
    const hash = createHash('md5');
    let crc = 0;
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        crc = crc32(chunk, crc);
        done(null, chunk);
      },
    });
    try {
      const source = typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body;
      await pipeline(source, hashing, createWriteStream(file, { flush: true }));
      return { file, md5: hash.digest('hex'), crc32: crcText(crc) };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  /** A name for a file or folder that the next opening deletes. */
  unfinishedFile(): string {
    return join(this.#unfinished, randomUUID());
  }

  /** Steps with the same name run one after the other. */
  async inTurn<Result>(name: string, step: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const result = before.then(step, step);
    this.#turns.set(name, result);
    try {
      return await result;
    } finally {
      if (this.#turns.get(name) === result) this.#turns.delete(name);
    }
  }

  /** Throws PreconditionFailed if there is an object of this key. */
  async requireNew(bucket: string, key: string): Promise<void> {
    const found = await ifThere(stat(this.files.file(bucket, key)));
    if (found?.isFile()) throw new ObjectStoreError('PreconditionFailed', `If-None-Match: there is an object ${key}`);
  }

  /** Makes a finished file the object of a key, in the key's turn. */
  async place(finished: string, bucket: string, key: string, metadata: Metadata): Promise<StoredObject> {
    const file = this.files.file(bucket, key);
    const version = await stat(finished);
    const former = await ifThere(stat(file));
    await this.files.writeMetadata(bucket, key, version, metadata);
    await moveInto(finished, file);
    const replaced = former && (former.size !== version.size || former.mtimeMs !== version.mtimeMs);
    if (replaced) await this.files.removeMetadata(bucket, key, former);
    return { bucket, key, size: version.size, modified: version.mtime, ...metadata };
  }

  /** Sends the event of a new object. */
  async announce(object: StoredObject, by: CreatedObject['by']): Promise<void> {
    await this.#onCreated({ ...object, by, sequencer: this.#sequencer() });
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
    const handle = await ifThere(open(this.files.file(bucket, key)));
    const stats = await handle?.stat();
    if (!handle || !stats?.isFile()) {
      await handle?.close();
      throw new ObjectStoreError('NoSuchKey', `no object ${key} in bucket ${bucket}`);
    }
    let metadata = await this.files.metadata(bucket, key, stats);
    if (metadata === undefined) {
      // The file was put here by hand.
      const hash = createHash('md5');
      for await (const chunk of handle.createReadStream({ autoClose: false, start: 0 })) hash.update(chunk);
      metadata = { etag: hash.digest('hex') };
      await this.files.writeMetadata(bucket, key, stats, metadata);
    }
    const { etag, crc32 } = metadata;
    return {
      object: { bucket, key, size: stats.size, modified: stats.mtime, etag, ...(crc32 !== undefined && { crc32 }) },
      read: (start, end) => handle.createReadStream({ start, end }),
      close: () => void handle.close(),
    };
  }

  /** Deletes an object; a missing object counts as deleted. */
  async delete(bucket: string, key: string): Promise<void> {
    const file = this.files.file(bucket, key);
    await this.inTurn(`${bucket}/${key}`, async () => {
      const former = await ifThere(stat(file));
      await rm(file, { force: true });
      if (former) await this.files.removeMetadata(bucket, key, former);
    });
    // An empty folder would be in the way of an object of the same name.
    const top = this.files.folder(bucket);
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
    this.files.requireBucket(bucket);
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
    await walk(this.files.folder(bucket), '');
    return keys.sort(byBytes);
  }

  #sequencer(): string {
    const order = BigInt(Date.now()) * 1_000_000n + BigInt(this.#events++ % 1_000_000);
    return order.toString(16).toUpperCase().padStart(18, '0');
  }
}

/** Orders keys as S3 does: by their UTF-8 bytes. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** An object open for reading: either read or close it. */
export interface OpenedObject {
  readonly object: StoredObject;
  /** The bytes from `start` to `end`, both included. */
  read(start: number, end: number): Readable;
  close(): void;
}
