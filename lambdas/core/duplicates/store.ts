/**
 * The data of the duplicate check, in one DynamoDB table. The sizes of its items are most of the check's cost, so names
 * of attributes are short. An input is an S3 object or a CloudWatch subscription payload; `origin` is its short id.
 *
 *   item       partition key          sort key              contents
 *   input      o#origin               o                     the message or request that finished the input first
 *   attempts   o#origin               t                     how often the input was begun alone, after a failure
 *   page       p#source#minute#shard  origin#sequence       fingerprints of one input in one minute
 *   mark       due                    source#minute#token   the minute is dirty: pages were written to these shards
 *   minute     m#source               minute                the minute's counts, and the shards that have pages
 *   stats      n#source               origin                redeliveries of an input and its records outside the window
 *
 * A page is written before its mark, and the mark before its input is finished:
 *
 *   track   pages ─► marks ─► finished
 *   count            marks read ─► pages read ─► minute stored ─► metrics ─► those marks deleted
 *
 * No mark is put twice, so exactly the marks that were read are deleted: a page that is written in the meantime comes
 * with a mark of its own, which stays, and the minute is counted again. A crash leaves either a message that is
 * delivered again or marks that stay. Checking an input twice writes the same pages. The version of a minute keeps two
 * concurrent counts from overwriting each other.
 */

import type { MinuteCounts, SampledDuplicate, StoredPage } from './counting.ts';
import type { Page } from './pages.ts';

/** Attributes that the stack and the functions must agree on. */
export const DUPLICATES = {
  partition: 'pk',
  sort: 'sk',
  /** TTL attribute, epoch seconds. */
  expiry: 'x',
} as const;

/**
 * Number of partitions that the pages of a minute are spread over, by input. One partition takes 1,000 write units a
 * second. 16 billion lines a day are 18.5 objects a second of 10,000 lines each; one minute has a fifth of an object,
 * which is 10 units. A minute's pages thus take 185 units a second if objects come as evenly as their lines, and 930 if
 * all objects of five minutes come within one. Smaller objects take more, because each page is at least one unit: up to
 * 3,700 with objects of 1,000 lines. Four partitions take 4,000. Above that, BatchWriteItem returns some of the items,
 * which are put again after a wait. Counting a minute takes one request for each partition that has pages. Marks and
 * counted minutes name their shards, so data that was written with another number of shards can still be read.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
export const SHARDS = 4;

/** A page to write. */
export interface PageOf extends Page {
  readonly source: string;
  readonly origin: string;
  readonly sampleRate: number;
}

/** A mark makes a minute dirty: pages were written to it that its last count does not include. */
export interface Mark {
  readonly source: string;
  readonly minute: number;
  readonly shards: readonly number[];
}

/** A mark as read from the table. */
export interface StoredMark extends Mark {
  /** Unique to this mark. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly putAt: number;
}

/** A minute of a source. */
export interface MinuteOf {
  readonly source: string;
  /** Minutes since the epoch, of event time. */
  readonly minute: number;
}

/** A minute as it was last counted. */
export interface CountedMinute extends MinuteOf, MinuteCounts {
  /** The shards that have pages. */
  readonly shards: readonly number[];
  readonly sample: readonly SampledDuplicate[];
  /** Number of the count, from 1. */
  readonly version: number;
}

/** An input whose records are all in pages. */
export interface FinishedObject {
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  /** The SQS message or Lambda request that finished the input first. */
  readonly holder: string;
  /** Records outside the window when the input was finished. */
  readonly outsideWindow: number;
}

/** What is stored about an input besides its records. */
export interface InputStats {
  readonly source: string;
  readonly origin: string;
  /** Deliveries of the input other than the one that finished it first. */
  readonly redelivered: number;
  /** Records outside the window. */
  readonly outsideWindow: number;
  /** Milliseconds since the epoch, of the first delivery recorded. */
  readonly recordedAt: number;
}

/** What track-duplicates reads and writes. */
export interface TrackStore {
  /** The given inputs that are finished, by origin. */
  finished(origins: readonly string[]): Promise<ReadonlyMap<string, FinishedObject>>;
  /** How often each of the given inputs was begun alone, by origin. Inputs that never were are missing. */
  attempts(origins: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Counts one more attempt. */
  recordAttempt(origin: string): Promise<void>;
  /** Writes pages. Pages that exist already are overwritten with the same contents. */
  writePages(pages: readonly PageOf[]): Promise<void>;
  /** Adds marks; existing marks stay. */
  mark(marks: readonly Mark[]): Promise<void>;
  /** Marks an input as finished. Returns the input as it was first finished, which may be by another delivery. */
  finish(object: FinishedObject): Promise<FinishedObject>;
  recordRedelivery(source: string, origin: string): Promise<void>;
  recordOutsideWindow(source: string, origin: string, outsideWindow: number): Promise<void>;
}

/** What count-duplicates reads and writes. */
export interface CountStore {
  marks(): Promise<StoredMark[]>;
  /** The given minutes that were counted before. */
  counted(minutes: readonly MinuteOf[]): Promise<CountedMinute[]>;
  pages(source: string, minute: number, shards: readonly number[]): Promise<StoredPage[]>;
  /** Returns false if another run has already stored a count with this version. */
  storeMinute(minute: CountedMinute): Promise<boolean>;
  deleteMarks(marks: readonly StoredMark[]): Promise<void>;
}

/** What the reports for people read. */
export interface ReportStore {
  /** The minutes from `from` on, in order of time. */
  minutes(source: string, from: number): Promise<CountedMinute[]>;
  inputStats(source: string): Promise<InputStats[]>;
  finished(origins: readonly string[]): Promise<ReadonlyMap<string, FinishedObject>>;
}

/** The shard of a page. All pages of a small input in a minute are in one shard; those of a large one are spread. */
export function shardOf(origin: string, sequence: number): number {
  let hash = sequence;
  for (let index = 0; index < origin.length; index++) hash = (hash * 31 + origin.charCodeAt(index)) >>> 0;
  return hash % SHARDS;
}
