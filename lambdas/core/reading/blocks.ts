/** Reads blocks of lines or log events with the kernel, and gives what it does not support to the sink one by one. */
import { eachLine, LINE_FEED, type LineSink } from '../lines/lines.ts';
import { eventAt, type LogEvent, nextEvent } from './events.ts';
import { type LineFeeds, MAY_BE_IN_ENVELOPE, type WholeLines } from './joiner.ts';
import { BLOCK_BYTES, type BlockContent, type EventContent, type LineKernel, type LinesRead } from './kernel.ts';
import type { KeepRaw } from './row.ts';

/** Receives the results of a block's lines or events, in their order. */
export interface BlockSink {
  /** Position of the next line or event. */
  position(): number;
  /** Which of the next lines are for the kernel. The others may belong to the lines around them. */
  whole(): WholeLines;
  /** Whether the texts of Docker's records end in a line feed. */
  lineFeeds(): LineFeeds;
  /** Bytes of output that the sink has room for. */
  room(): number;
  /**
   * Makes room for another row. Returns false if no more room can be made; the TypeScript reader then reads the line.
   */
  makeRoom(): boolean;
  /** True if lines that are certainly rejected need only be counted. */
  countRejected(): boolean;
  /** Takes the rows or records of some lines or events of the block. */
  take(read: LinesRead, block: Buffer): void;
}

/** Receives the results of a block of lines, and the lines that the kernel does not support. */
export type LinesSink = BlockSink & LineSink;

/** Receives the results of a block of events, and the events that the kernel does not support. */
export type EventsSink = BlockSink & { event(event: LogEvent): void };

/**
 * Reads a block of whole lines. Lines that the kernel does not support are passed to the sink one by one.
 *
 * @param keepRaw which rows keep their line
 */
export function readBlock(kernel: LineKernel, block: Buffer, keepRaw: KeepRaw, sink: LinesSink): void {
  for (let start = 0; start < block.length; ) {
    const end = block.lastIndexOf(LINE_FEED, Math.min(start + BLOCK_BYTES, block.length) - 1) + 1;
    if (end > start) {
      readLines(kernel, block.subarray(start, end), keepRaw, sink);
      start = end;
    } else start = readLine(block, start, sink);
  }
}

function readLines(kernel: LineKernel, block: Buffer, keepRaw: KeepRaw, sink: LinesSink): void {
  const startOf = (_at: number, index: number) => block.lastIndexOf(LINE_FEED, index - 1) + 1;
  readAll(kernel, block, 'lines', keepRaw, sink, (at) => readLine(block, at, sink), startOf);
}

/** Bytes that are searched at a time for envelopes: longer than most lines, and short where envelopes are many. */
const SEARCHED_BYTES = 8192;

/**
 * @param readNext reads what begins at an offset of the block without the kernel, and returns the offset after it
 * @param startOf returns the offset of what an index of the block is in, or of what begins there, given the offset of
 * something before it
 */
function readAll(
  kernel: LineKernel,
  block: Buffer,
  content: BlockContent,
  keepRaw: KeepRaw,
  sink: BlockSink,
  readNext: (at: number) => number,
  startOf: (at: number, index: number) => number,
): void {
  const endFor = (at: number, whole: WholeLines): number => {
    if (whole !== 'without-envelope') return whole === 'all' ? block.length : at;
    const end = Math.min(at + SEARCHED_BYTES, block.length);
    const found = block.toString('latin1', at, end).search(MAY_BE_IN_ENVELOPE);
    return startOf(at, found < 0 ? end : at + found);
  };
  for (let at = 0; at < block.length; ) {
    const end = endFor(at, sink.whole());
    if (end <= at) {
      at = readNext(at);
      continue;
    }
    // A line that was read without the kernel may have been several, or the end of what was held: blocks of their own.
    if (!kernel.has(block)) kernel.begin(block, content);
    const read = kernel.read(at, end, sink.room(), sink.position(), keepRaw, sink.lineFeeds(), sink.countRejected());
    sink.take(read, block);
    at = read.next;
    if (read.status === 'done' || (read.status === 'full' && sink.makeRoom())) continue;
    at = readNext(at);
  }
}

/** @returns the offset of the next line */
function readLine(block: Buffer, start: number, sink: LinesSink): number {
  const end = block.indexOf(LINE_FEED, start) + 1;
  eachLine(block.subarray(start, end), sink);
  return end;
}

/**
 * Reads a block of log events (events.ts). Events that the kernel does not support are passed to the sink one by one.
 *
 * @param content whether the time of an event goes into its row
 */
export function readEvents(
  kernel: LineKernel,
  block: Buffer,
  content: EventContent,
  keepRaw: KeepRaw,
  sink: EventsSink,
): void {
  const readNext = (at: number): number => {
    const { next, ...event } = eventAt(block, at);
    sink.event(event);
    return next;
  };
  if (block.length <= BLOCK_BYTES) {
    const startOf = (at: number, index: number) => {
      let start = at;
      for (let next = nextEvent(block, at); next <= index; next = nextEvent(block, next)) {
        start = next;
        if (next === block.length) break;
      }
      return start;
    };
    readAll(kernel, block, content, keepRaw, sink, readNext, startOf);
  } else for (let at = 0; at < block.length; ) at = readNext(at);
}
