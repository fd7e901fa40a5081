/**
 * Takes an object of gzipped records apart, as Firehose writes them: one gzip member after the other, each of which is a
 * record as a whole. Unlike in a file that someone compressed, a member that is broken says nothing of those after it: what
 * follows it is read on from the next place at which a member can begin.
 */
import { FREE_BYTES, MAX_RATIO, MEMBER_BYTES } from './decompress.ts';
import { type Inflater, type MemberEnded, openInflater } from './inflate.ts';
import { KEPT_OF_LONG_LINE_BYTES } from './lines.ts';
import { UnreadableError } from './unreadable.ts';

/** A record, or a part of the object that could not be decompressed. */
export type GzipRecord =
  | { readonly kind: 'record'; readonly bytes: Buffer }
  /** `shown`: the beginning of what it was decompressed to. */
  | { readonly kind: 'broken'; readonly detail: string; readonly shown: Buffer };

/**
 * Largest record, decompressed: it is held as a whole. Firehose takes records of 1,000 KiB, and gzip seldom makes logs more
 * than 20 times smaller.
 */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Compressed bytes of an open member that are held, to look for another one in them if it breaks. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** How a gzip member begins: its magic number, and the only method of compression. */
const START = Buffer.of(0x1f, 0x8b, 0x08);

/**
 * The records of an object, in their order. Parts that follow each other and cannot be decompressed are one.
 *
 * @throws UnreadableError if it is a decompression bomb; errors of `body` pass unchanged
 */
export async function* gzipRecords(
  body: AsyncIterable<Uint8Array>,
  open: (memberEnded: MemberEnded) => Inflater = (memberEnded) => openInflater('gzip', memberEnded),
): AsyncGenerator<GzipRecord> {
  const members = new Members(open);
  try {
    for await (const piece of pieces(body)) yield* members.read(piece);
    yield* members.end();
  } finally {
    members.close();
  }
}

/** Bytes of the object; a member can begin at the first of them, and at none of the others. */
interface Piece {
  readonly bytes: Buffer;
  /** A member can begin here. */
  readonly isStart: boolean;
}

/** Cuts the object where a member can begin, and where a piece would be too large for the decompressor. */
async function* pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    held = Buffer.concat([held, chunk]);
    const end = held.length - beginningAtEnd(held);
    yield* cut(held.subarray(0, end));
    held = held.subarray(end);
  }
  yield* cut(held);
}

/** Bytes at the end which may be the beginning of a start. */
function beginningAtEnd(bytes: Buffer): number {
  for (let length = START.length - 1; length > 0; length--) {
    if (bytes.length >= length && bytes.subarray(-length).equals(START.subarray(0, length))) return length;
  }
  return 0;
}

const PIECE_BYTES = 32 * 1024;

function* cut(bytes: Buffer): Generator<Piece> {
  for (let at = 0, start = bytes.indexOf(START); at < bytes.length; ) {
    const isStart = at === start;
    if (isStart) start = bytes.indexOf(START, at + 1);
    const end = Math.min(at + PIECE_BYTES, start < 0 ? bytes.length : start);
    yield { bytes: bytes.subarray(at, end), isStart };
    at = end;
  }
}

/** Reads the members. */
class Members {
  readonly #open: (memberEnded: MemberEnded) => Inflater;
  #inflater: Inflater;
  /** Between members; in one; or behind one that is broken, where no other has begun yet. */
  #state: 'between' | 'within' | 'lost' = 'between';
  /**
   * The open member is the first one of its decompressor. Otherwise the decompressor may have taken bytes after the last
   * member for the beginning of this one.
   */
  #isFirst = true;
  /** What the open member was decompressed to. */
  #made: Buffer[] = [];
  #madeBytes = 0;
  /** The pieces of the open member; undefined if they are too many to be held. */
  #held: Piece[] | undefined = [];
  #heldBytes = 0;
  /** The first of the parts that could not be decompressed since the last record. */
  #broken: GzipRecord | undefined;
  #records: GzipRecord[] = [];
  /** Bytes of the object that came, and the work that they made, in decompressed bytes. */
  #objectBytes = 0;
  #work = 0;

  constructor(open: (memberEnded: MemberEnded) => Inflater) {
    this.#open = open;
    this.#inflater = open(() => this.#memberEnded());
  }

  async *read(piece: Piece): AsyncGenerator<GzipRecord> {
    this.#objectBytes += piece.bytes.length;
    yield* this.#readAll([piece]);
  }

  /** Ends the object. */
  async *end(): AsyncGenerator<GzipRecord> {
    for (let came = this.#isOpen(); came !== undefined; came = this.#isOpen()) yield* this.#readAll(this.#break(came));
    if (this.#broken) yield this.#broken;
  }

  /** What is wrong with the end of what came so far; undefined if it is the end of a member, or what follows is lost. */
  #isOpen(): string | undefined {
    if (this.#state === 'lost') return undefined;
    try {
      this.#inflater.end();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  close(): void {
    this.#inflater.close();
  }

  async *#readAll(pieces: Piece[]): AsyncGenerator<GzipRecord> {
    const open = pieces.toReversed();
    for (let piece = open.pop(); piece; piece = open.pop()) {
      open.push(...(await this.#readPiece(piece)).toReversed());
      yield* this.#records.splice(0);
      if (this.#work > FREE_BYTES && this.#work > this.#objectBytes * MAX_RATIO) {
        const expected = `expected at most ${MAX_RATIO} decompressed bytes for each byte of the object`;
        throw new UnreadableError('decompression_bomb', `${expected}, got more from ${this.#objectBytes}`);
      }
    }
  }

  /** @returns pieces that are to be read again, before any others */
  async #readPiece(piece: Piece): Promise<Piece[]> {
    if (this.#state === 'lost' && !piece.isStart) return [];
    // Zeros after a member are padding.
    if (this.#state === 'between' && piece.bytes.every((byte) => byte === 0)) return [];
    if (this.#state !== 'within') {
      this.#isFirst = this.#state === 'lost';
      this.#state = 'within';
      this.#held = [];
      this.#heldBytes = 0;
    }
    this.#hold(piece);
    this.#work += piece.bytes.length;
    try {
      for await (const chunk of this.#inflater.write(piece.bytes)) this.#keep(chunk);
      return [];
    } catch (error) {
      return this.#break((error as Error).message);
    }
  }

  #hold(piece: Piece): void {
    this.#heldBytes += piece.bytes.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#held = undefined;
    this.#held?.push(piece);
  }

  #keep(chunk: Uint8Array): void {
    this.#work += chunk.length;
    this.#madeBytes += chunk.length;
    // A copy, because a chunk is valid only until the next one is requested.
    if (this.#madeBytes <= MAX_RECORD_BYTES) this.#made.push(Buffer.from(chunk));
    else this.#made = [this.#shown()];
  }

  #shown(): Buffer {
    return Buffer.concat(this.#made).subarray(0, KEPT_OF_LONG_LINE_BYTES);
  }

  /** The open member has come to its end, and its checksum is right. */
  #memberEnded(): void {
    this.#work += MEMBER_BYTES;
    if (this.#broken) this.#records.push(this.#broken);
    this.#broken = undefined;
    const length = this.#madeBytes;
    if (length <= MAX_RECORD_BYTES) this.#records.push({ kind: 'record', bytes: Buffer.concat(this.#made) });
    else {
      const detail = `expected a record of at most ${MAX_RECORD_BYTES} bytes, got ${length}`;
      this.#records.push({ kind: 'broken', detail, shown: this.#shown() });
    }
    this.#end('between');
  }

  /** The member is broken. @returns what is to be read again: another one may have begun within it */
  #break(came: string): Piece[] {
    const detail = `expected gzip up to its end, got ${came}`;
    this.#broken ??= { kind: 'broken', detail, shown: this.#shown() };
    const again = this.#state === 'within' ? (this.#held?.slice(this.#isFirst ? 1 : 0) ?? []) : [];
    this.#end('lost');
    this.#inflater.close();
    this.#inflater = this.#open(() => this.#memberEnded());
    return again;
  }

  #end(state: 'between' | 'lost'): void {
    this.#state = state;
    this.#made = [];
    this.#madeBytes = 0;
  }
}
