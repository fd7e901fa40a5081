import { bigint, int, numbered, OWN, type Table, text, timestamp } from './table.ts';

/** Names of the lake's own tables; a source may not have them. */
export const LOADS = 'loads';
export const REJECTED_LINES = 'rejected_lines';

/** Name of the database of the Iceberg tables, which have the names of their sources, by that of the lake's own tables. */
export function icebergDatabaseOf(database: string): string {
  return `${database}_iceberg`;
}

/**
 * The parameter of a source's table in the database of the lake's own tables that says with which `tableFormat` its rows
 * are written now. Without it, they are written into that table; with `iceberg`, into the Iceberg table of its name.
 */
export const TABLE_FORMAT_PARAMETER = 'tributary.tableFormat';

/** The parameter of the same table that says how its rows are divided among Iceberg tables: JSON of a `Division`. */
export const FAN_OUT_PARAMETER = 'tributary.fanOut';

/**
 * One row per input loaded (an S3 object or a CloudWatch subscription payload), so that SQL can audit what was loaded.
 * lines = rows + filtered + rejected.
 */
export const LOADS_COLUMNS = {
  source: text('Source the object or payload belongs to.'),
  kind: text('object (S3) or payload (CloudWatch); amended: what it came to after lines were replayed or redriven.'),
  bucket: text('Bucket of the object; null for a payload.'),
  object_key: text('Key of the object, decoded; null for a payload.'),
  etag: text('ETag of the object version loaded; null for a payload.'),
  log_group: text('CloudWatch log group of the payload; null for an object.'),
  log_stream: text('CloudWatch log stream of the payload; null for an object.'),
  first_event_id: text('Id of the first event of the payload: 56 digits, so text; null for an object.'),
  last_event_id: text('Id of the last event of the payload; null for an object.'),
  bytes: bigint('Bytes read, decompressed.'),
  lines: bigint('Lines or events read: rows + filtered + rejected.'),
  rows: bigint('Rows delivered to the table.'),
  filtered: bigint('Lines left out by filters.'),
  rejected: bigint('Lines that could not be read; the first 1,000 of an object or payload are in rejected_lines.'),
  field_errors: bigint('Values that did not convert, kept in errors.'),
  unknown_fields: bigint('Values beyond the declared columns, kept in extra.'),
  first_event_time: timestamp(
    "Earliest event time among the rows, UTC; a log event's logged_at where its message has none; null without any.",
  ),
  last_event_time: timestamp(
    "Latest event time among the rows, UTC; a log event's logged_at where its message has none; null without any.",
  ),
  started_at: timestamp('When the attempt began that came to the end, UTC.'),
  finished_at: timestamp('When everything but this row had been acknowledged by Firehose, UTC.'),
  filtered_by: text(
    'JSON object by filter: the lines that it left out, and the start of one of them as an example; null when none.',
  ),
  empty_rows: bigint('Rows in which no column of the format has a value: a sign of a wrong format.'),
  not_loaded: text(
    'Why the object, or the rest of it, could not be read: gone (deleted), archived (not restored) or replaced (another object has its key); null when it was read to its end.',
  ),
  replaces: text(
    'Origin of the version of the object that this one replaced: of the same source, bucket and key; null when there was none.',
  ),
  replaced_by: text(
    'Origin of the version that had replaced this one before its load ended; null when there was none.',
  ),
  unverified_rows: bigint(
    'Rows that may be wrong: of the gzip member or zstd frame whose checksum failed, or that broke off before it.',
  ),
} as const;

/** Lines that no format could read, each with its reason. */
export const REJECTED_COLUMNS = {
  source: text('Source the line belongs to.'),
  reason: text('Short code, e.g. too_few_fields or broken_gzip.'),
  detail: text('What was expected and what came.'),
  raw: text('The line as it came; the start of it where it is longer than 64 KiB.'),
  parser_version: int('Version of the parsers that rejected it: raised when a format learns to read more.'),
  rejected_at: timestamp('When the line was rejected, UTC.'),
  logged_at: timestamp("CloudWatch's time of the event whose message the line is, UTC; null for a line of an object."),
} as const;

export const loadsTable: Table = {
  name: LOADS,
  description: 'One row per object or payload loaded. A repeat has the same origin.',
  columns: [...numbered(LOADS_COLUMNS), OWN.origin],
};

export const rejectedTable: Table = {
  name: REJECTED_LINES,
  description:
    'Lines that could not be read, with the reason: at most 1,000 of an object or payload, the rest is counted in loads.',
  columns: [
    ...numbered(REJECTED_COLUMNS),
    ...[OWN.origin, OWN.position, OWN.logGroup, OWN.logStream, OWN.payload, OWN.payloadPosition],
  ],
};

/** Increased whenever a format learns to read lines that it rejected before. */
export const PARSER_VERSION = 2;
