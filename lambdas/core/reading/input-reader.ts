/**
 * Reads the lines of an input in their order: an object's bytes, or the messages of a subscription payload. Loading, the
 * duplicate check and `lake parse` each give it what they do with a line. Ordinary lines are read by the kernel, if there
 * is one, all others by the format's TypeScript reader.
 */
import {
  eachLine,
  KEPT_OF_LONG_LINE_BYTES,
  LINE_FEED,
  type LineSink,
  LineSplitter,
  MAX_LINE_BYTES,
} from '../lines/lines.ts';
import { textOf, withoutBom } from '../lines/utf8.ts';
import { type BlockSink, type EventsSink, readBlock, readEvents } from './blocks.ts';
import { PIECE } from './envelope.ts';
import { eventAt, eventBlocks, type LogEvent, nextEvent } from './events.ts';
import { ExportSplitter } from './export-splitter.ts';
import {
  BLANK_LINE,
  type CompiledFormat,
  filtered,
  JOINED,
  type LineReader,
  type Outcome,
  readLine,
  rejected,
} from './format.ts';
import { type HeldLine, type JoinedLines, Joiner, type Joining } from './joiner.ts';
import { type EventContent, type LineKernel, type LinesRead, MAX_ROOM_BYTES } from './kernel.ts';
import type { LinePiece } from './line-piece.ts';
import { BadPayloadError, type PayloadJson, payloadOf } from './payload-json.ts';
import { arePayloads, mayBecomePayloads, type PayloadSink, PayloadSplitter } from './payload-splitter.ts';
import { type KeepRaw, Row } from './row.ts';

/** Reason of what is in an object of subscription payloads and is none. */
export const BAD_PAYLOAD = 'bad_payload';

/** Most characters in the name of a log group or stream. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html */
const MAX_NAME_CHARS = 512;

/** Takes the lines of an input, in the order of their positions. */
export interface LineConsumer {
  /**
   * Takes one line. Its values are in the row of the InputReader if the outcome is a row.
   *
   * @param identity what tells the line from others: its text, and more if the text is not the whole line
   * @param timestamp of the event whose message the line is, in milliseconds since the epoch; undefined if it is not
   * known, and for the line of an object
   */
  add(line: string, outcome: Outcome, identity: string, timestamp: number | undefined): void;
  /**
   * Begins a payload, in an object of payloads whose rows tell of which one they are.
   *
   * @param before lines before its first event
   */
  beginPayload?(payload: PayloadJson, before: number): void;
  /** How lines are taken that the kernel has read; absent if the TypeScript reader must read all lines. */
  readonly kernel?: KernelLines;
}

/** What the kernel needs to read lines, and what becomes of them. */
export interface KernelLines extends Partial<Pick<BlockSink, 'room' | 'makeRoom' | 'countRejected'>> {
  readonly kernel: LineKernel;
  /** Which rows keep their line. */
  readonly keepRaw: KeepRaw;
  /** Takes lines that the kernel has read. */
  take(read: LinesRead, block: Buffer): void;
}

export interface InputReaderProps {
  readonly format: Pick<CompiledFormat, 'columns' | 'reader'>;
  /** The row that the format's reader writes to. */
  readonly row: Row;
  /** Number of lines at the beginning of an object that are passed over, because an earlier attempt has loaded them. */
  readonly skip?: number;
  /** What that attempt knew of the pieces of lines. */
  readonly joining?: Joining;
  /** Whether rows have the column `logged_at`, with the time of their event. @default false */
  readonly timed?: boolean;
  /** Whether the objects were exported by CloudWatch, with a time before each event. @default false */
  readonly exported?: boolean;
}

export class InputReader {
  readonly #reader: LineReader;
  readonly #row: Row;
  readonly #consumer: LineConsumer;
  readonly #timed: boolean;
  readonly #pieceOf: ((line: string) => LinePiece | undefined) | undefined;
  readonly #joinedLines: JoinedLines;
  /** Rows tell of which payload they are. */
  #inPayload = false;
  /** The beginning of an object, until it is known what its content is. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #content: LineSplitter | PayloadSplitter | ExportSplitter;
  /** Receives the lines of an object that are read one by one. */
  readonly #objectLines: LineSink;
  #joiner: Joiner;
  /** The log stream of the payload that is read, in an object of payloads: pieces of several are no line. */
  #logStream = '';
  /** Number of lines that came, those that are held to be joined among them, and of lines that are still to be skipped. */
  #lines: number;
  #skip: number;
  /** The last line of an object that has no line end. */
  #openLine: string | undefined;

  constructor(props: InputReaderProps, consumer: LineConsumer) {
    const { format, row, skip = 0, joining, timed = false, exported = false } = props;
    const { reader } = format;
    this.#reader = reader;
    this.#row = row;
    this.#consumer = consumer;
    this.#timed = timed;
    this.#skip = skip;
    this.#lines = skip;
    this.#pieceOf = reader.pieceOf && ((line: string) => pieceOfLogStream(reader.pieceOf?.(line), this.#logStream));
    this.#joinedLines = {
      line: (text, timestamp) => this.#read(text, timestamp),
      held: (held) => this.#readHeld(held),
      joined: (text, timestamp) => consumer.add(text, filtered(JOINED), text, timestamp),
      partial: (text, timestamp) => consumer.add(text, rejected(PIECE.reason, PIECE.detail), text, timestamp),
      isRow: (text) => {
        const tried = new Row(format.columns);
        return readLine(reader, text, tried).kind === 'row' && tried.fieldErrors === 0;
      },
    };
    this.#joiner = new Joiner(this.#pieceOf, this.#joinedLines, skip, joining);
    this.#objectLines = {
      objects: reader.objects ?? false,
      lines: (block) => this.#readBlock(block),
      line: (bytes, isOpen) => {
        if (this.#skipLine()) return;
        const text = textOf(bytes);
        const line = this.#lines === 0 ? withoutBom(text) : text;
        if (isOpen) this.#openLine = line;
        this.#add(line);
      },
      longLine: (head, length) => {
        if (this.#skipLine()) return;
        const text = textOf(head);
        const detail = `expected at most ${MAX_LINE_BYTES} bytes, got ${length}`;
        this.#pass(text, rejected('line_too_long', detail), `${length} ${text}`);
      },
    };
    this.#content = new LineSplitter(this.#objectLines);
    if (!exported) return;
    // What the objects are is known: their beginning need not tell.
    this.#head = undefined;
    this.#content = new ExportSplitter({
      readEvents: (block) => this.readEvents(block),
      longLine: this.#objectLines.longLine,
    });
  }

  /** What another attempt needs to go on after the last line that was given to the consumer. */
  get joining(): Joining {
    return this.#joiner.joining;
  }

  get #events(): EventContent {
    if (this.#inPayload) return 'payload-events';
    return this.#timed ? 'timed-events' : 'events';
  }

  /** Reads the next bytes of an object, whose content is lines, or payloads of log events: its beginning tells. */
  push(chunk: Uint8Array): void {
    if (this.#head === undefined) {
      this.#content.push(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (!mayBecomePayloads(this.#head)) this.#begin();
  }

  /** Ends the input. The last line of an object may have no line feed. */
  end(): void {
    this.#begin();
    this.#content.end();
    this.#joiner.end();
  }

  /** True while the lines of an earlier attempt are passed over. */
  get skipping(): boolean {
    return this.#skip > 0;
  }

  /**
   * Ends an object whose further bytes cannot be read. The part of its last line that was read is rejected.
   *
   * @param rest replaces that part if the object has no lines
   */
  breakOff(reason: string, detail: string, rest?: string): void {
    this.#begin();
    const open = rest ?? textOf(this.#content.takeOpen().subarray(0, MAX_LINE_BYTES));
    // An earlier attempt may have rejected this line, checkpointed, and crashed before it finished the entry.
    if (this.#skipLine()) return;
    this.#joiner.end();
    this.#pass(open, rejected(reason, detail));
  }

  /** Reads a block of log events (events.ts), each as one line, whatever its message. */
  readEvents(block: Buffer): void {
    let at = 0;
    while (at < block.length && this.#skipLine()) at = nextEvent(block, at);
    const { kernel } = this.#consumer;
    if (kernel) {
      const event = ({ message, timestamp }: LogEvent) => this.#add(message, timestamp);
      const sink = { ...this.#blockSink(kernel), event };
      readEvents(kernel.kernel, block.subarray(at), this.#events, kernel.keepRaw, sink);
      return;
    }
    while (at < block.length) {
      const { message, timestamp, next } = eventAt(block, at);
      this.#add(message, timestamp);
      at = next;
    }
  }

  /**
   * Reads the JSON of a payload, in an object that consists of gzipped payloads, as if it were an input of its own: its
   * lines are not joined with those of other payloads. What is no payload is one rejected line.
   */
  readPayload(json: Buffer): void {
    this.#head = undefined;
    try {
      const payload = payloadOf(json);
      if (!payload) return;
      const { logGroup, logStream, blocks } = payload;
      if (logGroup.length > MAX_NAME_CHARS || logStream.length > MAX_NAME_CHARS) {
        throw new BadPayloadError(`expected names of at most ${MAX_NAME_CHARS} characters`);
      }
      if (this.#consumer.beginPayload) {
        this.#consumer.beginPayload(payload, this.#lines);
        this.#inPayload = true;
      }
      for (const block of blocks) this.readEvents(block);
    } catch (error) {
      if (!(error instanceof BadPayloadError)) throw error;
      this.#bad(json.subarray(0, KEPT_OF_LONG_LINE_BYTES), json.length, error.message);
    }
    this.#joiner.end();
    this.#joiner = new Joiner(this.#pieceOf, this.#joinedLines, this.#lines);
  }

  /** Rejects a part of such an object that could not be decompressed. */
  rejectPart(reason: string, detail: string, shown: string): void {
    this.#head = undefined;
    this.#pass(shown, rejected(reason, detail));
  }

  /** Reads the beginning of an object, if that has not been done. */
  #begin(): void {
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined) return;
    if (arePayloads(head)) this.#content = new PayloadSplitter({ readEvents: this.#payloadEvents, bad: this.#bad });
    this.#content.push(head);
  }

  readonly #payloadEvents: PayloadSink['readEvents'] = (block, logStream) => {
    this.#logStream = logStream;
    this.readEvents(block);
  };

  readonly #bad: PayloadSink['bad'] = (head, length, detail) => {
    if (this.#skipLine()) return;
    const text = textOf(head);
    this.#pass(text, rejected(BAD_PAYLOAD, detail), `${length} ${text}`);
  };

  /** Reads a block of whole lines of an object. */
  #readBlock(block: Buffer): void {
    const { kernel } = this.#consumer;
    let rest = block;
    // The first line may begin with a byte order mark and skipped lines are only counted: neither is for the kernel.
    while (rest.length > 0 && (!kernel || this.#skip > 0 || this.#lines === 0)) {
      const end = kernel ? rest.indexOf(LINE_FEED) + 1 : rest.length;
      eachLine(rest.subarray(0, end), this.#objectLines);
      rest = rest.subarray(end);
    }
    if (!kernel) return;
    readBlock(kernel.kernel, rest, kernel.keepRaw, { ...this.#blockSink(kernel), ...this.#objectLines });
  }

  #blockSink({
    room = () => MAX_ROOM_BYTES,
    makeRoom = () => true,
    countRejected = () => false,
    take,
  }: KernelLines): BlockSink {
    return {
      position: () => this.#lines + 1,
      whole: () => this.#joiner.whole,
      lineFeeds: () => this.#joiner.lineFeeds,
      room,
      makeRoom,
      countRejected,
      take: (read, block) => {
        const lines = read.rows + read.filtered + read.rejected;
        take(read, block);
        this.#lines += lines;
        this.#joiner.skip(lines);
      },
    };
  }

  #add(line: string, timestamp?: number): void {
    this.#lines++;
    this.#joiner.add(line, timestamp);
  }

  /** Adds a line that is not read. */
  #pass(line: string, outcome: Outcome, identity = line): void {
    this.#lines++;
    this.#joiner.pass(line, () => this.#consumer.add(line, outcome, identity, undefined));
  }

  /** Reads lines that were held, with the kernel if there is one. */
  #readHeld(lines: readonly HeldLine[]): void {
    const { kernel } = this.#consumer;
    // A block of events has no line ends at the end of a text.
    if (!kernel || lines.some(({ text }) => /[\r\n]$/.test(text))) {
      for (const { text, timestamp } of lines) this.#read(text, timestamp);
      return;
    }
    let position = lines[0]?.position ?? 0;
    const sink: EventsSink = {
      ...this.#blockSink(kernel),
      position: () => position,
      whole: () => 'all',
      take: (read, block) => {
        kernel.take(read, block);
        position += read.rows + read.filtered;
      },
      event: ({ message, timestamp }) => {
        this.#read(message, timestamp);
        position++;
      },
    };
    const events = lines.map(({ text, timestamp }) => ({ message: text, timestamp }));
    for (const block of eventBlocks(events)) readEvents(kernel.kernel, block, this.#events, kernel.keepRaw, sink);
  }

  #read(line: string, timestamp: number | undefined): void {
    this.#row.begin(this.#timed ? timestamp : undefined);
    const mayBeCut = line === this.#openLine;
    const outcome = line.trim() === '' ? filtered(BLANK_LINE) : readLine(this.#reader, line, this.#row, mayBeCut);
    this.#consumer.add(line, outcome, line, timestamp);
  }

  #skipLine(): boolean {
    if (this.#skip === 0) return false;
    this.#skip--;
    return true;
  }
}

function pieceOfLogStream(piece: LinePiece | undefined, logStream: string): LinePiece | undefined {
  if (!piece || logStream === '') return piece;
  return {
    ...piece,
    get stream() {
      return `${logStream} ${piece.stream}`;
    },
  };
}
