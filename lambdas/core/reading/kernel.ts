/**
 * The kernel as seen from TypeScript. The kernel is WebAssembly (lambdas/kernel) that reads whole lines 16 bytes at a
 * time and writes rows directly as JSON bytes. It supports what most lines look like. A line that the kernel does not
 * support is `unsupported`, and the format's TypeScript reader reads it.
 */

import { eachLine, LINE_FEED, type LineSink } from '../lines/lines.ts';
import type { FilterName } from './filters.ts';
import type { LineFeeds } from './joiner.ts';
import { KERNEL_WASM } from './kernel-wasm.ts';
import type { KeepRaw } from './row.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(
    from: number,
    length: number,
    room: number,
    position: number,
    keepRaw: number,
    lineFeeds: number,
    head: number,
    shared: number,
  ): number;
  hashText(length: number, seed: bigint): void;
  readonly RESULT: Place;
  readonly PROGRAM: Place;
  readonly PREFIX: Place;
  readonly PREFIX_BYTES: Place;
  readonly INPUT: Place;
  readonly INPUT_BYTES: Place;
  readonly OUTPUT: Place;
  readonly OUTPUT_BYTES: Place;
  readonly PROGRAM_BYTES: Place;
  readonly ROOM_BYTES: Place;
}

interface Place {
  readonly value: number;
}

/** Node has WebAssembly; its type declarations do not. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
const kernel = new Instance(new Module(Buffer.from(KERNEL_WASM, 'base64'))).exports as Exports;
const memory = Buffer.from(kernel.memory.buffer);
const result = new DataView(kernel.memory.buffer, kernel.RESULT.value);
const [program, prefix, input, output] = [kernel.PROGRAM, kernel.PREFIX, kernel.INPUT, kernel.OUTPUT].map(
  ({ value }) => value,
) as [number, number, number, number];

const outputWords = new Uint32Array(kernel.memory.buffer, output);
const outputMinutes = new Int32Array(kernel.memory.buffer, output);

/**
 * The words of a record, which the kernel writes instead of a row when it makes fingerprints: two words of fingerprint,
 * the low one first, the minute of the record's event since the epoch, the number of its line among those read, and the
 * offset of the line in the block.
 */
export const RECORD_WORDS = 5;
export const MINUTE_WORD = 2;
export const LINE_WORD = 3;
export const START_WORD = 4;
/** Minute of a record without a timestamp. */
export const NO_MINUTE = -(2 ** 31);
/** Largest minute; timestamps after the year 6000 are clamped to it. */
export const LAST_MINUTE = 2 ** 31 - 1;

/** Most bytes of output that one call may ask for. */
export const MAX_ROOM_BYTES = kernel.ROOM_BYTES.value;

/** Most bytes of whole lines that the kernel takes at a time. */
export const BLOCK_BYTES = kernel.INPUT_BYTES.value;

/** Filters that the kernel supports, by their numbers in lambdas/kernel/filters.ts. */
const KERNEL_FILTERS: readonly FilterName[] = ['local_client', 'not_stdout', 'no_http', 'no_client_address'];
const FILTERED_AT = 40;
const FIRST_FILTERED_AT = 56;
const NONE_FILTERED: ReadonlyMap<FilterName, FilteredLines> = new Map();

const STATUS = ['done', 'full', 'unsupported'] as const;
/** By their numbers in lambdas/kernel/envelope.ts. */
const LINE_FEEDS: Readonly<Record<LineFeeds, number>> = { unknown: 0, removed: 1, kept: 2 };
const KEEP_RAW: Readonly<Record<KeepRaw, number>> = { never: 0, 'on-error': 1, always: 2 };

/** Lines of a block that one filter has left out. */
export interface FilteredLines {
  readonly count: number;
  /** Offset in the block of the first of them. */
  readonly firstAt: number;
}

/** The result of reading some lines of a block. */
export interface LinesRead {
  /**
   * `done`: the end of the block is reached. `full`: the next row has no room in the output. `unsupported`: the next
   * line is left to the format's TypeScript reader.
   */
  readonly status: (typeof STATUS)[number];
  /** Offset of the next line in the block. */
  readonly next: number;
  /** The rows, one after the other. Valid until the kernel is used again. */
  readonly output: Buffer;
  /**
   * When the kernel makes fingerprints, the output consists of records instead of rows. Both arrays view the output's
   * memory.
   */
  readonly words: Uint32Array;
  readonly minutes: Int32Array;
  readonly rows: number;
  /** Number of lines left out by filters, in total and by filter. */
  readonly filtered: number;
  readonly filteredBy: ReadonlyMap<FilterName, FilteredLines>;
  readonly unknownFields: number;
  readonly fieldErrors: number;
  /** Milliseconds since the epoch of the earliest and the latest event; NaN if no row has a time. */
  readonly firstEventTime: number;
  readonly lastEventTime: number;
}

/**
 * The LineKernel whose program, prefix and block are in WebAssembly memory. Only one can be in use between `begin` and
 * the end of its block.
 */
let current: LineKernel | undefined;

/** Reads lines with one program. */
export class LineKernel {
  readonly #program: Uint8Array;
  readonly #head: Buffer;
  readonly #shared: Buffer;
  #length = 0;

  /**
   * @param head beginning of each row, up to its position
   * @param shared what follows the position in each row
   */
  constructor(bytes: Uint8Array, head = '', shared = '') {
    this.#program = bytes;
    this.#head = Buffer.from(head);
    this.#shared = Buffer.from(shared);
    if (bytes.length > kernel.PROGRAM_BYTES.value) {
      throw new RangeError(`program: expected at most ${kernel.PROGRAM_BYTES.value} bytes, got ${bytes.length}`);
    }
    if (this.#head.length + this.#shared.length > kernel.PREFIX_BYTES.value) {
      throw new RangeError(`row prefix: expected at most ${kernel.PREFIX_BYTES.value} bytes`);
    }
  }

  /** Begins a block: whole lines, each with its LF, of at most BLOCK_BYTES bytes. */
  begin(block: Uint8Array): void {
    if (current !== this) {
      memory.set(this.#program, program);
      memory.set(this.#head, prefix);
      memory.set(this.#shared, prefix + this.#head.length);
      current = this;
    }
    memory.set(block, input);
    this.#length = block.length;
  }

  /**
   * Reads lines of the block.
   *
   * @param from offset of the first line in the block
   * @param room bytes of output that may be written; at most MAX_ROOM_BYTES are used
   * @param position of the first line
   * @param lineFeeds whether the texts of Docker's records are known to end in a line feed
   */
  read(from: number, room: number, position: number, keepRaw: KeepRaw, lineFeeds: LineFeeds): LinesRead {
    const status = kernel.run(
      from,
      this.#length,
      Math.min(room, MAX_ROOM_BYTES),
      position,
      KEEP_RAW[keepRaw],
      LINE_FEEDS[lineFeeds],
      this.#head.length,
      this.#shared.length,
    );
    const filtered = result.getUint32(12, true);
    return {
      status: STATUS[status] ?? 'unsupported',
      next: result.getUint32(0, true),
      output: memory.subarray(output, output + result.getUint32(4, true)),
      words: outputWords,
      minutes: outputMinutes,
      rows: result.getUint32(8, true),
      filtered,
      filteredBy: filtered > 0 ? filteredBy() : NONE_FILTERED,
      unknownFields: result.getUint32(16, true),
      fieldErrors: result.getUint32(20, true),
      firstEventTime: result.getFloat64(24, true),
      lastEventTime: result.getFloat64(32, true),
    };
  }
}

function filteredBy(): Map<FilterName, FilteredLines> {
  const found = KERNEL_FILTERS.map((name, index): [FilterName, FilteredLines] => {
    const count = result.getUint32(FILTERED_AT + index * 4, true);
    return [name, { count, firstAt: result.getUint32(FIRST_FILTERED_AT + index * 4, true) }];
  });
  return new Map(found.filter(([, { count }]) => count > 0));
}

/**
 * 64-bit hash of a line's text: the kernel's fingerprint of a record without a record key. XXH64:
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 *
 * @returns two words, the low one first
 */
export function hashOfLine(text: string): Uint32Array {
  return hashOf(text, LINE_SEED);
}

/**
 * 64-bit hash of a record key: the kernel's fingerprint of a record that has one.
 *
 * @returns two words, the low one first
 */
export function hashOfRecordKey(text: string): Uint32Array {
  return hashOf(text, RECORD_KEY_SEED);
}

const RECORD_KEY_SEED = 0n;
const LINE_SEED = 1n;

function hashOf(text: string, seed: bigint): Uint32Array {
  const length = memory.write(text, output, kernel.OUTPUT_BYTES.value);
  kernel.hashText(length, seed);
  return Uint32Array.of(result.getUint32(0, true), result.getUint32(4, true));
}

/** Receives the results of a block's lines, in the order of the lines. */
export interface KernelSink extends Required<Pick<LineSink, 'line' | 'longLine'>> {
  /** Position of the next line. */
  position(): number;
  /** True if the next line is not for the kernel, because the lines around it belong together. */
  oneByOne(): boolean;
  /** Whether the texts of Docker's records end in a line feed. */
  lineFeeds(): LineFeeds;
  /** Bytes of output that the sink has room for. */
  room(): number;
  /**
   * Makes room for another row. Returns false if no more room can be made; the TypeScript reader then reads the line.
   */
  makeRoom(): boolean;
  /** Takes the rows or records of some lines of the block. */
  take(read: LinesRead, block: Buffer): void;
}

/**
 * Reads a block of whole lines. Lines that the kernel does not support are passed to the sink one by one.
 *
 * @param keepRaw which rows keep their line
 */
export function readBlock(kernel: LineKernel, block: Buffer, keepRaw: KeepRaw, sink: KernelSink): void {
  for (let start = 0; start < block.length; ) {
    const end = block.lastIndexOf(LINE_FEED, Math.min(start + BLOCK_BYTES, block.length) - 1) + 1;
    if (end > start) {
      readLines(kernel, block.subarray(start, end), keepRaw, sink);
      start = end;
    } else start = readLine(block, start, sink);
  }
}

function readLines(kernel: LineKernel, block: Buffer, keepRaw: KeepRaw, sink: KernelSink): void {
  kernel.begin(block);
  for (let at = 0; at < block.length; ) {
    if (sink.oneByOne()) {
      at = readLine(block, at, sink);
      continue;
    }
    const read = kernel.read(at, sink.room(), sink.position(), keepRaw, sink.lineFeeds());
    sink.take(read, block);
    at = read.next;
    if (read.status === 'done' || (read.status === 'full' && sink.makeRoom())) continue;
    at = readLine(block, at, sink);
  }
}

/** @returns the offset of the next line */
function readLine(block: Buffer, start: number, sink: KernelSink): number {
  const end = block.indexOf(LINE_FEED, start) + 1;
  eachLine(block.subarray(start, end), sink);
  return end;
}

/** Largest UTF-8 size of one UTF-16 code unit. */
const MAX_UNIT_BYTES = 3;

/**
 * Reads the messages of events as lines. Messages that contain a line end are read one by one with `readNext`.
 *
 * @param readNext reads the next message by itself
 */
export function readMessages(
  kernel: LineKernel,
  messages: readonly string[],
  keepRaw: KeepRaw,
  sink: Omit<KernelSink, 'line'>,
  readNext: () => void,
): void {
  for (const block of messageBlocks(messages)) {
    if (block) readBlock(kernel, block, keepRaw, { ...sink, line: readNext });
    else readNext();
  }
}

/**
 * Joins messages into blocks of lines for the kernel. Yields undefined for a message that must be read by itself: it
 * contains a line end, is too long, or is not well-formed text.
 */
function* messageBlocks(messages: readonly string[]): Generator<Buffer | undefined> {
  let lines: string[] = [];
  let bytes = 0;
  for (const message of messages) {
    const most = message.length * MAX_UNIT_BYTES + 1;
    const isLine = most <= BLOCK_BYTES && !message.includes('\n') && !message.includes('\r') && message.isWellFormed();
    if (lines.length > 0 && (!isLine || bytes + most > BLOCK_BYTES)) {
      yield Buffer.from(`${lines.join('\n')}\n`);
      lines = [];
      bytes = 0;
    }
    if (isLine) {
      lines.push(message);
      bytes += most;
    } else yield undefined;
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
}
