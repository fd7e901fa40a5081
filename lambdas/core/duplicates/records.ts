/** An object's bytes, or a payload's messages, to the records that are checked for duplicates. */
import type { CompiledFormat, IdentityColumns } from '../format.ts';
import { LineSplitter } from '../lines.ts';
import { textOf, withoutBom } from '../text.ts';
import { fingerprintOf, IdentityRow } from './identity.ts';

/** A line that becomes a row or is rejected. Blank lines and filter hits are no records. */
export interface DuplicateRecord {
  /** First 8 bytes of the hash of its identity; valid during the call only. */
  readonly fingerprint: Buffer;
  /** Milliseconds since the epoch, where the record tells its time. */
  readonly time: number | undefined;
  /** As in the table: line number from 1, or index of the event from 0. */
  readonly position: number;
  readonly line: string;
}

/** Reads lines as a loader does, and takes of each what tells it from others. */
export class RecordReader {
  readonly #format: CompiledFormat;
  readonly #row: IdentityRow;
  readonly #take: (record: DuplicateRecord) => void;
  readonly #lines: LineSplitter;
  #count = 0;

  constructor(
    format: CompiledFormat,
    identity: readonly IdentityColumns[] | undefined,
    take: (record: DuplicateRecord) => void,
  ) {
    this.#format = format;
    this.#row = new IdentityRow(format, identity);
    this.#take = take;
    this.#lines = new LineSplitter({
      line: (bytes) => {
        const text = textOf(bytes);
        this.read(this.#count === 0 ? withoutBom(text) : text, ++this.#count);
      },
      longLine: (head, length) => this.#whole(`${length} ${textOf(head)}`, ++this.#count),
    });
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
    this.#whole(textOf(this.#lines.takeOpen()), ++this.#count);
  }

  /** Reads one line, or one event's message. */
  read(line: string, position: number): void {
    if (line.trim() === '') return;
    this.#row.begin();
    const outcome = this.#format.reader.read(line, this.#row);
    if (outcome.kind === 'filtered') return;
    if (outcome.kind === 'rejected') this.#whole(line, position);
    else {
      const { eventTime: time } = this.#row;
      this.#take({ fingerprint: fingerprintOf(this.#row.identity(), line), time, position, line });
    }
  }

  #whole(line: string, position: number): void {
    this.#take({ fingerprint: fingerprintOf(undefined, line), time: undefined, position, line });
  }
}
