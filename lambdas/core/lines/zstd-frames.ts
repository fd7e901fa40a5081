/**
 * Follows the frames of zstd through its bytes. Node's decompressors stop without an error at a skippable frame, at the
 * end of a frame in the middle of what they are given, and at bytes that are not zstd, so that what follows would be
 * lost; and only someone who knows where frames end can say that the last one is incomplete.
 *
 * https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const MAGIC_NUMBER = MAGIC.readUInt32LE();
const SKIPPABLE = 0x184d2a50;

/** Bytes of the fields that say what follows them. */
const FIELD_BYTES = { magic: 4, skippableSize: 4, descriptor: 1, blockHeader: 3 } as const;
type Field = keyof typeof FIELD_BYTES;

/** Bytes of a frame header's dictionary id and content size, by their flags. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

const RUN_LENGTH_BLOCK = 1;
const CHECKSUM_BYTES = 4;

/** Follows the frames of one zstd of any number of frames. */
export class ZstdFrames {
  /** The next field, or the end of the frame. It comes after `#content` more bytes. */
  #next: Field | 'end' = 'magic';
  #content = 0;
  /** Value of the field as far as its bytes have come, and how many have. */
  #value = 0;
  #valueBytes = 0;
  /** Within a frame that is not skippable. */
  #inFrame = false;
  #hasChecksum = false;
  readonly #frameEnded: (hasChecksum: boolean) => void;

  /** @param frameEnded called when a frame was given to the decompressor whole */
  constructor(frameEnded: (hasChecksum: boolean) => void = () => {}) {
    this.#frameEnded = frameEnded;
  }

  /** True if no frame is incomplete. */
  get complete(): boolean {
    return this.#next === 'magic' && this.#content === 0 && this.#valueBytes === 0;
  }

  /**
   * Yields what a decompressor must be given of the piece: never bytes of two frames at once, and none of a skippable
   * frame.
   *
   * @throws Error if a frame is followed by anything but a frame
   */
  *segments(piece: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let at = 0; ; ) {
      if (this.#next === 'end' && this.#content === 0) {
        yield piece.subarray(start, at);
        this.#inFrame = false;
        this.#next = 'magic';
        this.#frameEnded(this.#hasChecksum);
      }
      if (at === piece.length) break;
      if (this.#content > 0) {
        const length = Math.min(this.#content, piece.length - at);
        this.#content -= length;
        at += length;
      } else if (this.#readByte(piece[at++] as number) && this.#inFrame && this.#next === 'descriptor') {
        // Only now is it known that the magic was not that of a skippable frame.
        yield MAGIC;
        start = at;
      }
    }
    if (this.#inFrame && start < piece.length) yield piece.subarray(start);
  }

  /** Reads a byte of a field. Returns true if the field is complete. */
  #readByte(byte: number): boolean {
    const field = this.#next as Field;
    this.#value += byte * 2 ** (8 * this.#valueBytes);
    this.#valueBytes++;
    if (this.#valueBytes < FIELD_BYTES[field]) return false;
    const value = this.#value;
    this.#value = 0;
    this.#valueBytes = 0;
    this.#readField(field, value);
    return true;
  }

  #readField(field: Field, value: number): void {
    if (field === 'magic') this.#readMagic(value);
    else if (field === 'skippableSize') this.#expect(value, 'magic');
    else if (field === 'descriptor') this.#readDescriptor(value);
    else this.#readBlockHeader(value);
  }

  /** @param content bytes before the next field or the end */
  #expect(content: number, next: Field | 'end'): void {
    this.#content = content;
    this.#next = next;
  }

  #readMagic(magic: number): void {
    this.#inFrame = magic === MAGIC_NUMBER;
    if (!this.#inFrame && (magic & 0xfffffff0) >>> 0 !== SKIPPABLE) {
      throw new Error('bytes after the end of the compressed data');
    }
    this.#expect(0, this.#inFrame ? 'descriptor' : 'skippableSize');
  }

  #readDescriptor(flags: number): void {
    const singleSegment = (flags >> 5) & 1;
    const sizeFlag = (flags >> 6) & 3;
    const windowBytes = singleSegment ? 0 : 1;
    const sizeBytes = singleSegment && sizeFlag === 0 ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number);
    this.#hasChecksum = (flags & 4) !== 0;
    this.#expect(windowBytes + (DICTIONARY_ID_BYTES[flags & 3] as number) + sizeBytes, 'blockHeader');
  }

  #readBlockHeader(header: number): void {
    const isLast = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const bytes = type === RUN_LENGTH_BLOCK ? 1 : header >> 3;
    if (isLast) this.#expect(bytes + (this.#hasChecksum ? CHECKSUM_BYTES : 0), 'end');
    else this.#expect(bytes, 'blockHeader');
  }
}
