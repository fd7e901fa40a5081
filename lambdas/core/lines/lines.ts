/** Splits bytes into lines, however the bytes are chunked, in memory bounded by the longest line allowed. */
import { endWithoutSpace, ObjectScanner, objectStarts } from './json-objects.ts';
import { textOf } from './utf8.ts';

/** Longest line read, in bytes: also CloudWatch's limit for an event. Longer lines are rejected. */
export const MAX_LINE_BYTES = 1_048_576;

/** Bytes kept of a line that is too long, to show its beginning. */
export const KEPT_OF_LONG_LINE_BYTES = 65_536;

export const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LINE_END = Buffer.from([LINE_FEED]);

/** Bytes of a line without an end from which on it is scanned for the ends of objects. Ordinary lines are shorter. */
const SCANNED_BYTES = 65_536;

/** Receives lines as they are found. The bytes are valid during the call only. */
export interface LineSink {
  /**
   * The lines are JSON objects. Objects that follow each other in a line are lines of their own: see json-objects.ts.
   */
  readonly objects?: boolean;
  /**
   * Whole lines, each with its LF, as contained in a chunk.
   *
   * @default - each line is passed to `line` or `longLine`
   */
  lines?(block: Buffer): void;
  /**
   * A line without its end (LF or CRLF).
   *
   * @param isOpen whether it had none, because the input ends there
   */
  line(bytes: Buffer, isOpen?: boolean): void;
  /** A line of more than MAX_LINE_BYTES: its first bytes and its whole length. */
  longLine(head: Buffer, length: number): void;
}

/** Splits chunks into lines. A last line without a line end counts; a line end at the very end adds no empty line. */
export class LineSplitter {
  readonly #sink: LineSink;
  /** Parts of the line that is still open at the end of the last chunk, and their total length. */
  #open: Buffer[] = [];
  #openBytes = 0;
  /** Length of the open line once it is too long; then only its first bytes are kept. */
  #longBytes = 0;
  /** Finds the ends of objects in the open line; undefined if lines are no objects. */
  readonly #scanner: ObjectScanner | undefined;
  /** The whole open line has been scanned. */
  #scanned = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
    this.#scanner = sink.objects ? new ObjectScanner() : undefined;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    if (this.#openBytes > 0 || this.#longBytes > 0) {
      const end = bytes.indexOf(LINE_FEED);
      this.#hold(end < 0 ? bytes : bytes.subarray(0, end));
      if (end < 0) return;
      this.#finish(true);
      start = end + 1;
    }
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    if (end > start) {
      passLines(bytes.subarray(start, end), this.#sink);
      start = end;
    }
    if (start < bytes.length) this.#hold(bytes.subarray(start));
  }

  /** Ends the input: an open line is complete. */
  end(): void {
    if (this.#openBytes > 0 || this.#longBytes > 0) this.#finish(false);
  }

  /** Takes what has been read of the open line, for input that breaks off within it. */
  takeOpen(): Buffer {
    if (this.#scanner && !this.#scanned) this.#scan(Buffer.alloc(0));
    const open = Buffer.concat(this.#open);
    this.#clear();
    return open;
  }

  /** Adds a part to the open line, and passes on the objects that end in it because another one begins. */
  #hold(part: Buffer): void {
    const scanner = this.#scanner;
    if (scanner && !this.#scanned) {
      if (this.#openBytes + part.length > SCANNED_BYTES) this.#scan(part);
      else this.#add(part);
      return;
    }
    const first = scanner ? scanner.next(part, 0) : -1;
    if (!scanner || first < 0) {
      this.#add(part);
      return;
    }
    this.#add(part.subarray(0, first));
    const line = Buffer.concat(this.#open);
    if (this.#longBytes > 0) this.#sink.longLine(line, this.#longBytes);
    else passObjects(line, [0, line.length], this.#sink);
    this.#clearOpen();
    const starts = [first];
    for (let next = scanner.next(part, first); next >= 0; next = scanner.next(part, next)) starts.push(next);
    passObjects(part, starts, this.#sink);
    this.#add(part.subarray(starts.at(-1)));
  }

  /** Begins to scan the open line, with another part of it. */
  #scan(part: Buffer): void {
    const line = Buffer.concat([...this.#open, part]);
    this.#clearOpen();
    this.#scanned = true;
    this.#hold(line);
  }

  #add(part: Buffer): void {
    if (this.#longBytes > 0) {
      this.#longBytes += part.length;
      return;
    }
    // Copied, because the caller reuses the chunk's memory after push.
    this.#open.push(Buffer.from(part));
    this.#openBytes += part.length;
    if (this.#openBytes > MAX_LINE_BYTES) {
      this.#longBytes = this.#openBytes;
      this.#open = [Buffer.from(Buffer.concat(this.#open).subarray(0, KEPT_OF_LONG_LINE_BYTES))];
      this.#openBytes = 0;
    }
  }

  /** @param ended true if the line has ended with a line end, and is a whole line like any other */
  #finish(ended: boolean): void {
    const long = this.#longBytes;
    const bytes = Buffer.concat(ended && long === 0 ? [...this.#open, LINE_END] : this.#open);
    this.#clear();
    if (long > 0) this.#sink.longLine(bytes, long);
    else if (ended) passLines(bytes, this.#sink);
    else passLine(bytes, this.#sink, true);
  }

  #clear(): void {
    this.#clearOpen();
    this.#scanned = false;
    this.#scanner?.reset();
  }

  #clearOpen(): void {
    this.#open = [];
    this.#openBytes = 0;
    this.#longBytes = 0;
  }
}

function passLines(block: Buffer, sink: LineSink): void {
  if (sink.lines) sink.lines(block);
  else eachLine(block, sink);
}

/** Passes each line of a block of whole lines to the sink. */
export function eachLine(block: Buffer, sink: LineSink): void {
  let start = 0;
  for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, start)) {
    passLine(block.subarray(start, end), sink);
    start = end + 1;
  }
}

/** Passes a line without its LF to the sink. */
function passLine(line: Buffer, sink: LineSink, isOpen = false): void {
  const starts = sink.objects ? objectStarts(line) : [];
  if (starts.length > 1) {
    passObjects(line, starts, sink);
    passLines(Buffer.concat([line.subarray(starts.at(-1)), LINE_END]), sink);
  } else if (line.length <= MAX_LINE_BYTES) sink.line(withoutReturn(line), isOpen);
  else sink.longLine(line.subarray(0, KEPT_OF_LONG_LINE_BYTES), line.length);
}

/** Passes objects on as lines, without the white space between them. The last of the starts is the last object's end. */
function passObjects(bytes: Buffer, starts: readonly number[], sink: LineSink): void {
  const lines = Buffer.allocUnsafe(bytes.length + starts.length);
  let length = 0;
  const pass = () => {
    if (length > 0) passLines(lines.subarray(0, length), sink);
    length = 0;
  };
  for (let index = 1; index < starts.length; index++) {
    const [start, end] = [starts[index - 1] as number, starts[index] as number];
    if (end - start <= MAX_LINE_BYTES) {
      length += bytes.copy(lines, length, start, endWithoutSpace(bytes, end));
      lines[length++] = LINE_FEED;
    } else {
      pass();
      sink.longLine(bytes.subarray(start, start + KEPT_OF_LONG_LINE_BYTES), end - start);
    }
  }
  pass();
}

/** Removes the CR of a line that ended with CR LF. */
export function withoutReturn(line: Buffer): Buffer {
  return line[line.length - 1] === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

/** A text without the line ends at its end. */
export function withoutLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && '\r\n'.includes(text[end - 1] ?? ' ')) end--;
  return text.slice(0, end);
}

/** Text of the line that begins at an offset in a block of whole lines. */
export function lineAt(block: Buffer, start: number): string {
  return textOf(withoutReturn(block.subarray(start, block.indexOf(LINE_FEED, start))));
}
