/**
 * What the duplicate check remembers, in one DynamoDB table. Item sizes are what it costs, so names of
 * attributes are short.
 *
 *   object   o#origin                 o                     which message's work finished it
 *   tries    o#origin                 t                     how often it was begun alone, after it had failed
 *   page     p#source#minute#shard    origin#sequence       fingerprints of an object in a minute
 *   mark     due                      source#minute#token   pages came to these shards of the minute
 *   minute   m#source                 minute                what it came to, and the shards that have pages
 *   note     n#source                 origin                redeliveries and late records of an object
 *
 * A page is written before its mark, the mark before the object is finished:
 *
 *   track   pages ─► marks ─► finished
 *   count            marks read ─► pages read ─► minute stored ─► metrics ─► those marks deleted
 *
 * No mark is ever put twice, so the marks deleted are the marks read: a page that comes meanwhile brings
 * one that stays, and the minute is counted again. Whatever dies leaves a message that returns or marks
 * that stay. The same work done twice writes the same pages; two counts of one minute are told apart by
 * its version.
 */

import type { MinuteCounts, SampledDuplicate, StoredPage } from './counting.ts';
import type { Page } from './pages.ts';

/** Attributes the stack and the functions agree on. */
export const DUPLICATES = {
  partition: 'pk',
  sort: 'sk',
  /** TTL attribute, epoch seconds. */
  expiry: 'x',
} as const;

/**
 * Partitions a minute's pages are spread over, by object: one takes 1,000 write units a second. 16 billion lines a day
 * are 18.5 objects a second of 10,000 lines; a minute takes a fifth of one, 10 units: 185 units a second if
 * objects come as evenly as their lines, 930 if all of five minutes come within one. Smaller objects write more, as
 * each page is a unit at least: objects of 1,000 lines up to 3,700. Four partitions take 4,000; above that BatchWriteItem hands items back, which are put again after a wait. Each partition that has pages is a
 * request when the minute is counted. Marks and counted minutes name their shards: those of another number are read on.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
export const SHARDS = 4;

/** A page to write. */
export interface PageOf extends Page {
  readonly source: string;
  readonly origin: string;
  readonly sampleRate: number;
}

/** Pages came to a minute. */
export interface Mark {
  readonly source: string;
  readonly minute: number;
  readonly shards: readonly number[];
}

/** A mark as it was read. */
export interface StoredMark extends Mark {
  /** Of this mark alone. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly putAt: number;
}

/** A minute of a source. */
export interface MinuteOf {
  readonly source: string;
  /** Of event time, minutes since the epoch. */
  readonly minute: number;
}

/** A minute as it was last counted. */
export interface CountedMinute extends MinuteOf, MinuteCounts {
  /** Those that have pages. */
  readonly shards: readonly number[];
  readonly sample: readonly SampledDuplicate[];
  /** From 1, with each count. */
  readonly version: number;
}

/** An object or payload whose records are in pages. */
export interface FinishedObject {
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  /** The SQS message or Lambda request that had it checked first. */
  readonly holder: string;
  /** Records outside the window, at that time. */
  readonly outsideWindow: number;
}

/** What is remembered of an object besides its records. */
export interface InputStats {
  readonly source: string;
  readonly origin: string;
  /** Deliveries of the object after the first that was checked. */
  readonly redelivered: number;
  /** Records outside the window. */
  readonly outsideWindow: number;
  /** Milliseconds since the epoch: of the first delivery noted. */
  readonly recordedAt: number;
}

/** What track-duplicates writes. */
export interface TrackStore {
  /** Those of the given objects and payloads that are finished, by origin. */
  finished(origins: readonly string[]): Promise<ReadonlyMap<string, FinishedObject>>;
  /** How often the given objects were begun alone, by origin; none where never. */
  attempts(origins: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Counts one more try. */
  recordAttempt(origin: string): Promise<void>;
  /** Over what is there: the same pages may be written again. */
  writePages(pages: readonly PageOf[]): Promise<void>;
  /** Puts marks, beside those that are there. */
  mark(marks: readonly Mark[]): Promise<void>;
  /** Finishes an object; gives it back as whoever was first has finished it. */
  finish(object: FinishedObject): Promise<FinishedObject>;
  recordRedelivery(source: string, origin: string): Promise<void>;
  recordOutsideWindow(source: string, origin: string, outsideWindow: number): Promise<void>;
}

/** What count-duplicates reads and writes. */
export interface CountStore {
  marks(): Promise<StoredMark[]>;
  /** Those of the given minutes that were counted before. */
  counted(minutes: readonly MinuteOf[]): Promise<CountedMinute[]>;
  pages(source: string, minute: number, shards: readonly number[]): Promise<StoredPage[]>;
  /** False when another has stored a count with this version. */
  storeMinute(minute: CountedMinute): Promise<boolean>;
  deleteMarks(marks: readonly StoredMark[]): Promise<void>;
}

/** What people look at. */
export interface ReportStore {
  /** From a minute on, in order of time. */
  minutes(source: string, from: number): Promise<CountedMinute[]>;
  inputStats(source: string): Promise<InputStats[]>;
  finished(origins: readonly string[]): Promise<ReadonlyMap<string, FinishedObject>>;
}

/** The shard a page lies in: an object's pages of a minute lie in one, those of a large one in several. */
export function shardOf(origin: string, sequence: number): number {
  let hash = sequence;
  for (let index = 0; index < origin.length; index++) hash = (hash * 31 + origin.charCodeAt(index)) >>> 0;
  return hash % SHARDS;
}
