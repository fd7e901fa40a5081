/**
 * The kernel from outside: WebAssembly that reads whole lines 16 bytes at a time and writes rows straight as
 * JSON bytes (lambdas/kernel). It knows what lines mostly are; the others are for the format's reader.
 */

import { eachLine, LINE_FEED, type LineSink } from '../lines/lines.ts';
import type { FilterName } from './filters.ts';
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

/** Node has it; its type declarations do not. */
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
 * A record where fingerprints are wanted: two words of fingerprint, the low one first, the minute of its event since the
 * epoch, the number of its line among those read, and where in the block that begins.
 */
export const RECORD_WORDS = 5;
export const MINUTE_WORD = 2;
export const LINE_WORD = 3;
export const START_WORD = 4;
/** Of a record that tells no time. */
export const NO_MINUTE = -(2 ** 31);
/** Later ones, after the year 6000, are taken for this one. */
export const LAST_MINUTE = 2 ** 31 - 1;

/** Bytes of output that may be asked for at a time. */
export const MAX_ROOM_BYTES = kernel.ROOM_BYTES.value;

/** Bytes of whole lines that the kernel takes at a time. */
export const BLOCK_BYTES = kernel.INPUT_BYTES.value;

/** Filters that the kernel knows, by their numbers in lambdas/kernel/filters.ts. */
const KERNEL_FILTERS: readonly FilterName[] = ['local_client', 'not_stdout', 'no_http', 'no_client_address'];
const FILTERED_AT = 40;
const NONE_FILTERED: ReadonlyMap<FilterName, number> = new Map();

const STATUS = ['done', 'full', 'surprise'] as const;
const KEEP_RAW: Readonly<Record<KeepRaw, number>> = { never: 0, 'on-error': 1, always: 2 };

/** What came of some lines. */
export interface LinesRead {
  /** The block is at its end; the next row has no room; the next line is for the format's reader. */
  readonly status: (typeof STATUS)[number];
  /** Where in the block the next line begins. */
  readonly next: number;
  /** The rows, one behind the other. Valid until the kernel is used again. */
  readonly output: Buffer;
  /** Where fingerprints are wanted, the output is a record for each row, in these: the same memory. */
  readonly words: Uint32Array;
  readonly minutes: Int32Array;
  readonly rows: number;
  /** Lines left out by filters, and how many by which. */
  readonly filtered: number;
  readonly filteredBy: ReadonlyMap<FilterName, number>;
  readonly unknownFields: number;
  readonly fieldErrors: number;
  /** Milliseconds since the epoch of the first and the last event; NaN where no row tells its time. */
  readonly firstEventTime: number;
  readonly lastEventTime: number;
}

/** Whose program, prefix and block the one kernel holds: it is used by one at a time, from `begin` to the block's end. */
let user: LineKernel | undefined;

/** Reads lines by one program. */
export class LineKernel {
  readonly #program: Uint8Array;
  readonly #head: Buffer;
  readonly #shared: Buffer;
  #length = 0;

  /**
   * @param head how each row begins, up to its position
   * @param shared what follows the position
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

  /** Takes a block: whole lines, each with its LF, of BLOCK_BYTES at most. */
  begin(block: Uint8Array): void {
    if (user !== this) {
      memory.set(this.#program, program);
      memory.set(this.#head, prefix);
      memory.set(this.#shared, prefix + this.#head.length);
      user = this;
    }
    memory.set(block, input);
    this.#length = block.length;
  }

  /**
   * Reads lines of the block.
   *
   * @param from where in the block the first begins
   * @param room bytes of output there may be: of MAX_ROOM_BYTES at most
   * @param position of the first line
   */
  read(from: number, room: number, position: number, keepRaw: KeepRaw): LinesRead {
    const status = kernel.run(
      from,
      this.#length,
      Math.min(room, MAX_ROOM_BYTES),
      position,
      KEEP_RAW[keepRaw],
      this.#head.length,
      this.#shared.length,
    );
    const filtered = result.getUint32(12, true);
    return {
      status: STATUS[status] ?? 'surprise',
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

function filteredBy(): Map<FilterName, number> {
  const counts = KERNEL_FILTERS.map((name, index) => [name, result.getUint32(FILTERED_AT + index * 4, true)] as const);
  return new Map(counts.filter(([, count]) => count > 0));
}

/**
 * 64-bit hash of a line's text, the one the kernel gives a record that has no other identity.
 * XXH64: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 *
 * @returns two words, the low one first
 */
export function hashOfLine(text: string): Uint32Array {
  return hashOf(text, LINE_SEED);
}

/** The same of an identity. */
export function hashOfRecordKey(text: string): Uint32Array {
  return hashOf(text, IDENTITY_SEED);
}

const IDENTITY_SEED = 0n;
const LINE_SEED = 1n;

function hashOf(text: string, seed: bigint): Uint32Array {
  const length = memory.write(text, output, kernel.OUTPUT_BYTES.value);
  kernel.hashText(length, seed);
  return Uint32Array.of(result.getUint32(0, true), result.getUint32(4, true));
}

/** Takes what a block's lines come to, in their order. */
export interface KernelSink extends Required<Pick<LineSink, 'line' | 'longLine'>> {
  /** Position of the next line. */
  position(): number;
  /** Bytes of output that may come. */
  room(): number;
  /** Makes room for another row; false where there is no more to be had, so that the line is read by itself. */
  makeRoom(): boolean;
  /** Rows or fingerprints of the block's lines. */
  take(read: LinesRead, block: Buffer): void;
}

/**
 * Reads a block of whole lines. What the kernel does not know is given line by line.
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
    const read = kernel.read(at, sink.room(), sink.position(), keepRaw);
    sink.take(read, block);
    at = read.next;
    if (read.status === 'done' || (read.status === 'full' && sink.makeRoom())) continue;
    at = readLine(block, at, sink);
  }
}

/** @returns where the next line begins */
function readLine(block: Buffer, start: number, sink: KernelSink): number {
  const end = block.indexOf(LINE_FEED, start) + 1;
  eachLine(block.subarray(start, end), sink);
  return end;
}

/** Longest UTF-8 of one UTF-16 unit. */
const MAX_UNIT_BYTES = 3;

/**
 * Reads the messages of events, each as a line: those that hold a line end, and all where there is no kernel, are read by
 * themselves.
 *
 * @param done how many of them have been read
 * @param readNext reads the next by itself
 */
export function readMessages(
  kernel: LineKernel | undefined,
  messages: readonly string[],
  keepRaw: KeepRaw,
  sink: Omit<KernelSink, 'line'>,
  done: () => number,
  readNext: () => void,
): void {
  if (kernel) {
    for (const block of messageBlocks(messages)) {
      if (block) readBlock(kernel, block, keepRaw, { ...sink, line: readNext });
      else readNext();
    }
  }
  while (done() < messages.length) readNext();
}

/**
 * Cuts events' messages into blocks of lines for the kernel; undefined stands for a message that holds a line end,
 * is too long or no well-formed text, and is to be read by itself.
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
