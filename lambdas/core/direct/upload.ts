/** Uploads one file in parts, as its bytes come. Nobody sees the file until its upload is completed. */
import { crc32 } from 'node:zlib';
import type { UploadedFile, UploadedPart } from './batch.ts';
import type { LakeFiles } from './ports.ts';

/**
 * Bytes from which on a part is uploaded. S3 takes no part below 5 MiB but the last one, and at most 10,000.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
const PART_BYTES = 8 * 1024 * 1024;

export class Upload {
  readonly #lake: LakeFiles;
  readonly #key: string;
  #uploadId: string | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  readonly #parts: UploadedPart[] = [];
  #size = 0;
  #crc = 0;

  constructor(lake: LakeFiles, key: string) {
    this.#lake = lake;
    this.#key = key;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    for (const bytes of pieces) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      this.#size += bytes.length;
      this.#crc = crc32(bytes, this.#crc);
    }
    if (this.#waitingBytes >= PART_BYTES) await this.#uploadPart();
  }

  /** Uploads what is left. The file is whole then, and still not visible. */
  async end(rows: number): Promise<UploadedFile> {
    if (this.#waitingBytes > 0) await this.#uploadPart();
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(this.#crc);
    return {
      key: this.#key,
      uploadId: await this.#id(),
      parts: this.#parts,
      size: this.#size,
      crc32: crc.toString('base64'),
      rows,
    };
  }

  /** Gives the upload up. Only for an attempt that certainly was not named by a seal. */
  async abort(): Promise<void> {
    if (this.#uploadId !== undefined) await this.#lake.abort(this.#key, this.#uploadId);
  }

  async #uploadPart(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#parts.push(await this.#lake.uploadPart(this.#key, await this.#id(), this.#parts.length + 1, bytes));
  }

  async #id(): Promise<string> {
    this.#uploadId ??= await this.#lake.begin(this.#key);
    return this.#uploadId;
  }
}
