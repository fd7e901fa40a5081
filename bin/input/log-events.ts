/** Reads files as the log events that CloudWatch would have received. */
import { createReadStream } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { decompress } from '../../lambdas/core/lines/decompress.ts';
import { LineSplitter } from '../../lambdas/core/lines/lines.ts';
import { UnreadableError } from '../../lambdas/core/lines/unreadable.ts';
import { textOf, withoutBom } from '../../lambdas/core/lines/utf8.ts';
import { type CompiledFormat, readLine } from '../../lambdas/core/reading/format.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import type { InputFile } from './input-files.ts';

export interface LogEvent {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly message: string;
}

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;

/**
 * Name of the log stream for a file: the file's name, and a part of its hash that distinguishes files of the same name, so
 * that a stream always contains the same events. CloudWatch's export files are all called 000000.gz; they are in a folder
 * with the name of their stream.
 */
export function logStreamOf({ path, sha256 }: InputFile): string {
  const name = basename(path);
  const stream = /^\d{6}(\.gz)?$/.test(name) ? basename(dirname(resolve(path))) : name.replace(/\.(gz|zst)$/, '');
  return `${stream.replaceAll(/[:*]/g, '-')}/${sha256.slice(0, 16)}`;
}

/**
 * A file's events in batches that PutLogEvents accepts, each in order of time. A file always gives the same events,
 * whatever its time of modification: they depend on its content alone.
 *
 * In a CloudWatch export file (`2024-01-01T00:00:00.000Z message`) a line contains its event's time, and a line
 * without a time continues the message before it. In any other file each line is an event. Its time is a millisecond
 * after the event before it; the first has the first time that the source's format finds in the file.
 *
 * @param note called with a message for each line that is too long for an event and is cut
 */
export async function* eventBatches(
  file: InputFile,
  format: CompiledFormat,
  note: (text: string) => void,
): AsyncGenerator<LogEvent[]> {
  const start =
    (await firstTime(
      linesOf(file.path, () => {}),
      format,
    )) ?? timeOfHash(file.sha256);
  let batch: LogEvent[] = [];
  let bytes = 0;
  for await (const event of eventsOf(linesOf(file.path, note), start)) {
    const size = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    if (batch.length === MAX_BATCH_EVENTS || bytes + size > MAX_BATCH_BYTES) {
      yield inOrder(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield inOrder(batch);
}

/** Lines in which the first time is looked for. */
const MAX_LINES_WITHOUT_TIME = 1000;

/** The first event time in milliseconds of a row among the first lines. */
async function firstTime(
  lines: AsyncIterable<string>,
  { reader, columns }: CompiledFormat,
): Promise<number | undefined> {
  const row = new Row(columns);
  let count = 0;
  for await (const line of lines) {
    row.begin();
    if (readLine(reader, line, row).kind === 'row' && row.eventTime !== undefined && row.eventTime >= 0)
      return row.eventTime;
    if (++count === MAX_LINES_WITHOUT_TIME) break;
  }
  return undefined;
}

/**
 * A time for a file whose lines have none, in the year 2000: no log of today is from then, and files of other content have
 * other times.
 */
function timeOfHash(sha256: string): number {
  return YEAR_2000 + (Number.parseInt(sha256.slice(0, 12), 16) % YEAR_MS);
}

const YEAR_2000 = Date.UTC(2000, 0, 1);
const YEAR_MS = 366 * 86_400_000;

/** CloudWatch does not promise that the events in an export file are in order. */
function inOrder(batch: LogEvent[]): LogEvent[] {
  return batch.sort((a, b) => a.timestamp - b.timestamp);
}

/** The time at the start of an exported event; in container logs (CRI), `stdout` or `stderr` follows the time. */
const EXPORTED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?!std(?:out|err) [FP] )/;

/** The events in a file's lines. @param start time of the first event, if the lines contain no times */
export async function* eventsOf(lines: AsyncIterable<string>, start: number): AsyncGenerator<LogEvent> {
  let count = 0;
  let exported: boolean | undefined;
  let open: LogEvent | undefined;
  for await (const line of lines) {
    const stamp = exported === false ? undefined : EXPORTED.exec(line);
    exported ??= stamp !== null;
    if (!exported) {
      yield { timestamp: start + count++, message: line };
    } else if (stamp) {
      if (open) yield open;
      open = { timestamp: Date.parse(stamp[1] ?? ''), message: line.slice(stamp[0].length) };
    } else if (open) {
      open = { ...open, message: `${open.message}\n${line}` };
    }
  }
  if (open) yield open;
}

/** Lines of a plain or compressed file. If its compression is broken, the lines before the break; a cut line is dropped. */
async function* linesOf(path: string, note: (text: string) => void): AsyncGenerator<string> {
  let found: string[] = [];
  let count = 0;
  const add = (text: string) => found.push(count++ === 0 ? withoutBom(text) : text);
  const splitter = new LineSplitter({
    line: (bytes) => add(textOf(bytes)),
    longLine: (head, length) => {
      add(textOf(head));
      note(
        `${path}: line ${count} has ${length} bytes, more than a log event can contain: cut to ${head.length} bytes`,
      );
    },
  });
  try {
    for await (const chunk of decompress(createReadStream(path), async () => createReadStream(path))) {
      splitter.push(chunk);
      yield* found;
      found = [];
    }
    splitter.end();
    yield* found;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
  }
}
