import { open, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { GlueTable } from '../template/glue-table.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { ConversionError, openX, type RecordRows } from './openx.ts';
import type { ParquetCompression, ParquetWriter } from './parquet.ts';
import { dataPrefix, errorPrefix, type ObjectFacts, type Prefix, timestamp } from './prefix.ts';
import type { Spool } from './spool.ts';
import { readBatches } from './spool-file.ts';

/** The settings of a delivery stream, read from its template. */
export interface StreamSettings {
  readonly name: string;
  readonly bucket: string;
  /**
   * An object is delivered when this many bytes of records are accepted, or this many seconds after its oldest record.
   */
  readonly bufferBytes: number;
  readonly bufferSeconds: number;
  readonly table: GlueTable;
  readonly convert: (record: string) => RecordRows;
  readonly compression: ParquetCompression;
  readonly prefix: Prefix;
  readonly errorPrefix: Prefix;
  /** The part of an object's name with the time of its first record. */
  readonly nameTime: Prefix;
  readonly fileExtension: string;
}

/** A failure of one object's records. */
export interface DeliveryFailure {
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
 * Delivers one spool: its rows as one Parquet object, its failed records as one object below the error prefix.
 *
 * Both objects' keys derive from the spool. The caller removes the spool afterwards. If the process crashes before
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
  const rowsFile = `${spool.file}.rows`;
  const errorsFile = `${spool.file}.errors`;
  const parquetFile = `${spool.file}.parquet`;
  const facts: ObjectFacts = { arrival: spool.arrival, random: spool.uuid.replaceAll('-', '').slice(0, 11) };
  const name = `${stream.name}-1-${stream.nameTime(facts)}-${spool.uuid}`;
  try {
    const converted = await convertSpool(spool, stream, rowsFile, errorsFile);
    if (converted.rows > 0) {
      await parquet.write({
        columns: stream.table.columns,
        ndjson: rowsFile,
        rows: converted.rows,
        bytes: converted.bytes,
        compression: stream.compression,
        file: parquetFile,
      });
      await buckets.put(stream.bucket, `${stream.prefix(facts)}${name}${stream.fileExtension}`, parquetFile);
    }
    if (converted.failed) await buckets.put(stream.bucket, `${stream.errorPrefix(facts)}${name}`, errorsFile);
    return failuresOf(converted);
  } finally {
    for (const file of [rowsFile, errorsFile, parquetFile]) await rm(file, { force: true });
  }
}

interface Converted {
  rows: number;
  bytes: number;
  failed?: { records: number; error: string };
  empty?: { rows: number; keys: readonly string[] };
}

/** Bytes of rows held before they are written. */
const WRITE_BYTES = 1024 * 1024;

async function convertSpool(
  spool: Spool,
  stream: StreamSettings,
  rowsFile: string,
  errorsFile: string,
): Promise<Converted> {
  const converted: Converted = { rows: 0, bytes: 0 };
  await using rows = await open(rowsFile, 'w');
  await using errors = await open(errorsFile, 'w');
  let pending = '';
  const writeRows = async () => {
    const { bytesWritten } = await rows.write(pending);
    converted.bytes += bytesWritten;
    pending = '';
  };
  for await (const { arrival, records } of readBatches(spool.file)) {
    for (const record of records) {
      try {
        pending += countRows(stream.convert(record.toString('utf8')), converted);
      } catch (error) {
        if (!(error instanceof ConversionError)) throw error;
        converted.failed ??= { records: 0, error: `${error.code}: ${error.message}` };
        converted.failed.records++;
        await errors.write(errorDocument(record, arrival, error, stream));
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
function errorDocument(record: Buffer, arrival: number, error: ConversionError, { table }: StreamSettings): string {
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
  const failures: DeliveryFailure[] = failed ? [failed] : [];
  if (empty) {
    const keys = empty.keys.slice(0, 8).join(', ') || 'none';
    const error = `${empty.rows} rows without a value in any column of the format; keys of the first: ${keys}`;
    failures.push({ records: empty.rows, error });
  }
  return failures;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesisfirehose-deliverystream.html */
const properties = z.object({
  ExtendedS3DestinationConfiguration: z.object({
    BucketARN: z.string().regex(/^arn:aws[^:]*:s3:::[^/]+$/, 'expected arn:aws:s3:::name'),
    BufferingHints: z
      .object({ SizeInMBs: z.number().min(1).max(128), IntervalInSeconds: z.number().min(0).max(900) })
      // Firehose's own defaults for a stream that converts the format of its records.
      .default({ SizeInMBs: 128, IntervalInSeconds: 300 }),
    CustomTimeZone: z.string().default('UTC'),
    Prefix: z.string().default(''),
    ErrorOutputPrefix: z.string().optional(),
    FileExtension: z.string().default('.parquet'),
    ProcessingConfiguration: z.object({ Enabled: z.literal(false, 'processors are not supported here') }).optional(),
    DynamicPartitioningConfiguration: z
      .object({ Enabled: z.literal(false, 'dynamic partitioning is not supported here') })
      .optional(),
    DataFormatConversionConfiguration: z.object({
      Enabled: z.literal(true).default(true),
      InputFormatConfiguration: z.object({
        Deserializer: z.object({
          OpenXJsonSerDe: z.object({
            CaseInsensitive: z.boolean().default(true),
            ColumnToJsonKeyMappings: z.record(z.string(), z.string()).default({}),
            ConvertDotsInJsonKeysToUnderscores: z.boolean().default(false),
          }),
        }),
      }),
      OutputFormatConfiguration: z.object({
        Serializer: z.object({
          ParquetSerDe: z.object({ Compression: z.enum(['SNAPPY', 'GZIP', 'UNCOMPRESSED']).default('SNAPPY') }),
        }),
      }),
      SchemaConfiguration: z.object({ DatabaseName: z.string(), TableName: z.string() }),
    }),
  }),
});

const MIB = 1024 * 1024;

/**
 * Reads a delivery stream of the template.
 *
 * @throws TemplateError naming the stream, the property and the problem.
 * @throws Error if the stream's table does not exist, or a prefix cannot be used.
 */
export function streamSettings(resource: Resource, tables: readonly GlueTable[]): StreamSettings {
  const { ExtendedS3DestinationConfiguration: s3 } = propertiesOf(resource, properties);
  const { InputFormatConfiguration, OutputFormatConfiguration, SchemaConfiguration } =
    s3.DataFormatConversionConfiguration;
  const serde = InputFormatConfiguration.Deserializer.OpenXJsonSerDe;
  const { DatabaseName, TableName } = SchemaConfiguration;
  const table = tables.find(({ database, name }) => database === DatabaseName && name === TableName);
  if (!table) throw new Error(`stream ${resource.localName}: no Glue table ${DatabaseName}.${TableName} in the stack`);
  return {
    name: resource.localName,
    bucket: s3.BucketARN.slice(s3.BucketARN.lastIndexOf(':') + 1),
    bufferBytes: s3.BufferingHints.SizeInMBs * MIB,
    bufferSeconds: s3.BufferingHints.IntervalInSeconds,
    table,
    convert: openX(table.columns, {
      columnToJsonKeyMappings: serde.ColumnToJsonKeyMappings,
      caseInsensitive: serde.CaseInsensitive,
      convertDotsInJsonKeysToUnderscores: serde.ConvertDotsInJsonKeysToUnderscores,
    }),
    compression: OutputFormatConfiguration.Serializer.ParquetSerDe.Compression,
    prefix: dataPrefix(s3.Prefix, s3.CustomTimeZone),
    errorPrefix: errorPrefix(s3.ErrorOutputPrefix ?? s3.Prefix, s3.CustomTimeZone),
    nameTime: timestamp('yyyy-MM-dd-HH-mm-ss', s3.CustomTimeZone),
    fileExtension: s3.FileExtension,
  };
}
