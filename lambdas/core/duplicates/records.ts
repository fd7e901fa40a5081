/** An object's bytes, or a payload's messages, to the records that are checked for duplicates. */
import type { CompiledFormat, IdentityColumns } from '../format.ts';
import { FINGERPRINT_WORDS, type KernelSink, LineKernel, MAX_ROOM_BYTES, readBlock, readMessages } from '../kernel.ts';
import { programOf } from '../kernel-program.ts';
import { eachLine, LINE_FEED, type LineSink, LineSplitter, withoutReturn } from '../lines.ts';
import { textOf, withoutBom } from '../text.ts';
import { fingerprintOf, IdentityRow } from './identity.ts';

/** A line that becomes a row or is rejected. Blank lines and filter hits are no records. */
export interface DuplicateRecord {
  /** 64-bit hash of its identity: two words from `at` on, the low one first. Valid during the call only. */
  readonly words: Uint32Array;
  readonly at: number;
  /** Milliseconds since the epoch, where the record tells its time. */
  readonly time: number | undefined;
  /** As in the table: line number from 1, or index of the event from 0. */
  readonly position: number;
  /** Its text; to be asked for during the call only. */
  readonly line: () => string;
}

/** Reads lines as a loader does, and takes of each what tells it from others. */
export class RecordReader {
  readonly #format: CompiledFormat;
  readonly #row: IdentityRow;
  readonly #take: (record: DuplicateRecord) => void;
  readonly #kernel: LineKernel | undefined;
  readonly #objectLines: Required<Pick<LineSink, 'line' | 'longLine'>>;
  readonly #lines: LineSplitter;
  #count = 0;

  /** @param identity columns over those of the format */
  constructor(
    format: CompiledFormat,
    identity: readonly IdentityColumns[] = format.identity ?? [],
    take: (record: DuplicateRecord) => void,
  ) {
    this.#format = format;
    this.#row = new IdentityRow(format, identity);
    this.#take = take;
    const program = format.layout && programOf(format.layout, format.columns, identity);
    this.#kernel = program && new LineKernel(program);
    this.#objectLines = {
      line: (bytes) => {
        const text = textOf(bytes);
        this.read(this.#count === 0 ? withoutBom(text) : text, this.#count + 1);
      },
      longLine: (head, length) => this.#whole(`${length} ${textOf(head)}`, this.#count + 1),
    };
    this.#lines = new LineSplitter({ ...this.#objectLines, lines: (block) => this.#readLines(block) });
  }

  /** Reads the next bytes of an object; its lines are counted from 1. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** The object's bytes are at their end. */
  end(): void {
    this.#lines.end();
  }

  /** The object's bytes cannot be read further: what is left of its last line is a record, as it is a rejected line. */
  breakOff(): void {
    this.#whole(textOf(this.#lines.takeOpen()), this.#count + 1);
  }

  /** Reads the messages of the events that follow those read: an event's position is its index. */
  readMessages(messages: readonly string[]): void {
    const before = this.#count;
    const done = () => this.#count - before;
    const readNext = () => this.read(messages[done()] ?? '', this.#count);
    readMessages(this.#kernel, messages, 'never', this.#kernelSink(0), done, readNext);
  }

  /** Reads one line, or one event's message. */
  read(line: string, position: number): void {
    if (line.trim() === '') {
      this.#count++;
      return;
    }
    this.#row.begin();
    const outcome = this.#format.reader.read(line, this.#row);
    if (outcome.kind === 'rejected') this.#whole(line, position);
    else {
      this.#count++;
      if (outcome.kind === 'filtered') return;
      const { eventTime: time } = this.#row;
      this.#take({ words: fingerprintOf(this.#row.identity(), line), at: 0, time, position, line: () => line });
    }
  }

  #whole(line: string, position: number): void {
    this.#count++;
    this.#take({ words: fingerprintOf(undefined, line), at: 0, time: undefined, position, line: () => line });
  }

  /** Reads whole lines of an object. */
  #readLines(block: Buffer): void {
    // The first line may begin with a byte order mark.
    const first = this.#kernel && this.#count > 0 ? 0 : block.indexOf(LINE_FEED) + 1;
    eachLine(block.subarray(0, this.#kernel ? first : block.length), this.#objectLines);
    if (this.#kernel) readBlock(this.#kernel, block.subarray(first), 'never', this.#kernelSink(1));
  }

  /** @param first position of an object's or payload's first line */
  #kernelSink(first: number): KernelSink {
    return {
      ...this.#objectLines,
      position: () => this.#count + first,
      room: () => MAX_ROOM_BYTES,
      makeRoom: () => true,
      take: ({ words, times, rows, filtered }, block) => {
        const before = this.#count + first;
        // One object for all of them: it is valid during the call only.
        const record = { words, at: 0, time: undefined as number | undefined, position: 0, line };
        for (let index = 0; index < rows; index++) {
          record.at = index * FINGERPRINT_WORDS;
          const time = times[record.at / 2 + 1] as number;
          record.time = Number.isNaN(time) ? undefined : time;
          record.position = before + (words[record.at + 4] as number);
          this.#take(record);
        }
        function line(): string {
          return lineAt(block, words[record.at + 5] as number);
        }
        this.#count += rows + filtered;
      },
    };
  }
}

function lineAt(block: Buffer, start: number): string {
  return textOf(withoutReturn(block.subarray(start, block.indexOf(LINE_FEED, start))));
}
