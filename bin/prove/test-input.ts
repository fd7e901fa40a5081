/** Puts an object, or log events, where a source's own would arrive. */
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { readLine } from '../../lambdas/core/reading/format.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import type { EventsPlace, ObjectsPlace } from '../../lambdas/core/settings.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import type { LakeHandle } from '../operations/lake-handle.ts';
import { type Values, valuesOf } from './test-rows.ts';

/** Lines for a source, and what they are to become. */
export interface TestLines {
  readonly lines: readonly string[];
  /** The values of the format's columns, for each line that becomes a row. */
  readonly rows: readonly Values[];
  readonly rejected: number;
  /** Milliseconds since the epoch of the first event that the rows tell of; undefined if none has a time. */
  readonly firstEvent: number | undefined;
}

/** An input that was put, as `loads` names it. */
export interface TestInput extends TestLines {
  readonly kind: 'object' | 'event';
  /** For people: `s3://bucket/key`, or the log group and stream. */
  readonly what: string;
  /** The column of `loads` that names the input, and the name. */
  readonly named: { readonly column: 'object_key' | 'log_stream'; readonly name: string };
  /** Removes what was put, as far as that is possible. */
  readonly remove: () => Promise<void>;
}

/** No format reads this line. */
const BAD_LINE = 'this line is of no log: lake prove put it here';

/**
 * Takes the lines that the source's reader makes rows of, and adds one that it rejects. The reader says what values the
 * rows are to have.
 *
 * @param given lines of the source; without them, the examples of its format, if its options allow them
 * @returns undefined if the reader makes no row of any line
 */
export function testLines(source: Source, table: Table, given?: readonly string[]): TestLines | undefined {
  const { columns, reader } = source.format;
  const examples = FORMATS.get(source.settings.format)?.exampleLines ?? [];
  const row = new Row(columns);
  const own = Object.keys(columns);
  const found = (given ?? examples).flatMap((line) => {
    row.begin();
    if (readLine(reader, line, row).kind !== 'row') return [];
    const values = Object.entries(valuesOf(table, row.json('', 0, '', 'never')));
    return [{ line, time: row.eventTime, values: Object.fromEntries(values.filter(([name]) => own.includes(name))) }];
  });
  if (found.length === 0) return undefined;
  const times = found.flatMap(({ time }) => (time === undefined ? [] : [time]));
  row.begin();
  const isRejected = readLine(reader, BAD_LINE, row).kind === 'rejected';
  return {
    lines: [...found.map(({ line }) => line), ...(isRejected ? [BAD_LINE] : [])],
    rows: found.map(({ values }) => values),
    rejected: isRejected ? 1 : 0,
    firstEvent: times.length > 0 ? Math.min(...times) : undefined,
  };
}

/** Puts the lines where the source takes its inputs from. @param id of the proof, which is part of the input's name */
export function putInput(lake: LakeHandle, { settings }: Source, lines: TestLines, id: string): Promise<TestInput> {
  return settings.lane === 'objects' ? putObject(lake, settings, lines, id) : putEvents(lake, settings, lines, id);
}

async function putObject(
  { s3 }: LakeHandle,
  { bucket, prefix = '', suffix = '', format }: ObjectsPlace & { readonly format: string },
  lines: TestLines,
  id: string,
): Promise<TestInput> {
  const { exampleKey = 'lines.log.gz' } = FORMATS.get(format) ?? {};
  const name = basename(exampleKey);
  const key = `${prefix}tributary-prove/${id}/${name.endsWith(suffix) ? name : name + suffix}`;
  const text = `${lines.lines.join('\n')}\n`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: gzipSync(text) }));
  return {
    ...lines,
    kind: 'object',
    what: `s3://${bucket}/${key}`,
    named: { column: 'object_key', name: key },
    remove: async () => {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}

/** Log groups keep no single event deleted: the events go with the group's retention. */
async function putEvents(
  lake: LakeHandle,
  { logGroups: [logGroup = ''] }: EventsPlace,
  lines: TestLines,
  id: string,
): Promise<TestInput> {
  const logStream = `tributary-prove/${id}`;
  const now = Date.now();
  // Each event has a time of its own, because CloudWatch keeps no order among events of one time.
  const events = lines.lines.map((message, index) => ({ timestamp: now - lines.lines.length + index, message }));
  await lake.putLogEvents(logGroup, logStream, events);
  return {
    ...lines,
    kind: 'event',
    what: `log group ${logGroup}, stream ${logStream}`,
    named: { column: 'log_stream', name: logStream },
    remove: async () => {},
  };
}
