import { lineAt } from '../lines/lines.ts';
import type { CompiledFormat, Outcome } from '../reading/format.ts';
import { InputReader, type KernelLines } from '../reading/input-reader.ts';
import type { Joining } from '../reading/joiner.ts';
import { NO_JSON } from '../reading/json-text.ts';
import { LineKernel, type LinesRead } from '../reading/kernel.ts';
import { programOf } from '../reading/kernel-program.ts';
import type { PayloadJson } from '../reading/payload-json.ts';
import { type KeepRaw, LOGGED_AT_KEY, Row, rowHead } from '../reading/row.ts';
import { type Lane, OWN } from '../tables/table.ts';
import { originOf, payloadInputKey } from './input.ts';
import { type RejectedLine, rejectedRow } from './lake-rows.ts';
import { MAX_RECORD_BYTES, PACKED_RECORD_BYTES, Packer } from './pack.ts';

/**
 * Rejected lines that are kept of an S3 object or a CloudWatch subscription payload, also of one that comes in an object with
 * others. Further ones are only counted, so that an input without any valid line does not flood the table.
 */
export const MAX_REJECTED_KEPT = 1000;

/** Characters that are kept of a line as an example of what a filter leaves out. */
const EXAMPLE_CHARS = 200;

/** Totals of one input. At all times, lines = rows + filtered + rejected. */
export interface Counts {
  /** Bytes read, decompressed. */
  bytes: number;
  lines: number;
  rows: number;
  filtered: number;
  /** The filtered lines by filter. */
  filteredBy: Readonly<Record<string, number>>;
  rejected: number;
  fieldErrors: number;
  unknownFields: number;
  /** Rows in which no column of the format has a value. Such a row is a sign of a wrong format. */
  emptyRows: number;
  /** Rows of an object that breaks off which no checksum has proved right: they may be wrong. */
  unverifiedRows: number;
  /** Milliseconds since the epoch, or undefined if no row has a time yet. */
  firstEventTime: number | undefined;
  lastEventTime: number | undefined;
}

/** The first lines of an object, of which a checksum has proved right what they were decompressed from. */
interface Verified {
  readonly lines: number;
  readonly rows: number;
}

/** How far a load has come: the outcome of each line that is counted is acknowledged, or packed in a batch up to here. */
export interface Checkpoint extends Counts {
  /** Lines and rows up to the last end of a compressed part whose checksum was right. Absent if there was none. */
  readonly verified?: Verified;
  /** What is known of the pieces of lines up to here. Absent in checkpoints of versions that did not join any. */
  readonly joining?: Joining;
}

/** What the rows of a batch tell of their events' times. */
export interface BatchTimes {
  /** Rows, and those of them that have a time. */
  rows: number;
  timed: number;
  /** Milliseconds since the epoch of the earliest and the latest event; undefined if no row has a time. */
  first: number | undefined;
  last: number | undefined;
}

/** Packed records that are ready to be sent, and how far the load has come once they are acknowledged. */
export interface CheckpointedBatch {
  readonly rows: readonly Uint8Array[];
  readonly rejected: readonly Uint8Array[];
  readonly times: Readonly<BatchTimes>;
  /** Up to the end of this batch: the outcome of each counted line is in this batch or an earlier one. */
  readonly counts: Checkpoint;
}

/** A payload in an object of payloads. */
interface OpenPayload {
  readonly logGroup: string;
  readonly logStream: string;
  /** The origin that the payload would have if it came alone. */
  readonly id: string;
  /** Lines of the object before its first event. */
  readonly before: number;
}

export interface LineBatcherProps {
  readonly source: string;
  readonly origin: string;
  readonly format: CompiledFormat;
  /** @default objects */
  readonly lane?: Lane;
  /** Whether the objects were exported by CloudWatch. @default false */
  readonly exported?: boolean;
  readonly keepRaw: KeepRaw;
  /** Values shared by every row, by column name. */
  readonly shared: ReadonlyMap<string, string>;
  readonly now: () => Date;
  /** Counts at the checkpoint of an earlier attempt: its lines are skipped, and counting goes on from there. */
  readonly resume?: Checkpoint;
}

/** Counts before anything has been read. */
export const NOTHING: Counts = {
  bytes: 0,
  lines: 0,
  rows: 0,
  filtered: 0,
  filteredBy: {},
  rejected: 0,
  fieldErrors: 0,
  unknownFields: 0,
  emptyRows: 0,
  unverifiedRows: 0,
  firstEventTime: undefined,
  lastEventTime: undefined,
};

const NONE_VERIFIED: Verified = { lines: 0, rows: 0 };

function noTimes(): BatchTimes {
  return { rows: 0, timed: 0, first: undefined, last: undefined };
}

/** Programs that write rows, by format. Making one takes as long as reading some hundred lines of a payload. */
const programs = new WeakMap<CompiledFormat, Uint8Array>();

function rowProgramOf(format: CompiledFormat): Uint8Array | undefined {
  const { layout, columns } = format;
  const program = programs.get(format) ?? (layout && programOf(layout, columns));
  if (program) programs.set(format, program);
  return program;
}

/**
 * Turns the lines of one input into batches of rows and rejected lines. The memory needed is at most one batch, and the
 * batches that one `push` or `readEvents` fills.
 */
export class LineBatcher {
  readonly counts: Counts;
  /** Number of filtered and rejected lines, by filter or reason. */
  readonly reasons = new Map<string, number>();
  /** The start of one line that each filter left out in this attempt. */
  readonly filterExamples = new Map<string, string>();

  readonly #props: LineBatcherProps;
  readonly #row: Row;
  readonly #rows = new Packer();
  readonly #rejected = new Packer();
  readonly #input: InputReader;
  readonly #kernel: LineKernel | undefined;
  /** The payload that is read, in an object of payloads. */
  #payload: OpenPayload | undefined;
  /** Lines that were rejected before this payload began. */
  #rejectedBefore = 0;
  #ready: CheckpointedBatch[] = [];
  #verified: Verified;
  #times: BatchTimes = noTimes();

  constructor(props: LineBatcherProps) {
    const { format, origin, keepRaw, resume } = props;
    this.#props = props;
    // Bytes are counted anew: an object is read again from its start, because gzip cannot be read from the middle.
    const { joining, verified = NONE_VERIFIED, ...counts } = { ...NOTHING, ...resume, bytes: 0 } as Checkpoint;
    this.#verified = verified;
    this.counts = counts;
    this.#row = new Row(format.columns, props.shared);
    const { exported = false } = props;
    const timed = props.lane === 'events' || exported;
    const program = rowProgramOf(format);
    const kernel = program && new LineKernel(program, rowHead(origin), this.#row.shared, timed ? LOGGED_AT_KEY : '');
    this.#kernel = kernel;
    this.#input = new InputReader(
      { format, row: this.#row, skip: this.counts.lines, timed, exported, ...(joining && { joining }) },
      {
        add: (line, outcome, _identity, timestamp) => this.#addLine(line, outcome, timestamp),
        beginPayload: (payload, before) => this.#beginPayload(payload, before),
        ...(kernel && {
          kernel: { kernel, keepRaw, ...this.#kernelLines() },
        }),
      },
    );
  }

  /** Lines that are held to be joined are not counted yet: another attempt reads them again. */
  get checkpoint(): Checkpoint {
    return { ...this.counts, joining: this.#input.joining, verified: this.#verified };
  }

  /** Reads the next bytes of an object; its lines are counted from 1. */
  push(chunk: Uint8Array): void {
    this.counts.bytes += chunk.length;
    this.#input.push(chunk);
  }

  /** Ends the input: the last line of an object may have no line feed. */
  end(): void {
    this.#input.end();
  }

  /**
   * Ends an object whose further bytes cannot be read. The part of its last line that was read is rejected.
   *
   * @param rest replaces that part if the object has no lines
   */
  breakOff(reason: string, detail: string, rest?: string): void {
    const { counts } = this;
    const { lines, rows } = this.#verified;
    const doubt =
      counts.lines > lines ? `; lines from ${lines + 1} on may be wrong, no checksum has proved them right` : '';
    this.#input.breakOff(reason, detail + doubt, rest);
    counts.unverifiedRows = counts.rows - rows;
  }

  /** A checksum has proved right what all lines so far were decompressed from. */
  verified(): void {
    // The lines that are skipped were verified, or not, by the attempt that loaded them.
    if (this.#input.skipping) return;
    const { lines, rows } = this.counts;
    this.#verified = { lines, rows };
  }

  /** Reads a block of a payload's events (core/reading/events.ts). Events are counted from 1, as lines are. */
  readEvents(block: Buffer): void {
    this.#input.readEvents(block);
  }

  /** Reads the JSON of a payload, in an object that consists of gzipped payloads; events are counted on in the object. */
  readPayload(json: Buffer): void {
    this.counts.bytes += json.length;
    this.#input.readPayload(json);
    this.#payload = undefined;
    // Its checksum was compared before it was read.
    this.verified();
  }

  /** Rejects a part of such an object that could not be decompressed. */
  rejectPart(reason: string, detail: string, shown: string): void {
    this.#input.rejectPart(reason, detail, shown);
  }

  #beginPayload(payload: PayloadJson, before: number): void {
    const { logGroup, logStream } = payload;
    const id = originOf(payloadInputKey(this.#props.source, payload));
    this.#payload = { logGroup, logStream, id, before };
    this.#rejectedBefore = this.counts.rejected;
    const shared = [
      [OWN.logGroup.name, logGroup],
      [OWN.logStream.name, logStream],
      [OWN.payload.name, id],
    ] as const;
    this.#row.beginPayload(new Map(shared), before);
    this.#kernel?.beginPayload(this.#row.shared, before);
  }

  /** Returns the full batches and removes them. */
  takeFullBatches(): CheckpointedBatch[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Returns all batches and removes them, the last of which may not be full. */
  takeRemaining(): CheckpointedBatch[] {
    if (!this.#rows.empty || !this.#rejected.empty) this.#closeBatch();
    return this.takeFullBatches();
  }

  #kernelLines(): Omit<KernelLines, 'kernel' | 'keepRaw'> {
    const rows = this.#rows;
    return {
      room: () => rows.room,
      makeRoom: () => {
        // A row that does not fit into an empty record fits into no record.
        if (rows.room === PACKED_RECORD_BYTES) return false;
        rows.closeRecord();
        if (rows.room === 0) this.#closeBatch();
        return true;
      },
      countRejected: () => !this.#keepsRejected,
      take: (read, block) => this.#addKernelLines(read, block),
    };
  }

  #addKernelLines(read: LinesRead, block: Buffer): void {
    const { output, rows, filtered, filteredBy, rejected, firstEventTime, lastEventTime } = read;
    const { counts } = this;
    if (rows > 0) this.#rows.addRows(output);
    counts.lines += rows + filtered + rejected;
    counts.rows += rows;
    counts.rejected += rejected;
    if (rejected > 0) this.#countReason(NO_JSON, rejected);
    counts.filtered += filtered;
    for (const [filter, { count, firstAt }] of filteredBy) {
      this.#countFiltered(filter, count);
      if (!this.filterExamples.has(filter)) this.#keepExample(filter, lineAt(block, firstAt));
    }
    counts.unknownFields += read.unknownFields;
    counts.fieldErrors += read.fieldErrors;
    if (rows > 0) this.#addTimes(rows, read.timed, firstEventTime, lastEventTime);
  }

  /** Counts rows, and the times of those that have one. Call it when the rows are packed. */
  #addTimes(rows: number, timed: number, first: number, last: number): void {
    const { counts } = this;
    const times = this.#times;
    times.rows += rows;
    if (timed === 0) return;
    times.timed += timed;
    times.first = Math.min(times.first ?? first, first);
    times.last = Math.max(times.last ?? last, last);
    counts.firstEventTime = Math.min(counts.firstEventTime ?? first, first);
    counts.lastEventTime = Math.max(counts.lastEventTime ?? last, last);
  }

  /**
   * Packs a line's outcome, then counts the line. It is not counted sooner, because packing the outcome may close the
   * batch before it, whose counts must not include the line.
   */
  #addLine(line: string, outcome: Outcome, timestamp: number | undefined): void {
    const { counts } = this;
    const position = counts.lines + 1;
    if (outcome.kind === 'row') this.#keepRow(position, line, timestamp);
    else if (outcome.kind === 'filtered') {
      counts.filtered++;
      this.#countFiltered(outcome.filter);
      this.#keepExample(outcome.filter, line);
    } else {
      const { reason, detail } = outcome;
      this.#reject(position, { reason, detail, raw: line, timestamp });
    }
    counts.lines++;
  }

  #keepRow(position: number, line: string, timestamp: number | undefined): void {
    const { counts } = this;
    const row = this.#row;
    const { origin, keepRaw } = this.#props;
    const packed =
      this.#pack(this.#rows, row.json(origin, position, line, keepRaw)) ||
      // With `raw`, the row contains the line twice. If that is too large, the columns are kept without `raw`.
      (keepRaw !== 'never' && this.#pack(this.#rows, row.json(origin, position, line, 'never')));
    if (!packed) {
      const detail = `expected a row of at most ${MAX_RECORD_BYTES} bytes as JSON`;
      this.#reject(position, { reason: 'row_too_large', detail, raw: line, timestamp });
      return;
    }
    counts.rows++;
    counts.fieldErrors += row.fieldErrors;
    counts.unknownFields += row.unknownFields;
    if (row.values === 0) counts.emptyRows++;
    const time = row.eventTime ?? timestamp;
    this.#addTimes(1, time === undefined ? 0 : 1, time ?? 0, time ?? 0);
  }

  #reject(position: number, line: Omit<RejectedLine, 'source'>): void {
    const { source, origin, now } = this.#props;
    if (this.#keepsRejected) {
      this.#pack(
        this.#rejected,
        rejectedRow(origin, position, { source, ...line, ...this.#ofPayload(position) }, now()),
      );
    }
    this.counts.rejected++;
    this.#countReason(line.reason);
  }

  get #keepsRejected(): boolean {
    return this.counts.rejected - this.#rejectedBefore < MAX_REJECTED_KEPT;
  }

  /** What a rejected line tells of its payload. */
  #ofPayload(position: number): Pick<RejectedLine, 'ofPayload'> | undefined {
    if (!this.#payload) return undefined;
    const { logGroup, logStream, id, before } = this.#payload;
    return {
      ofPayload: { log_group: logGroup, log_stream: logStream, payload: id, payload_position: position - before },
    };
  }

  /** Returns false if the row is too large for any record. */
  #pack(packer: Packer, json: string): boolean {
    let packed = packer.add(json);
    if (packed === 'full') {
      this.#closeBatch();
      packed = packer.add(json);
    }
    return packed === 'packed';
  }

  #closeBatch(): void {
    this.#ready.push({
      rows: this.#rows.take(),
      rejected: this.#rejected.take(),
      times: this.#times,
      counts: this.checkpoint,
    });
    this.#times = noTimes();
  }

  #countFiltered(filter: string, lines = 1): void {
    const { counts } = this;
    counts.filteredBy = { ...counts.filteredBy, [filter]: (counts.filteredBy[filter] ?? 0) + lines };
    this.#countReason(filter, lines);
  }

  #keepExample(filter: string, line: string): void {
    if (!this.filterExamples.has(filter)) this.filterExamples.set(filter, line.slice(0, EXAMPLE_CHARS));
  }

  #countReason(reason: string, lines = 1): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + lines);
  }
}
