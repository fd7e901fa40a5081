/**
 * Log events as the kernel reads them: blocks of events, one after the other. An event consists of a head of
 * EVENT_HEAD_BYTES, its text and a line feed, whatever the text is:
 *
 *   0   its time in whole milliseconds since the epoch (a double, NaN if it is not known or no table can hold it)
 *   8   the number of bytes of the text
 *   12  the form of the text: 0, the message as one line; 1, the message as a JSON string
 *
 * Most blocks are written by the kernel (lambdas/kernel/events.ts), from the bytes of a subscription payload. All
 * numbers are little-endian.
 */

import { withoutLineEnds } from '../lines/lines.ts';
import { BLOCK_BYTES } from './kernel.ts';
import { isoTime } from './times.ts';

/** Bytes before an event's text. */
export const EVENT_HEAD_BYTES = 16;
const LENGTH_AT = 8;
const FORM_AT = 12;
const LINE = 0;
const JSON_STRING = 1;
const LINE_FEED = 0x0a;

/** A log event. */
export interface LogEvent {
  readonly message: string;
  /** Milliseconds since the epoch, as the writer of the event gave it to CloudWatch; undefined if it is not known. */
  readonly timestamp: number | undefined;
}

/** An event of a block. */
export interface BlockEvent extends LogEvent {
  /** Offset in the block of the next event. */
  readonly next: number;
}

/** Writes events into blocks. A block has at most BLOCK_BYTES bytes, or one larger event. */
export function eventBlocks(events: Iterable<LogEvent>): Buffer[] {
  const blocks: Buffer[] = [];
  let open: Buffer[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length > 0) blocks.push(Buffer.concat(open));
    open = [];
    bytes = 0;
  };
  for (const event of events) {
    const written = bytesOf(event);
    if (bytes + written.length > BLOCK_BYTES) close();
    open.push(written);
    bytes += written.length;
  }
  close();
  return blocks;
}

function bytesOf({ message, timestamp = Number.NaN }: LogEvent): Buffer {
  const time = isoTime(timestamp) === undefined ? Number.NaN : Math.trunc(timestamp);
  const line = withoutLineEnds(message);
  const isLine = !line.includes('\n') && line.isWellFormed();
  const text = isLine ? line : JSON.stringify(line);
  const length = Buffer.byteLength(text);
  const bytes = Buffer.alloc(EVENT_HEAD_BYTES + length + 1);
  bytes.writeDoubleLE(time, 0);
  bytes.writeUInt32LE(length, LENGTH_AT);
  bytes.writeUInt32LE(isLine ? LINE : JSON_STRING, FORM_AT);
  bytes.write(text, EVENT_HEAD_BYTES);
  bytes[bytes.length - 1] = LINE_FEED;
  return bytes;
}

/** The event at an offset of a block. Its message is without the line ends at its end, which end no line of it. */
export function eventAt(block: Buffer, at: number): BlockEvent {
  const next = nextEvent(block, at);
  const text = block.toString('utf8', at + EVENT_HEAD_BYTES, next - 1);
  const isLine = block.readUInt32LE(at + FORM_AT) === LINE;
  return {
    message: isLine ? text : withoutLineEnds(JSON.parse(text) as string),
    timestamp: timestampAt(block, at),
    next,
  };
}

/** Offset in a block of the event after the one at `at`. */
export function nextEvent(block: Buffer, at: number): number {
  return at + EVENT_HEAD_BYTES + block.readUInt32LE(at + LENGTH_AT) + 1;
}

/** The time of the event at an offset of a block, in milliseconds since the epoch; undefined if it is not known. */
export function timestampAt(block: Buffer, at: number): number | undefined {
  const time = block.readDoubleLE(at);
  return Number.isNaN(time) ? undefined : time;
}

/** Every event of some blocks. */
export function* eventsOf(blocks: readonly Buffer[]): Generator<LogEvent> {
  for (const block of blocks) {
    for (let at = 0; at < block.length; ) {
      const { next, ...event } = eventAt(block, at);
      yield event;
      at = next;
    }
  }
}
