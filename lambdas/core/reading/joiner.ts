/**
 * Joins the pieces of lines that a container runtime has split (envelope.ts has the marks). Lines of other streams may lie
 * between the pieces of a line. So lines are held from a line's first piece until its last one has come, and come out in
 * their order: the whole line in the place of its first piece, and the other pieces as `joined`.
 *
 * Pieces that cannot be joined come out each for itself, as `partial`: if a piece in between or the last one is missing,
 * if the last one is not within HELD_LINES and HELD_BYTES, or if the line would be longer than any line may be.
 */
import { createHash } from 'node:crypto';
import { MAX_LINE_BYTES } from '../lines/lines.ts';
import { joinTexts } from '../lines/utf8.ts';
import type { LinePiece } from './line-piece.ts';

/** Lines, and characters of them, among which the last piece of a line is looked for, from its first one on. */
export const HELD_LINES = 256;
const HELD_CHARS = 4 * MAX_LINE_BYTES;

/** A stream whose line cannot be joined is forgotten after so many lines without a line of it. */
const FORGET_AFTER_LINES = 1000;
/** Most of such streams that are remembered: they are part of every checkpoint. */
const MAX_BROKEN = 100;

/**
 * Docker cuts lines into pieces of 16 KiB; a piece may have less characters by those that are no ASCII.
 * https://github.com/moby/moby/blob/master/daemon/logger/copier.go
 */
const DOCKER_PIECE_BYTES = 16_384;
/** Docker's records without a line feed, shorter than a piece, after which line feeds count as removed. */
const REMOVED_AFTER = 8;

/**
 * Whether the texts of Docker's records end in a line feed, so that one without it is a piece. A collector may remove them
 * all: without any, each text is a whole line.
 */
export type LineFeeds = 'unknown' | 'removed' | 'kept';

/**
 * What the lines up to a place say of the lines after it: all that another attempt needs, beside the lines after the
 * place, to go on there.
 */
export interface Joining {
  readonly lineFeeds: LineFeeds;
  /** Positions of later lines that are joined to earlier ones. */
  readonly joined: readonly number[];
  /** Streams with a line that cannot be joined and has not ended, with the position of the last piece that came. */
  readonly broken: Readonly<Record<string, number>>;
}

export const NOT_JOINING: Joining = { lineFeeds: 'unknown', joined: [], broken: {} };

/** A line that was held, and is whole and no piece. */
export interface HeldLine {
  readonly position: number;
  readonly text: string;
  /** Time of the log event whose message the line is. */
  readonly timestamp?: number | undefined;
}

/** Takes the lines in their order. */
export interface JoinedLines {
  /** Whole lines that follow each other: the same as `line` for each. */
  held(lines: readonly HeldLine[]): void;
  /** A whole line, joined if it came in pieces. It has the timestamp of its first piece. */
  line(text: string, timestamp: number | undefined): void;
  /** A piece that is part of an earlier line. */
  joined(text: string, timestamp: number | undefined): void;
  /** A piece that cannot be joined. */
  partial(text: string, timestamp: number | undefined): void;
  /** True if a line is a row without an error. */
  isRow(text: string): boolean;
}

/** A line that is held, until it is known what becomes of it and of all lines before it. */
interface Held extends HeldLine {
  readonly piece?: LinePiece;
  /** Takes the line; undefined until it is known as what. */
  take?: () => void;
  /** The line is whole, and no piece. */
  isWhole?: true;
  /** Positions of the pieces that are joined to this one. */
  joins?: readonly number[];
  /** The broken line of which this is a piece, and whether it goes on. */
  broken?: { readonly name: string; readonly more: boolean };
  /** What was known when the line came. */
  lineFeeds: LineFeeds;
}

/** Held lines that are read one by one: for fewer, it takes longer to make a block for the kernel. */
const FEW = 8;

/** A line of which the last piece has not come. */
interface OpenLine {
  readonly pieces: (Held & { readonly piece: LinePiece })[];
  bytes: number;
}

/** Joins the pieces of one input's lines. */
export class Joiner {
  readonly #pieceOf: ((line: string) => LinePiece | undefined) | undefined;
  readonly #lines: JoinedLines;
  /** Position of the last line that was added, and what is known up to there. */
  #position: number;
  #lineFeeds: LineFeeds;
  readonly #joined: Set<number>;
  readonly #broken: Map<string, number>;
  /** The same as of the last line that was taken: lines after it are held. */
  #taken: { readonly lineFeeds: LineFeeds; readonly joined: Set<number>; readonly broken: Map<string, number> };
  #held: Held[] = [];
  #heldChars = 0;
  /** Lines that are open, by stream. */
  readonly #open = new Map<string, OpenLine>();
  /** Records of Docker without a line feed, while it is not known whether all are. */
  #undecided: OpenLine['pieces'] = [];
  /** How many of them are shorter than a piece that Docker cuts. */
  #short = 0;

  /**
   * @param pieceOf tells what the envelope of a line says of pieces; absent if lines of the format have no envelopes
   * @param position of the last line that an earlier attempt has loaded
   * @param joining what it has left
   */
  constructor(
    pieceOf: ((line: string) => LinePiece | undefined) | undefined,
    lines: JoinedLines,
    position = 0,
    { lineFeeds, joined, broken }: Joining = NOT_JOINING,
  ) {
    this.#pieceOf = pieceOf;
    this.#lines = lines;
    this.#position = position;
    this.#lineFeeds = lineFeeds;
    this.#joined = new Set(joined);
    this.#broken = new Map(Object.entries(broken));
    this.#taken = { lineFeeds, joined: new Set(joined), broken: new Map(Object.entries(broken)) };
  }

  /** True if the next line is whole unless it is itself marked as a piece: the kernel may read it. */
  get idle(): boolean {
    return this.whole === 'all';
  }

  /** Which of the next lines are whole unless they are themselves marked as pieces: the kernel may read these. */
  get whole(): WholeLines {
    if (this.#waits) return 'none';
    return this.#broken.size === 0 ? 'all' : 'without-envelope';
  }

  get #waits(): boolean {
    return this.#held.length > 0 || this.#joined.size > 0;
  }

  get lineFeeds(): LineFeeds {
    return this.#lineFeeds;
  }

  /** What another attempt needs to go on after the last line that was taken. */
  get joining(): Joining {
    const { lineFeeds, joined, broken } = this.#taken;
    return { lineFeeds, joined: [...joined], broken: Object.fromEntries(broken) };
  }

  /**
   * Adds the next line.
   *
   * @param timestamp of the log event whose message the line is
   */
  add(text: string, timestamp?: number): void {
    if (!this.#pieceOf || (this.idle && !MAY_BE_PIECE.test(text))) {
      this.pass(text, () => this.#lines.line(text, timestamp));
      return;
    }
    const piece = this.#pieceOf(text);
    const held: Held = {
      position: ++this.#position,
      text,
      timestamp,
      ...(piece && { piece }),
      lineFeeds: this.#lineFeeds,
    };
    this.#hold(held);
    forget(this.#broken, this.#position);
    if (this.#joined.delete(held.position)) held.take = () => this.#lines.joined(text, timestamp);
    else if (isPiece(held)) this.#place(held);
    else {
      held.take = () => this.#lines.line(text, timestamp);
      held.isWhole = true;
    }
    held.lineFeeds = this.#lineFeeds;
    this.#takeKnown();
  }

  /** Adds a line of which it is known what becomes of it. It is taken in its order. */
  pass(text: string, take: () => void): void {
    this.#position++;
    this.#hold({ position: this.#position, text, take, lineFeeds: this.#lineFeeds });
    this.#takeKnown();
  }

  /** Passes over lines that were read as they are. */
  skip(lines: number): void {
    this.#position += lines;
    forget(this.#broken, this.#position);
    forget(this.#taken.broken, this.#position);
  }

  /** Ends the input: what has not come does not come. */
  end(): void {
    if (this.#undecided.length > 0) this.#decide('removed');
    for (const stream of [...this.#open.keys()]) this.#giveUp(stream);
    this.#takeKnown();
  }

  #hold(held: Held): void {
    this.#held.push(held);
    this.#heldChars += held.text.length;
  }

  #place(held: OpenLine['pieces'][number]): void {
    const { kind, text } = held.piece;
    if (kind !== 'unmarked') this.#put(held, kind === 'more');
    else if (text.endsWith('\n')) {
      this.#decide('kept');
      this.#put(held, false);
    } else if (this.#lineFeeds === 'unknown') {
      this.#undecided.push(held);
      if (Buffer.byteLength(text) < DOCKER_PIECE_BYTES) this.#short++;
      if (this.#short >= REMOVED_AFTER) this.#decide('removed');
    } else this.#put(held, this.#lineFeeds === 'kept');
  }

  #decide(lineFeeds: LineFeeds): void {
    this.#lineFeeds = lineFeeds;
    const undecided = this.#undecided;
    this.#undecided = [];
    for (const held of this.#held) if (held.lineFeeds === 'unknown') held.lineFeeds = lineFeeds;
    for (const held of undecided) this.#put(held, lineFeeds === 'kept');
  }

  /** Puts a piece to the line of its stream, or begins a line with it. */
  #put(held: OpenLine['pieces'][number], more: boolean): void {
    const { ordinal, kind, text } = held.piece;
    if (!more && kind !== 'rest' && (ordinal ?? 1) === 1 && this.#open.size === 0 && this.#broken.size === 0) {
      held.take = () => this.#lines.line(held.text, held.timestamp);
      return;
    }
    const { stream } = held.piece;
    if (this.#broken.size > 0 && this.#broken.has(nameOf(stream))) {
      if (ordinal !== 1) {
        this.#break(held, more);
        return;
      }
      this.#broken.delete(nameOf(stream));
      held.broken = { name: nameOf(stream), more: false };
    }
    const open = this.#open.get(stream);
    if (!open) {
      const isFirst = ordinal === undefined ? kind !== 'rest' : ordinal === 1;
      if (!isFirst) this.#break(held, more);
      else if (more) this.#open.set(stream, { pieces: [held], bytes: Buffer.byteLength(text) });
      else held.take = () => this.#lines.line(held.text, held.timestamp);
      return;
    }
    open.bytes += Buffer.byteLength(text);
    const isNext = ordinal === undefined || ordinal === open.pieces.length + 1;
    if (isNext && open.bytes <= MAX_LINE_BYTES) {
      open.pieces.push(held);
      if (!more) this.#finish(stream, open);
      return;
    }
    this.#giveUp(stream);
    this.#put(held, more);
  }

  /** Joins the pieces of a line that is complete. */
  #finish(stream: string, { pieces }: OpenLine): void {
    this.#open.delete(stream);
    const [first, ...others] = pieces;
    const last = others.at(-1);
    if (!first || !last) return;
    const whole = first.piece.whole(joinTexts(pieces.map(({ piece }) => piece.text)));
    if (last.piece.ordinal === undefined && this.#lines.isRow(last.text) && !this.#lines.isRow(whole)) {
      // The rest of the line has not come: what looks like its last piece is another line.
      for (const held of pieces) this.#break(held, false);
      last.take = () => this.#lines.line(last.text, last.timestamp);
      return;
    }
    first.joins = others.map(({ position }) => position);
    first.take = () => this.#lines.line(whole, first.timestamp);
    for (const other of others) other.take = () => this.#lines.joined(other.text, other.timestamp);
  }

  /** Gives up joining a line: its pieces, and those that come, are pieces alone. */
  #giveUp(stream: string): void {
    const { pieces = [] } = this.#open.get(stream) ?? {};
    this.#open.delete(stream);
    for (const held of pieces) this.#break(held, true);
  }

  #break(held: OpenLine['pieces'][number], more: boolean): void {
    held.take = () => this.#lines.partial(held.text, held.timestamp);
    held.broken = { name: nameOf(held.piece.stream), more };
    noteBroken(this.#broken, held);
  }

  /** Takes the lines of which it is known what becomes of them and of all lines before them. */
  #takeKnown(): void {
    for (;;) {
      const first = this.#held[0];
      if (!first) return;
      if (first.isWhole && this.#takeWhole()) continue;
      if (first.take) {
        this.#held.shift();
        this.#heldChars -= first.text.length;
        first.take();
        this.#note(first);
      } else if (this.#held.length > HELD_LINES || this.#heldChars > HELD_CHARS) {
        if (this.#undecided.includes(first as OpenLine['pieces'][number])) this.#decide('removed');
        else this.#giveUp(first.piece?.stream ?? '');
      } else return;
    }
  }

  /** Takes the whole lines that are held first, if they are many. */
  #takeWhole(): boolean {
    let count = 0;
    while (this.#held[count]?.isWhole) count++;
    if (count < FEW) return false;
    const lines = this.#held.splice(0, count);
    for (const { text } of lines) this.#heldChars -= text.length;
    this.#lines.held(lines);
    for (const held of lines) this.#note(held);
    return true;
  }

  /** Notes what a line that was taken says of those after it. */
  #note(held: Held): void {
    const { joined, broken } = this.#taken;
    joined.delete(held.position);
    for (const position of held.joins ?? []) joined.add(position);
    noteBroken(broken, held);
    forget(broken, held.position);
    this.#taken = { lineFeeds: held.lineFeeds, joined, broken };
  }
}

/** `without-envelope`: those that are in no envelope, as MAY_BE_IN_ENVELOPE finds none. */
export type WholeLines = 'all' | 'without-envelope' | 'none';

/**
 * Lines without any of these are in no envelope that names a stream, and so do not go on with a line that is broken: the
 * marks below, and those of whole lines of CRI.
 */
export const MAY_BE_IN_ENVELOPE = /std(?:out|err) [FP]|"_p\\*"|logtag|partial_|stream\\*"/;

/** Lines without any of these have no mark: `P` of CRI, the keys of marks, and the keys of Docker's records. */
const MAY_BE_PIECE = /std(?:out|err) P|"_p\\*"|logtag|partial_|stream\\*"/;

function isPiece(held: Held): held is OpenLine['pieces'][number] {
  return held.piece !== undefined;
}

/** Short, because it is stored with every checkpoint. */
function nameOf(stream: string): string {
  return createHash('sha256').update(stream).digest('base64url').slice(0, 12);
}

function noteBroken(names: Map<string, number>, { broken, position }: Held): void {
  if (!broken) return;
  names.delete(broken.name);
  if (broken.more) names.set(broken.name, position);
  if (names.size > MAX_BROKEN) names.delete([...names.keys()][0] ?? '');
}

/** Forgets the streams that have not come for long, which are the first of the map. */
function forget(names: Map<string, number>, position: number): void {
  for (const [name, last] of names) {
    if (last + FORGET_AFTER_LINES >= position) return;
    names.delete(name);
  }
}
