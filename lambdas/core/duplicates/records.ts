/** Turns an object's bytes, or a payload's messages, into the records that are checked for duplicates. */

import { lineAt } from '../lines/lines.ts';
import { EVENT_HEAD_BYTES, timestampAt } from '../reading/events.ts';
import type { CompiledFormat, Outcome, RecordKey } from '../reading/format.ts';
import { InputReader } from '../reading/input-reader.ts';
import {
  LAST_MINUTE,
  LINE_WORD,
  LineKernel,
  type LinesRead,
  MINUTE_WORD,
  NO_MINUTE,
  RECORD_WORDS,
  START_WORD,
} from '../reading/kernel.ts';
import { programOf } from '../reading/kernel-program.ts';
import { minuteOf } from './minutes.ts';
import { fingerprintName, fingerprintOf, lowerOf, RecordKeyRow, upperOf } from './record-key.ts';

/**
 * Records in the order of their lines. Every line that becomes a row or is rejected is a record; blank and filtered
 * lines are not. Valid only during the call that receives them.
 */
export interface Records {
  readonly count: number;
  /** RECORD_WORDS words per record; the first two are the hash of its record key, the low word first. */
  readonly words: Uint32Array;
  /**
   * The same memory. The word MINUTE_WORD of each record is the minute of its event since the epoch, or NO_MINUTE if
   * the record has no time.
   */
  readonly minutes: Int32Array;
  /** As in the table: the number of the line in its object, or of the event in its payload, from 1. */
  position(index: number): number;
  /** The record's text. */
  line(index: number): string;
  /** The time of the record's log event, in milliseconds since the epoch, if it is known. Only for log events. */
  timestamp(index: number): number | undefined;
}

/** One record. */
export interface DuplicateRecord {
  /** The fingerprint as shown to people. */
  readonly fingerprint: string;
  readonly minute: number | undefined;
  readonly position: number;
  readonly line: string;
}

/** Iterates over records one by one, for callers that need only a few. */
export function* eachRecord(records: Records): Generator<DuplicateRecord> {
  const { count, words, minutes } = records;
  for (let index = 0, at = 0; index < count; index++, at += RECORD_WORDS) {
    const minute = minutes[at + MINUTE_WORD] as number;
    yield {
      fingerprint: fingerprintName(upperOf(words, at), lowerOf(words, at)),
      minute: minute === NO_MINUTE ? undefined : minute,
      position: records.position(index),
      get line() {
        return records.line(index);
      },
    };
  }
}

/**
 * @param time that the record itself contains, in milliseconds since the epoch
 * @param timestamp of the record's log event
 */
export function oneRecord(
  fingerprint: Uint32Array,
  time: number | undefined,
  position: number,
  line: string,
  timestamp?: number,
): Records {
  const words = new Uint32Array(RECORD_WORDS);
  const minutes = new Int32Array(words.buffer);
  words.set(fingerprint);
  minutes[MINUTE_WORD] = time === undefined ? NO_MINUTE : Math.min(minuteOf(time), LAST_MINUTE);
  return { count: 1, words, minutes, position: () => position, line: () => line, timestamp: () => timestamp };
}

/** Reads lines like the function that loads them, and takes the fingerprint of each record. */
export class RecordReader {
  readonly #row: RecordKeyRow;
  readonly #take: (records: Records) => void;
  readonly #input: InputReader;
  #count = 0;

  /**
   * @param recordKeys replace the record keys of the format
   * @param exported whether the objects were exported by CloudWatch
   */
  constructor(
    format: CompiledFormat,
    recordKeys: readonly RecordKey[] = format.recordKeys ?? [],
    take: (records: Records) => void,
    exported = false,
  ) {
    const { row, kernel } = keyReaderOf(format, recordKeys);
    this.#row = row;
    this.#take = take;
    this.#input = new InputReader(
      { format, row, exported },
      {
        add: (_line, outcome, identity, timestamp) => this.#add(outcome, identity, timestamp),
        ...(kernel && {
          kernel: {
            kernel,
            keepRaw: 'never',

            take: (read, block) => this.#takeKernelRecords(read, block),
          },
        }),
      },
    );
  }

  /** Reads the next bytes of an object; its lines are counted from 1. */
  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  /** Ends the input: no more bytes or messages follow. */
  end(): void {
    this.#input.end();
  }

  /**
   * Ends an object whose bytes cannot be read further. The incomplete last line is a record, because loading keeps it
   * as a rejected line.
   *
   * @param rest stands for the last line of an object that has none
   */
  breakOff(reason: string, detail: string, rest?: string): void {
    this.#input.breakOff(reason, detail, rest);
  }

  /** Reads a payload of an object of payloads. */
  readPayload(json: Buffer): void {
    this.#input.readPayload(json);
  }

  /** A part of such an object that cannot be read is a record, because loading keeps it as a rejected line. */
  rejectPart(reason: string, detail: string, shown: string): void {
    this.#input.rejectPart(reason, detail, shown);
  }

  /** Reads a block of a payload's events (core/reading/events.ts); events are counted from 1, like lines. */
  readEvents(block: Buffer): void {
    this.#input.readEvents(block);
  }

  #add({ kind }: Outcome, line: string, timestamp: number | undefined): void {
    const position = ++this.#count;
    if (kind === 'filtered') return;
    const [key, time] = kind === 'row' ? [this.#row.recordKey(), this.#row.eventTime] : [];
    this.#take(oneRecord(fingerprintOf(key, line), time, position, line, timestamp));
  }

  #takeKernelRecords({ words, minutes, rows, filtered }: LinesRead, block: Buffer): void {
    const before = this.#count + 1;
    const word = (index: number, of: number) => words[index * RECORD_WORDS + of] as number;
    this.#take({
      count: rows,
      words,
      minutes,
      position: (index) => before + word(index, LINE_WORD),
      line: (index) => lineAt(block, word(index, START_WORD)),
      timestamp: (index) => timestampAt(block, word(index, START_WORD) - EVENT_HEAD_BYTES),
    });
    this.#count += rows + filtered;
  }
}

/**
 * Takes the record key from a line. A line is finished before the next one begins, so one reader serves all objects.
 */
interface KeyReader {
  readonly row: RecordKeyRow;
  readonly kernel: LineKernel | undefined;
}

/** By format, and by record keys as text. Making a key reader takes as long as reading some thousand lines. */
const keyReaders = new WeakMap<CompiledFormat, Map<string, KeyReader>>();

function keyReaderOf(format: CompiledFormat, recordKeys: readonly RecordKey[]): KeyReader {
  const known = keyReaders.get(format) ?? new Map<string, KeyReader>();
  keyReaders.set(format, known);
  const name = JSON.stringify(recordKeys);
  const keyReader = known.get(name) ?? newKeyReader(format, recordKeys);
  known.set(name, keyReader);
  return keyReader;
}

function newKeyReader(format: CompiledFormat, recordKeys: readonly RecordKey[]): KeyReader {
  const program = format.layout && programOf(format.layout, format.columns, recordKeys);
  return { row: new RecordKeyRow(format, recordKeys), kernel: program && new LineKernel(program) };
}
