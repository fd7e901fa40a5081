/**
 * Follows the members of gzip through its bytes. zlib reads several members as one, and does not say where one of them
 * begins; but a checksum says of its own member only that what was decompressed is right. Between header and trailer is
 * deflate, which says by itself where it ends.
 *
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.3
 */
import { crc32 } from 'node:zlib';

/** Fields of a header in their order, after the first ten bytes, by the flag that says that they are there. */
const FLAGS = { headerChecksum: 2, extra: 4, name: 8, comment: 16 } as const;
const UNKNOWN_FLAGS = 0xe0;
const FIXED_HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;

type Part = 'header' | 'extraLength' | 'extra' | 'name' | 'comment' | 'headerChecksum' | 'deflate' | 'trailer';

/** Follows one gzip of any number of members. */
export class GzipMembers {
  /** What the next byte belongs to. */
  #part: Part = 'header';
  /** Bytes of the part as far as they have come; those of the deflate are not kept. */
  #bytes: number[] = [];
  #extraBytes = 0;
  #flags = 0;
  /** Of the header's bytes, and of what the deflate is decompressed to. */
  #headerChecksum = 0;
  #checksum = 0;
  #length = 0;

  /** True between members. */
  get complete(): boolean {
    return this.#part === 'header' && this.#bytes.length === 0;
  }

  /** True if the next bytes are deflate. */
  get inDeflate(): boolean {
    return this.#part === 'deflate';
  }

  /** Takes decompressed bytes of the member. */
  decompressed(chunk: Uint8Array): void {
    this.#checksum = crc32(chunk, this.#checksum);
    this.#length = (this.#length + chunk.length) % 2 ** 32;
  }

  /** The deflate has ended. */
  deflateEnded(): void {
    this.#begin('trailer');
  }

  /**
   * Reads a byte outside of deflate. Returns true if the member is complete.
   *
   * @throws Error, in the words of zlib, if the bytes are no header, or if the trailer is not that of what was decompressed
   */
  readByte(byte: number): boolean {
    const bytes = this.#bytes;
    const part = this.#part;
    bytes.push(byte);
    if (part === 'trailer') return this.#readTrailer();
    if (part === 'header') {
      this.#readHeader();
      return false;
    }
    if (part !== 'headerChecksum' && (this.#flags & FLAGS.headerChecksum) !== 0) {
      this.#headerChecksum = crc32(Uint8Array.of(byte), this.#headerChecksum);
    }
    if (part === 'extraLength' && bytes.length === 2) {
      this.#extraBytes = little(bytes);
      this.#begin(this.#extraBytes > 0 ? 'extra' : this.#after('extra'));
    } else if (part === 'extra' && bytes.length === this.#extraBytes) this.#begin(this.#after(part));
    else if ((part === 'name' || part === 'comment') && byte === 0) this.#begin(this.#after(part));
    else if (part === 'headerChecksum' && bytes.length === 2) {
      if (little(bytes) !== (this.#headerChecksum & 0xffff)) throw new Error('header crc mismatch');
      this.#begin('deflate');
    } else if (part === 'name' || part === 'comment') bytes.length = 0;
    return false;
  }

  #readHeader(): void {
    const bytes = this.#bytes;
    const [first = 0x1f, second = 0x8b, method = DEFLATE, flags = 0] = bytes;
    if (first !== 0x1f || second !== 0x8b) throw new Error('incorrect header check');
    if (method !== DEFLATE) throw new Error('unknown compression method');
    if ((flags & UNKNOWN_FLAGS) !== 0) throw new Error('unknown header flags set');
    if (bytes.length < FIXED_HEADER_BYTES) return;
    this.#flags = flags;
    this.#headerChecksum = crc32(Uint8Array.from(bytes));
    this.#checksum = 0;
    this.#length = 0;
    this.#begin((flags & FLAGS.extra) !== 0 ? 'extraLength' : this.#after('extra'));
  }

  /** The part that follows, as the flags say. */
  #after(part: 'extra' | 'name' | 'comment'): Part {
    const has = (flag: number) => (this.#flags & flag) !== 0;
    if (part === 'extra' && has(FLAGS.name)) return 'name';
    if (part !== 'comment' && has(FLAGS.comment)) return 'comment';
    return has(FLAGS.headerChecksum) ? 'headerChecksum' : 'deflate';
  }

  #readTrailer(): boolean {
    const bytes = this.#bytes;
    if (bytes.length === 4 && little(bytes) !== this.#checksum) throw new Error('incorrect data check');
    if (bytes.length < TRAILER_BYTES) return false;
    if (little(bytes.slice(4)) !== this.#length) throw new Error('incorrect length check');
    this.#begin('header');
    return true;
  }

  #begin(part: Part): void {
    this.#part = part;
    this.#bytes = [];
  }
}

/** A number whose lowest byte comes first. */
function little(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0);
}
