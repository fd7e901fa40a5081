import { eachLine, LINE_FEED, type LineSink, LineSplitter, MAX_LINE_BYTES } from '../lines/lines.ts';
import { textOf, withoutBom } from '../lines/utf8.ts';
import { BLANK_LINE, type CompiledFormat, type Outcome, readLine } from '../reading/format.ts';
import { type KernelSink, LineKernel, type LinesRead, readBlock, readMessages } from '../reading/kernel.ts';
import { programOf } from '../reading/kernel-program.ts';
import { type KeepRaw, Row, rowHead } from '../reading/row.ts';
import { rejectedRow } from './lake-rows.ts';
import { MAX_RECORD_BYTES, PACKED_RECORD_BYTES, Packer } from './pack.ts';

/** Rejected lines kept of one object or payload; the rest is only counted, so that a flood cannot hurt. */
export const MAX_REJECTED_KEPT = 1000;

/** What one object or payload came to. lines = rows + filtered + rejected, always. */
export interface Counts {
  /** Bytes read, decompressed. */
  bytes: number;
  lines: number;
  rows: number;
  filtered: number;
  rejected: number;
  fieldErrors: number;
  unknownFields: number;
  /** Rows in which no column of the format was set: never normal. */
  emptyRows: number;
  /** Milliseconds since the epoch; undefined until a row tells one. */
  firstEventTime: number | undefined;
  lastEventTime: number | undefined;
}

/** Packed records ready to be sent, and how far they bring the load. */
export interface CheckpointedBatch {
  readonly rows: readonly Uint8Array[];
  readonly rejected: readonly Uint8Array[];
  /** Counts up to here: the outcome of each of their lines is in this shipment or an earlier one. */
  readonly counts: Counts;
}

export interface LineBatcherProps {
  readonly source: string;
  readonly origin: string;
  readonly format: CompiledFormat;
  readonly keepRaw: KeepRaw;
  /** Values every row shares, by column name. */
  readonly shared: ReadonlyMap<string, string>;
  readonly now: () => Date;
  /** What an earlier attempt came to: as many lines are skipped, and counting goes on from here. */
  readonly resume?: Counts;
}

/** Counts before anything has been read. */
export const NOTHING: Counts = {
  bytes: 0,
  lines: 0,
  rows: 0,
  filtered: 0,
  rejected: 0,
  fieldErrors: 0,
  unknownFields: 0,
  emptyRows: 0,
  firstEventTime: undefined,
  lastEventTime: undefined,
};

/** Lines of one object or payload to shipments. Holds at most a batch and what one push brings. */
export class LineBatcher {
  readonly counts: Counts;
  /** Lines left out or rejected, by filter or reason. */
  readonly reasons = new Map<string, number>();

  readonly #props: LineBatcherProps;
  readonly #row: Row;
  readonly #rows = new Packer();
  readonly #rejected = new Packer();
  readonly #lines: LineSplitter;
  /** Reads what lines mostly are; undefined where the format's reader reads all. */
  readonly #kernel: LineKernel | undefined;
  /** Lines of an object that are read one by one. */
  readonly #objectLines: Required<Pick<LineSink, 'line' | 'longLine'>>;
  #ready: CheckpointedBatch[] = [];
  /** Lines an earlier attempt has dealt with, that are still to be skipped. */
  #skip: number;

  constructor(props: LineBatcherProps) {
    this.#props = props;
    // Bytes are counted again: an object is read from its start, as gzip can be read no other way.
    this.counts = { ...NOTHING, ...props.resume, bytes: 0 };
    this.#skip = this.counts.lines;
    this.#row = new Row(props.format.columns, props.shared);
    const { layout, columns } = props.format;
    const program = layout && programOf(layout, columns);
    this.#kernel = program && new LineKernel(program, rowHead(props.origin), this.#row.shared);
    this.#objectLines = {
      line: (bytes) => {
        if (this.#skips()) return;
        const text = textOf(bytes);
        this.read(this.counts.lines === 0 ? withoutBom(text) : text);
      },
      longLine: (head, length) => {
        if (this.#skips()) return;
        const detail = `expected at most ${MAX_LINE_BYTES} bytes, got ${length}`;
        this.#line(textOf(head), { kind: 'rejected', reason: 'line_too_long', detail });
      },
    };
    this.#lines = new LineSplitter({ ...this.#objectLines, lines: (block) => this.#readLines(block) });
  }

  /** Reads the next bytes of an object; its lines are counted from 1. */
  push(chunk: Uint8Array): void {
    this.counts.bytes += chunk.length;
    this.#lines.push(chunk);
  }

  /** The object's bytes are at their end. */
  end(): void {
    this.#lines.end();
  }

  /** The object's bytes cannot be read further: its last line is rejected, with what is left of it. */
  breakOff(reason: string, detail: string): void {
    const rest = textOf(this.#lines.takeOpen());
    // An earlier attempt may have come as far as this, and died before it could say so.
    if (this.#skips()) return;
    this.#line(rest, { kind: 'rejected', reason, detail });
  }

  /** Reads the messages of the events that follow those read; events are counted from 1, as lines are. */
  readMessages(messages: readonly string[]): void {
    const before = this.counts.lines;
    const done = () => this.counts.lines - before;
    const readNext = () => this.read(messages[done()] ?? '');
    readMessages(this.#kernel, messages, this.#props.keepRaw, this.#kernelSink(), done, readNext);
  }

  /** Reads one line, or one event's message. */
  read(line: string): void {
    if (line.trim() === '') {
      this.#line(line, { kind: 'filtered', filter: BLANK_LINE });
      return;
    }
    this.#row.begin();
    this.#line(line, readLine(this.#props.format.reader, line, this.#row));
  }

  /** Batches that are full. */
  takeFullBatches(): CheckpointedBatch[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** All that is packed, full or not. */
  takeRemaining(): CheckpointedBatch[] {
    if (!this.#rows.empty || !this.#rejected.empty) this.#closeBatch();
    return this.takeFullBatches();
  }

  /** Reads whole lines of an object. */
  #readLines(block: Buffer): void {
    const kernel = this.#kernel;
    let rest = block;
    // The first line may begin with a byte order mark.
    while (rest.length > 0 && (!kernel || this.#skip > 0 || this.counts.lines === 0)) {
      const end = kernel ? rest.indexOf(LINE_FEED) + 1 : rest.length;
      eachLine(rest.subarray(0, end), this.#objectLines);
      rest = rest.subarray(end);
    }
    if (kernel) readBlock(kernel, rest, this.#props.keepRaw, this.#kernelSink());
  }

  #kernelSink(): KernelSink {
    const rows = this.#rows;
    return {
      ...this.#objectLines,
      position: () => this.counts.lines + 1,
      room: () => rows.room,
      makeRoom: () => {
        // What does not fit an empty record fits none.
        if (rows.room === PACKED_RECORD_BYTES) return false;
        rows.closeRecord();
        if (rows.room === 0) this.#closeBatch();
        return true;
      },
      take: (read) => this.#take(read),
    };
  }

  #take(read: LinesRead): void {
    const { output, rows, filtered, filteredBy, firstEventTime, lastEventTime } = read;
    const { counts } = this;
    if (rows > 0) this.#rows.addRows(output);
    counts.lines += rows + filtered;
    counts.rows += rows;
    counts.filtered += filtered;
    for (const [filter, count] of filteredBy) this.#count(filter, count);
    counts.unknownFields += read.unknownFields;
    counts.fieldErrors += read.fieldErrors;
    if (Number.isNaN(firstEventTime)) return;
    this.#seen(firstEventTime);
    this.#seen(lastEventTime);
  }

  #seen(time: number): void {
    const { counts } = this;
    counts.firstEventTime = Math.min(counts.firstEventTime ?? time, time);
    counts.lastEventTime = Math.max(counts.lastEventTime ?? time, time);
  }

  #skips(): boolean {
    if (this.#skip === 0) return false;
    this.#skip--;
    return true;
  }

  /** Counts a line when its outcome is packed, and no sooner: the batch it may fill must not count it yet. */
  #line(line: string, outcome: Outcome): void {
    const { counts } = this;
    const position = counts.lines + 1;
    if (outcome.kind === 'row') this.#keepRow(position, line);
    else if (outcome.kind === 'filtered') {
      counts.filtered++;
      this.#count(outcome.filter);
    } else this.#reject(position, line, outcome.reason, outcome.detail);
    counts.lines++;
  }

  #keepRow(position: number, line: string): void {
    const { counts } = this;
    const row = this.#row;
    const { origin, keepRaw } = this.#props;
    const packed =
      this.#pack(this.#rows, row.json(origin, position, line, keepRaw)) ||
      // The line is in the row twice when it is kept raw: its columns come first.
      (keepRaw !== 'never' && this.#pack(this.#rows, row.json(origin, position, line, 'never')));
    if (!packed) {
      this.#reject(position, line, 'row_too_large', `expected a row of at most ${MAX_RECORD_BYTES} bytes as JSON`);
      return;
    }
    counts.rows++;
    counts.fieldErrors += row.fieldErrors;
    counts.unknownFields += row.unknownFields;
    if (row.values === 0) counts.emptyRows++;
    if (row.eventTime !== undefined) this.#seen(row.eventTime);
  }

  #reject(position: number, line: string, reason: string, detail: string): void {
    const { source, origin, now } = this.#props;
    if (this.counts.rejected < MAX_REJECTED_KEPT) {
      this.#pack(this.#rejected, rejectedRow(origin, position, { source, reason, detail, raw: line }, now()));
    }
    this.counts.rejected++;
    this.#count(reason);
  }

  /** False where the row fits no record. */
  #pack(packer: Packer, json: string): boolean {
    let packed = packer.add(json);
    if (packed === 'full') {
      this.#closeBatch();
      packed = packer.add(json);
    }
    return packed === 'packed';
  }

  #closeBatch(): void {
    this.#ready.push({ rows: this.#rows.take(), rejected: this.#rejected.take(), counts: { ...this.counts } });
  }

  #count(reason: string, lines = 1): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + lines);
  }
}
