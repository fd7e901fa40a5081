/**
 * Reads objects that CloudWatch has exported: an event begins with its time and a space, and a line without a time goes on
 * with the message before it. What is before the first time has a line for each event, and no time.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
 *
 * A line of a message that itself begins with a time in this form, as some loggers write it, cannot be told from the next
 * event: it is read as one, with its own time.
 */
import { KEPT_OF_LONG_LINE_BYTES, LineSplitter, MAX_LINE_BYTES } from '../lines/lines.ts';
import { textOf, withoutBom } from '../lines/utf8.ts';
import { eventBlocks, type LogEvent } from './events.ts';

/** Name of the object with which CloudWatch tests, before it exports, whether it may write. */
export const EXPORT_TEST_NAME = 'aws-logs-write-test';

/** `2026-01-05T10:00:00.000Z ` */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
const TIME_LENGTH = '2026-01-05T10:00:00.000Z '.length;

/** Receives what is in the objects. */
export interface ExportSink {
  /** Takes events, in the form that events.ts describes. */
  readEvents(block: Buffer): void;
  /** Takes the beginning of an event of more than MAX_LINE_BYTES, and its length. */
  longLine(head: Buffer, length: number): void;
}

/** An event whose next lines may still come. */
interface OpenEvent {
  readonly timestamp: number | undefined;
  /** Its lines; of an event that is too long, only as many as are kept of it. */
  readonly lines: string[];
  /** Of all of its lines, with the line feeds between them. */
  bytes: number;
}

export class ExportSplitter {
  readonly #sink: ExportSink;
  readonly #lines: LineSplitter;
  #isFirst = true;
  #open: OpenEvent | undefined;
  /** Events that have ended and were not passed on yet. */
  #ended: LogEvent[] = [];

  constructor(sink: ExportSink) {
    this.#sink = sink;
    this.#lines = new LineSplitter({
      line: (bytes) => this.#add(textOf(bytes), bytes.length),
      longLine: (head, length) => this.#add(textOf(head), length),
    });
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
    this.#passOn();
  }

  end(): void {
    this.#lines.end();
    this.#endEvent();
    this.#passOn();
  }

  /** Takes what has been read of the event that is open, for an object that breaks off within it. */
  takeOpen(): Buffer {
    const rest = textOf(this.#lines.takeOpen());
    const lines = [...(this.#open?.lines ?? []), ...(rest === '' ? [] : [rest])];
    this.#open = undefined;
    return Buffer.from(lines.join('\n'));
  }

  /** @param length of the line in bytes; `text` may be only its beginning */
  #add(text: string, length: number): void {
    const line = this.#isFirst ? withoutBom(text) : text;
    this.#isFirst = false;
    const timestamp = timeOf(line);
    if (timestamp !== undefined) this.#begin(timestamp, line.slice(TIME_LENGTH), length - TIME_LENGTH);
    else if (this.#open?.timestamp === undefined) this.#begin(undefined, line, length);
    else this.#goOn(this.#open, line, length);
  }

  #begin(timestamp: number | undefined, line: string, bytes: number): void {
    this.#endEvent();
    this.#open = { timestamp, lines: [line], bytes };
  }

  #goOn(open: OpenEvent, line: string, length: number): void {
    open.bytes += length + 1;
    if (open.bytes <= MAX_LINE_BYTES) open.lines.push(line);
  }

  #endEvent(): void {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    const message = open.lines.join('\n');
    if (open.bytes <= MAX_LINE_BYTES) {
      this.#ended.push({ message, timestamp: open.timestamp });
      return;
    }
    // In its order.
    this.#passOn();
    this.#sink.longLine(Buffer.from(message).subarray(0, KEPT_OF_LONG_LINE_BYTES), open.bytes);
  }

  #passOn(): void {
    for (const block of eventBlocks(this.#ended)) this.#sink.readEvents(block);
    this.#ended = [];
  }
}

/** Time of the event that begins with this line; undefined if none does. */
function timeOf(line: string): number | undefined {
  if (!TIME.test(line)) return undefined;
  const time = Date.parse(line.slice(0, TIME_LENGTH - 1));
  return Number.isNaN(time) ? undefined : time;
}
