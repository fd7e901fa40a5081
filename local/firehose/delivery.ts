import { open, rm } from 'node:fs/promises';
import { ConversionError, type RecordRows } from './openx.ts';
import type { ParquetWriter } from './parquet.ts';
import type { ObjectFacts } from './prefix.ts';
import type { Conversion, StreamSettings } from './settings.ts';
import type { Spool } from './spool.ts';
import { readBatches } from './spool-file.ts';

/** A failure of one object's records. */
export interface DeliveryFailure {
  /** Records that are no rows of the table, or rows in which no column of the format has a value. */
  readonly kind: 'not-converted' | 'empty';
  readonly records: number;
  /** One line; the first of several errors. */
  readonly error: string;
}

/** Stores finished objects. */
export interface Buckets {
  /** Moves a finished local file into a bucket. */
  put(bucket: string, key: string, file: string): Promise<void>;
}

/**
 * Delivers one spool: its rows as one Parquet object, its failed records as one object below the error prefix; or, if the
 * stream does not convert, its records one after the other as one object.
 *
 * The objects' keys derive from the spool. The caller removes the spool afterwards. If the process crashes before
 * that, the spool is delivered again under the same keys, so the objects are replaced by equal ones and not doubled.
 *
 * @throws any error of writing and putting; the spool is unchanged.
 */
export async function deliver(
  spool: Spool,
  stream: StreamSettings,
  parquet: ParquetWriter,
  buckets: Buckets,
): Promise<DeliveryFailure[]> {
  const { conversion } = stream;
  const files: SpoolFiles = {
    rows: `${spool.file}.rows`,
    errors: `${spool.file}.errors`,
    object: `${spool.file}.object`,
  };
  const facts: ObjectFacts = { arrival: spool.arrival, random: spool.uuid.replaceAll('-', '').slice(0, 11) };
  const name = `${stream.name}-1-${stream.nameTime(facts)}-${spool.uuid}`;
  const key = `${stream.prefix(facts)}${name}${stream.fileExtension}`;
  try {
    if (!conversion) {
      await joinRecords(spool, files.object);
      await buckets.put(stream.bucket, key, files.object);
      return [];
    }
    const converted = await convertSpool(spool, conversion, files);
    if (converted.rows > 0) {
      await parquet.write({
        columns: conversion.table.columns,
        ndjson: files.rows,
        rows: converted.rows,
        bytes: converted.bytes,
        compression: conversion.compression,
        file: files.object,
      });
      await buckets.put(stream.bucket, key, files.object);
    }
    if (converted.failed) await buckets.put(stream.bucket, `${stream.errorPrefix(facts)}${name}`, files.errors);
    return failuresOf(converted);
  } finally {
    for (const file of Object.values(files)) await rm(file, { force: true });
  }
}

/** What a delivery writes before it puts it. */
interface SpoolFiles {
  readonly rows: string;
  readonly errors: string;
  readonly object: string;
}

async function joinRecords(spool: Spool, to: string): Promise<void> {
  await using object = await open(to, 'w');
  for await (const { records } of readBatches(spool.file)) await object.writeFile(Buffer.concat(records));
}

interface Converted {
  rows: number;
  bytes: number;
  failed?: { records: number; error: string };
  empty?: { rows: number; keys: readonly string[] };
}

/** Bytes of rows held before they are written. */
const WRITE_BYTES = 1024 * 1024;

async function convertSpool(spool: Spool, conversion: Conversion, files: SpoolFiles): Promise<Converted> {
  const converted: Converted = { rows: 0, bytes: 0 };
  await using rows = await open(files.rows, 'w');
  await using errors = await open(files.errors, 'w');
  let pending = '';
  const writeRows = async () => {
    const { bytesWritten } = await rows.write(pending);
    converted.bytes += bytesWritten;
    pending = '';
  };
  for await (const { arrival, records } of readBatches(spool.file)) {
    for (const record of records) {
      try {
        pending += countRows(conversion.convert(record.toString('utf8')), converted);
      } catch (error) {
        if (!(error instanceof ConversionError)) throw error;
        converted.failed ??= { records: 0, error: `${error.code}: ${error.message}` };
        converted.failed.records++;
        await errors.write(errorDocument(record, arrival, error, conversion));
      }
      if (pending.length >= WRITE_BYTES) await writeRows();
    }
  }
  await writeRows();
  return converted;
}

function countRows(record: RecordRows, converted: Converted): string {
  converted.rows += record.rows;
  if (record.emptyRows > 0) {
    converted.empty ??= { rows: 0, keys: record.emptyKeys };
    converted.empty.rows += record.emptyRows;
  }
  return record.ndjson;
}

/**
 * The line that Firehose writes for a failed record. The names are the documented ones; some pages of AWS omit the
 * `last`, so readers should accept both forms.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 */
function errorDocument(record: Buffer, arrival: number, error: ConversionError, { table }: Conversion): string {
  const document = {
    attemptsMade: 1,
    arrivalTimestamp: arrival,
    lastErrorCode: error.code,
    lastErrorMessage: error.message,
    attemptEndingTimestamp: Date.now(),
    rawData: record.toString('base64'),
    sequenceNumber: null,
    subSequenceNumber: null,
    dataCatalogTable: {
      catalogId: null,
      databaseName: table.database,
      tableName: table.name,
      region: null,
      versionId: 'LATEST',
      catalogArn: null,
    },
  };
  return `${JSON.stringify(document)}\n`;
}

function failuresOf({ failed, empty }: Converted): DeliveryFailure[] {
  const failures: DeliveryFailure[] = failed ? [{ kind: 'not-converted', ...failed }] : [];
  if (empty) {
    const keys = empty.keys.slice(0, 8).join(', ') || 'none';
    const error = `${empty.rows} rows without a value in any column of the format; keys of the first: ${keys}`;
    failures.push({ kind: 'empty', records: empty.rows, error });
  }
  return failures;
}
