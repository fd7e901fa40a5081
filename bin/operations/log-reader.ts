import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs';

/** A period of a log group, in milliseconds since the epoch; `until` is not part of it. */
export interface LogRange {
  readonly logGroup: string;
  readonly since: number;
  readonly until: number;
}

/** Reads log groups. */
export interface LogReader {
  /** The filter pattern of the lake's own subscription to the log group; undefined if there is no subscription. */
  pattern(logGroup: string): Promise<string | undefined>;
  /** Events in order of time, page by page. */
  events(range: LogRange, pattern: string): AsyncIterable<readonly FilteredLogEvent[]>;
}

/** A log event that is put into a log group. */
export interface LogEvent {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly message: string;
}
