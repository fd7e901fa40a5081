import { z } from 'zod';
import type { GlueTable } from '../template/glue-table.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { openX, type RecordRows } from './openx.ts';
import type { ParquetCompression } from './parquet.ts';
import { dataPrefix, errorPrefix, type Prefix, timestamp } from './prefix.ts';

/** The settings of a delivery stream, read from its template. */
export interface StreamSettings {
  readonly name: string;
  readonly bucket: string;
  /**
   * An object is delivered when this many bytes of records are accepted, or this many seconds after its oldest record.
   */
  readonly bufferBytes: number;
  readonly bufferSeconds: number;
  /** How records become rows; undefined for a stream that delivers them as they are. */
  readonly conversion: Conversion | undefined;
  readonly prefix: Prefix;
  readonly errorPrefix: Prefix;
  /** The part of an object's name with the time of its first record. */
  readonly nameTime: Prefix;
  readonly fileExtension: string;
  /** The role with which Firehose delivers. */
  readonly roleArn: string;
  /** Where Firehose writes what it could not deliver, if anywhere. */
  readonly log: { readonly LogGroupName: string; readonly LogStreamName: string } | undefined;
}

/** From JSON to Parquet, by the schema of a table. */
export interface Conversion {
  readonly table: GlueTable;
  readonly convert: (record: string) => RecordRows;
  readonly compression: ParquetCompression;
}

const conversionProperties = z.object({
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
});

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesisfirehose-deliverystream.html */
const properties = z.object({
  ExtendedS3DestinationConfiguration: z.object({
    BucketARN: z.string().regex(/^arn:aws[^:]*:s3:::[^/]+$/, 'expected arn:aws:s3:::name'),
    RoleARN: z.string(),
    CloudWatchLoggingOptions: z
      .discriminatedUnion('Enabled', [
        z.object({ Enabled: z.literal(true), LogGroupName: z.string(), LogStreamName: z.string() }),
        z.object({ Enabled: z.literal(false) }),
      ])
      .optional(),
    BufferingHints: z
      .object({ SizeInMBs: z.number().min(1).max(128), IntervalInSeconds: z.number().min(0).max(900) })
      .optional(),
    CompressionFormat: z.literal('UNCOMPRESSED', 'compression is not supported here').optional(),
    CustomTimeZone: z.string().default('UTC'),
    Prefix: z.string().default(''),
    ErrorOutputPrefix: z.string().optional(),
    FileExtension: z.string().optional(),
    ProcessingConfiguration: z.object({ Enabled: z.literal(false, 'processors are not supported here') }).optional(),
    DynamicPartitioningConfiguration: z
      .object({ Enabled: z.literal(false, 'dynamic partitioning is not supported here') })
      .optional(),
    DataFormatConversionConfiguration: conversionProperties.optional(),
  }),
});

const MIB = 1024 * 1024;

/** Firehose's own buffering hints, for records that are delivered as they are and for those that are converted. */
const RAW_HINTS = { SizeInMBs: 5, IntervalInSeconds: 300 };
const CONVERSION_HINTS = { SizeInMBs: 128, IntervalInSeconds: 300 };

/**
 * Reads a delivery stream of the template.
 *
 * @throws TemplateError naming the stream, the property and the problem.
 * @throws Error if the stream's table does not exist, or a prefix cannot be used.
 */
export function streamSettings(resource: Resource, tables: readonly GlueTable[]): StreamSettings {
  const { ExtendedS3DestinationConfiguration: s3 } = propertiesOf(resource, properties);
  const conversion = conversionOf(resource.localName, s3.DataFormatConversionConfiguration, tables);
  const hints = s3.BufferingHints ?? (conversion ? CONVERSION_HINTS : RAW_HINTS);
  return {
    name: resource.localName,
    bucket: s3.BucketARN.slice(s3.BucketARN.lastIndexOf(':') + 1),
    bufferBytes: hints.SizeInMBs * MIB,
    bufferSeconds: hints.IntervalInSeconds,
    conversion,
    prefix: dataPrefix(s3.Prefix, s3.CustomTimeZone),
    errorPrefix: errorPrefix(s3.ErrorOutputPrefix ?? s3.Prefix, s3.CustomTimeZone),
    nameTime: timestamp('yyyy-MM-dd-HH-mm-ss', s3.CustomTimeZone),
    roleArn: s3.RoleARN,
    log: s3.CloudWatchLoggingOptions?.Enabled ? s3.CloudWatchLoggingOptions : undefined,
    fileExtension: s3.FileExtension ?? (conversion ? '.parquet' : ''),
  };
}

function conversionOf(
  stream: string,
  configuration: z.infer<typeof conversionProperties> | undefined,
  tables: readonly GlueTable[],
): Conversion | undefined {
  if (!configuration) return undefined;
  const serde = configuration.InputFormatConfiguration.Deserializer.OpenXJsonSerDe;
  const { DatabaseName, TableName } = configuration.SchemaConfiguration;
  const table = tables.find(({ database, name }) => database === DatabaseName && name === TableName);
  if (!table) throw new Error(`stream ${stream}: no Glue table ${DatabaseName}.${TableName} in the stack`);
  return {
    table,
    convert: openX(table.columns, {
      columnToJsonKeyMappings: serde.ColumnToJsonKeyMappings,
      caseInsensitive: serde.CaseInsensitive,
      convertDotsInJsonKeysToUnderscores: serde.ConvertDotsInJsonKeysToUnderscores,
    }),
    compression: configuration.OutputFormatConfiguration.Serializer.ParquetSerDe.Compression,
  };
}
