import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setAside } from '../damage.ts';
import { isMissing, syncFolder, writeDurable } from '../files.ts';
import { S3Error } from './answers.ts';
import { ifThere, type Metadata, ObjectStoreError } from './object-files.ts';
import { byBytes, type ObjectStore } from './object-store.ts';
import { type Assembled, assembledParts, type Expected, type NamedPart } from './upload-parts.ts';

/** Which upload a request is about. */
export interface UploadAddress {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/** An upload that was begun. */
export interface Upload extends UploadAddress {
  /** Milliseconds since the epoch; the time of the object too, as on S3. */
  readonly initiated: number;
  /** Whether the object will have the CRC-32 of all its bytes. */
  readonly crc32: boolean;
}

/** What an upload became; written down before the object is there. */
interface Completed extends Metadata {
  /** Bytes. */
  readonly size: number;
}

/**
 * Multipart uploads, each a folder `uploads/<id>`:
 *
 *   upload.json     bucket, key, and when it was begun
 *   1, 2, …         the parts, by number
 *   whole           all of them, when the upload is completed
 *   completed.json  what `whole` is: with this file, the upload is completed
 *
 * The folder gets its name when it has the first file, and loses it when the object is there and its event has been sent.
 * If the process dies between the last two files and then, the next opening finishes what is left.
 */
export class Uploads {
  readonly #dir: string;
  readonly #objects: ObjectStore;

  private constructor(dir: string, objects: ObjectStore) {
    this.#dir = join(dir, 'uploads');
    this.#objects = objects;
  }

  /** Opens the uploads of a lake's folder, and finishes those that were completed. */
  static async open(dir: string, objects: ObjectStore): Promise<Uploads> {
    const uploads = new Uploads(dir, objects);
    await mkdir(uploads.#dir, { recursive: true });
    for (const upload of await uploads.#all()) {
      const completed = await uploads.#completed(upload);
      if (completed) await uploads.#finish(upload, completed).catch(ignoreRefusal);
    }
    return uploads;
  }

  async begin(bucket: string, key: string, options: { readonly crc32: boolean }): Promise<Upload> {
    this.#objects.files.file(bucket, key);
    const initiated = Date.now();
    // The time first: uploads of one key are listed in the order of their beginnings.
    const uploadId = `${initiated.toString(16).padStart(12, '0')}-${randomUUID()}`;
    const upload = { bucket, key, uploadId, initiated, crc32: options.crc32 };
    const unfinished = this.#objects.unfinishedFile();
    await mkdir(unfinished);
    await writeDurable(join(unfinished, UPLOAD), JSON.stringify(upload));
    await rename(unfinished, this.#folder(upload));
    await syncFolder(this.#dir);
    return upload;
  }

  /** Stores a part, in place of one of the same number. When the promise resolves, it survives a power cut. */
  async putPart(address: UploadAddress, number: number, body: Readable): Promise<{ etag: string; crc32: string }> {
    await this.#upload(address);
    const { file, md5: etag, crc32 } = await this.#objects.receive(body);
    try {
      await this.#inTurn(address, async (upload) => {
        await rename(file, this.#part(upload, number));
        await syncFolder(this.#folder(upload));
      });
      return { etag, crc32 };
    } finally {
      await rm(file, { force: true });
    }
  }

  /**
   * Makes the named parts an object and sends its event.
   *
   * @throws S3Error NoSuchUpload, or what `assembledParts` throws, and ObjectStoreError PreconditionFailed: then the upload
   * stays as it is
   */
  async complete(address: UploadAddress, parts: readonly NamedPart[], expected: Expected): Promise<Completed> {
    return this.#inTurn(address, async (upload) => {
      const before = await this.#completed(upload);
      // An earlier request has written it down, and failed behind that.
      if (before) return this.#inKeyTurn(upload, () => this.#finish(upload, before));
      const assembled = await assembledParts(this.#objects, (number) => this.#part(upload, number), parts, expected);
      try {
        return await this.#inKeyTurn(upload, async () => {
          if (expected.onlyIfNew) await this.#objects.requireNew(upload.bucket, upload.key);
          return this.#finish(upload, await this.#record(upload, assembled));
        });
      } finally {
        await rm(assembled.file, { force: true });
      }
    });
  }

  async abort(address: UploadAddress): Promise<void> {
    await this.#inTurn(address, async (upload) => {
      const completed = await this.#completed(upload);
      if (!completed) return this.#remove(upload);
      await this.#inKeyTurn(upload, () => this.#finish(upload, completed));
      throw noSuchUpload(address);
    });
  }

  /** The uploads of a bucket's keys that begin with `prefix`, by key, then in the order of their beginnings. */
  async list(bucket: string, prefix: string): Promise<Upload[]> {
    this.#objects.files.requireBucket(bucket);
    const found: Upload[] = [];
    for (const upload of await this.#all()) {
      const wanted = upload.bucket === bucket && upload.key.startsWith(prefix);
      if (wanted && !(await this.#completed(upload))) found.push(upload);
    }
    return found.sort((a, b) => byBytes(a.key, b.key) || byBytes(a.uploadId, b.uploadId));
  }

  /** The parts of an upload, in order. */
  async parts(address: UploadAddress): Promise<{ number: number; etag: string; size: number; modified: Date }[]> {
    const upload = await this.#upload(address);
    const names = await readdir(this.#folder(upload));
    const numbers = names.filter((name) => /^\d+$/.test(name)).map(Number);
    const found = numbers
      .toSorted((a, b) => a - b)
      .map(async (number) => {
        const file = this.#part(upload, number);
        const { size, mtime } = await stat(file);
        const hash = createHash('md5');
        for await (const chunk of createReadStream(file)) hash.update(chunk);
        return { number, etag: hash.digest('hex'), size, modified: mtime };
      });
    return Promise.all(found);
  }

  /** Writes down that an upload is completed. From here on it will be an object, whoever dies. */
  async #record(upload: Upload, { file, etag, size, crc32 }: Assembled): Promise<Completed> {
    const completed = { etag, size, ...(upload.crc32 && { crc32 }) };
    const initiated = new Date(upload.initiated);
    await utimes(file, initiated, initiated);
    await rename(file, this.#whole(upload));
    await writeDurable(join(this.#folder(upload), COMPLETED), JSON.stringify(completed));
    return completed;
  }

  /** Does what is left of a completed upload; if it is broken off, another call goes on. */
  async #finish(upload: Upload, completed: Completed): Promise<Completed> {
    const { bucket, key, initiated } = upload;
    const { size, ...metadata } = completed;
    const whole = this.#whole(upload);
    try {
      if (await ifThere(stat(whole))) await this.#objects.place(whole, bucket, key, metadata);
    } catch (error) {
      // The key cannot be an object's here: nothing has happened.
      if (error instanceof ObjectStoreError) await rm(join(this.#folder(upload), COMPLETED));
      throw error;
    }
    const modified = new Date(initiated);
    await this.#objects.announce({ bucket, key, size, modified, ...metadata }, 'CompleteMultipartUpload');
    await this.#remove(upload);
    return completed;
  }

  async #remove(upload: UploadAddress): Promise<void> {
    const unfinished = this.#objects.unfinishedFile();
    await rename(this.#folder(upload), unfinished);
    await syncFolder(this.#dir);
    await rm(unfinished, { recursive: true });
  }

  async #inTurn<Result>(address: UploadAddress, step: (upload: Upload) => Promise<Result>): Promise<Result> {
    return this.#objects.inTurn(`upload ${address.uploadId}`, async () => step(await this.#upload(address)));
  }

  #inKeyTurn<Result>({ bucket, key }: UploadAddress, step: () => Promise<Result>): Promise<Result> {
    return this.#objects.inTurn(`${bucket}/${key}`, step);
  }

  async #upload(address: UploadAddress): Promise<Upload> {
    const { bucket, key, uploadId } = address;
    this.#objects.files.requireBucket(bucket);
    const upload = UPLOAD_ID.test(uploadId) ? await read<Upload>(join(this.#folder(address), UPLOAD)) : undefined;
    if (upload?.bucket !== bucket || upload.key !== key) throw noSuchUpload(address);
    return upload;
  }

  async #all(): Promise<Upload[]> {
    const names = (await readdir(this.#dir)).filter((name) => UPLOAD_ID.test(name));
    const uploads = await Promise.all(names.map((name) => read<Upload>(join(this.#dir, name, UPLOAD))));
    return uploads.filter((upload) => upload !== undefined);
  }

  #completed(upload: UploadAddress): Promise<Completed | undefined> {
    return read<Completed>(join(this.#folder(upload), COMPLETED));
  }

  #folder({ uploadId }: UploadAddress): string {
    return join(this.#dir, uploadId);
  }

  #part(upload: UploadAddress, number: number): string {
    return join(this.#folder(upload), String(number));
  }

  #whole(upload: UploadAddress): string {
    return join(this.#folder(upload), 'whole');
  }
}

const UPLOAD = 'upload.json';
const COMPLETED = 'completed.json';
const UPLOAD_ID = /^[0-9a-f]{12}-[0-9a-f-]{36}$/;

function noSuchUpload({ uploadId }: UploadAddress): S3Error {
  return new S3Error('NoSuchUpload', `no upload ${uploadId.slice(0, 80)} of this key: it was completed or aborted`);
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ObjectStoreError)) throw error;
}

/** The value in a file of JSON; undefined if there is no such file, or if it is damaged: then it is set aside. */
async function read<Value>(file: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Value;
  } catch (error) {
    if (error instanceof SyntaxError) setAside(file);
    else if (!isMissing(error)) throw error;
    return undefined;
  }
}
