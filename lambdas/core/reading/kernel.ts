/**
 * The kernel as seen from TypeScript. The kernel is WebAssembly (lambdas/kernel) that reads whole lines 16 bytes at a
 * time and writes rows directly as JSON bytes. It supports what most lines look like. A line that the kernel does not
 * support is `unsupported`, and the format's TypeScript reader reads it.
 */

import { wasmExports, wasmModule } from '../web-assembly.ts';
import { type Converted, toBigint, toDouble, toInt } from './conversions.ts';
import type { FilterName } from './filters.ts';
import { BLANK_LINE } from './format.ts';
import type { LineFeeds } from './joiner.ts';
import { KERNEL_WASM } from './kernel-wasm.ts';
import { wholeNumber } from './numbers.ts';
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
    timeKey: number,
    holds: number,
    beforePayload: number,
    countRejected: number,
  ): number;
  readEvents(length: number, isStart: boolean): number;
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

const kernel = wasmExports(wasmModule(KERNEL_WASM), { convert }) as Exports;
const memory = Buffer.from(kernel.memory.buffer);
const result = new DataView(kernel.memory.buffer, kernel.RESULT.value);
const [program, prefix, input, output] = [kernel.PROGRAM, kernel.PREFIX, kernel.INPUT, kernel.OUTPUT].map(
  ({ value }) => value,
) as [number, number, number, number];

const outputWords = new Uint32Array(kernel.memory.buffer, output);
const outputMinutes = new Int32Array(kernel.memory.buffer, output);

/** How numbers of JSON convert, by the numbers of their types in lambdas/kernel/program.ts. */
const CONVERSIONS: Readonly<Record<number, (text: string) => Converted>> = {
  2: (text) => toInt(wholeNumber(text)),
  3: (text) => toBigint(wholeNumber(text)),
  4: toDouble,
};
const OUT_OF_RANGE = -1;

/** Converts a number that the kernel has no code for: lambdas/kernel/json-columns.ts. */
function convert(op: number, from: number, length: number, to: number): number {
  const converted = CONVERSIONS[op]?.(memory.toString('utf8', from, from + length));
  if (converted?.json !== undefined) return memory.write(converted.json, to);
  return converted?.reason.startsWith('out of range') ? OUT_OF_RANGE : 0;
}

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

type KernelFilter = FilterName | typeof BLANK_LINE;

/** Filters that the kernel supports, by their numbers in lambdas/kernel/filters.ts. */
const KERNEL_FILTERS: readonly KernelFilter[] = [
  'local_client',
  'not_stdout',
  'no_http',
  'no_client_address',
  BLANK_LINE,
];
const FILTERED_AT = 40;
const FIRST_FILTERED_AT = 72;
const NONE_FILTERED: ReadonlyMap<KernelFilter, FilteredLines> = new Map();

const STATUS = ['done', 'full', 'unsupported'] as const;
/** By their numbers in lambdas/kernel/envelope.ts. */
const LINE_FEEDS: Readonly<Record<LineFeeds, number>> = { unknown: 0, removed: 1, kept: 2 };
const HOLDS = { lines: 0, events: 1, 'timed-events': 2, 'payload-events': 3 } as const;

/**
 * What a block holds: whole lines, each with its LF; or log events, in the form that events.ts describes. The time of
 * `timed-events` goes into their rows, after what all rows share; before the time of `payload-events` goes their number in
 * their payload.
 */
export type BlockContent = keyof typeof HOLDS;
export type EventContent = Exclude<BlockContent, 'lines'>;

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
  readonly filteredBy: ReadonlyMap<KernelFilter, FilteredLines>;
  /** Number of lines rejected as `NO_JSON`, which were only counted. */
  readonly rejected: number;
  readonly unknownFields: number;
  readonly fieldErrors: number;
  /** Number of rows that have a time. */
  readonly timed: number;
  /** Milliseconds since the epoch of the earliest and the latest event; NaN if no row has a time. */
  readonly firstEventTime: number;
  readonly lastEventTime: number;
}

/** The LineKernel whose program and prefix are in WebAssembly memory, and the block that is. */
let current: LineKernel | undefined;
let currentBlock: Uint8Array | undefined;

/** Reads lines with one program. */
export class LineKernel {
  readonly #program: Uint8Array;
  readonly #head: Buffer;
  #shared: Buffer;
  readonly #timeKey: Buffer;
  #holds: number = HOLDS.lines;
  #beforePayload = 0;

  /**
   * @param head beginning of each row, up to its position
   * @param shared what follows the position in each row
   * @param timeKey what precedes the time of an event in its row
   */
  constructor(bytes: Uint8Array, head = '', shared = '', timeKey = '') {
    this.#program = bytes;
    this.#head = Buffer.from(head);
    this.#shared = Buffer.from(shared);
    this.#timeKey = Buffer.from(timeKey);
    if (bytes.length > kernel.PROGRAM_BYTES.value) {
      throw new RangeError(`program: expected at most ${kernel.PROGRAM_BYTES.value} bytes, got ${bytes.length}`);
    }
    this.#requireRoom();
  }

  /**
   * Begins a payload, in an object of payloads.
   *
   * @param shared what follows the position in the rows of its events, up to the number in the payload
   * @param before lines of the object before its first event
   */
  beginPayload(shared: string, before: number): void {
    this.#shared = Buffer.from(shared);
    this.#beforePayload = before;
    this.#requireRoom();
    if (current === this) current = undefined;
  }

  #requireRoom(): void {
    if (this.#head.length + this.#shared.length + this.#timeKey.length > kernel.PREFIX_BYTES.value) {
      throw new RangeError(`row prefix: expected at most ${kernel.PREFIX_BYTES.value} bytes`);
    }
  }

  /** Begins a block of at most BLOCK_BYTES bytes. */
  begin(block: Uint8Array, content: BlockContent): void {
    if (current !== this) {
      memory.set(this.#program, program);
      memory.set(this.#head, prefix);
      memory.set(this.#shared, prefix + this.#head.length);
      memory.set(this.#timeKey, prefix + this.#head.length + this.#shared.length);
      current = this;
    }
    memory.set(block, input);
    currentBlock = block;
    this.#holds = HOLDS[content];
  }

  /** True if the block can be read on: none has begun after it. */
  has(block: Uint8Array): boolean {
    return current === this && currentBlock === block;
  }

  /**
   * Reads lines of the block.
   *
   * @param from offset of the first line in the block
   * @param end offset after the last line
   * @param room bytes of output that may be written; at most MAX_ROOM_BYTES are used
   * @param position of the first line
   * @param lineFeeds whether the texts of Docker's records are known to end in a line feed
   * @param countRejected whether lines that are certainly rejected need only be counted
   */
  read(
    from: number,
    end: number,
    room: number,
    position: number,
    keepRaw: KeepRaw,
    lineFeeds: LineFeeds,
    countRejected: boolean,
  ): LinesRead {
    const status = kernel.run(
      from,
      end,
      Math.min(room, MAX_ROOM_BYTES),
      position,
      KEEP_RAW[keepRaw],
      LINE_FEEDS[lineFeeds],
      this.#head.length,
      this.#shared.length,
      this.#timeKey.length,
      this.#holds,
      this.#beforePayload,
      countRejected ? 1 : 0,
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
      rejected: result.getUint32(92, true),
      timed: result.getUint32(96, true),
      fieldErrors: result.getUint32(20, true),
      firstEventTime: result.getFloat64(24, true),
      lastEventTime: result.getFloat64(32, true),
    };
  }
}

function filteredBy(): Map<KernelFilter, FilteredLines> {
  const found = KERNEL_FILTERS.map((name, index): [KernelFilter, FilteredLines] => {
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

/** Some log events of a payload. */
export interface EventsRead {
  /** The events, as events.ts describes them. Valid until the kernel is used again. */
  readonly output: Buffer;
  readonly events: number;
  /** The list ends here. Otherwise the next event is not whole, or not of the form that the kernel supports. */
  readonly ended: boolean;
  /** Offset after what was read. */
  readonly next: number;
  /** The ids of the first and of the last of the events: where they begin, and their lengths. */
  readonly firstId: Span;
  readonly lastId: Span;
}

/** A part of bytes. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * Reads log events of a payload from their JSON: the elements of a list, up to its closing bracket.
 *
 * @param json at most BLOCK_BYTES bytes, which begin with an event
 * @param isStart the list begins here, so that it may have no event
 */
export function readEventsJson(json: Uint8Array, isStart: boolean): EventsRead {
  memory.set(json, input);
  currentBlock = undefined;
  const status = kernel.readEvents(json.length, isStart);
  const at = (offset: number) => result.getUint32(offset, true);
  return {
    output: memory.subarray(output, output + at(4)),
    events: at(8),
    ended: status === EVENTS_ENDED,
    next: at(0),
    firstId: { start: at(12), length: at(16) },
    lastId: { start: at(20), length: at(24) },
  };
}

const EVENTS_ENDED = 0;
