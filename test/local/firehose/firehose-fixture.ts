import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import type { Column, ColumnType } from '../../../lambdas/core/tables/table.ts';
import { openEndpoint } from '../../../local/endpoint.ts';
import { type Firehose, openFirehose } from '../../../local/firehose/firehose.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { clientOptions } from '../../helpers/client-options.ts';

/** A table as the stack synthesizes it, in the database `lake`. */
export function tableResource(name: string, columns: readonly { name: string; type: ColumnType }[]): Resource {
  return {
    logicalId: `Table${name}`,
    type: 'AWS::Glue::Table',
    localName: name,
    properties: {
      CatalogId: '123456789012',
      DatabaseName: 'lake',
      TableInput: {
        Name: name,
        TableType: 'EXTERNAL_TABLE',
        PartitionKeys: [{ Name: 'dt', Type: 'string' }],
        StorageDescriptor: {
          Columns: columns.map((column) => ({ Name: column.name, Type: column.type, Comment: 'A column.' })),
          Location: `s3://data/data/${name}/`,
        },
      },
    },
  };
}

export interface StreamOptions {
  readonly mapping?: Readonly<Record<string, string>>;
  readonly compression?: string;
  readonly hints?: { readonly SizeInMBs: number; readonly IntervalInSeconds: number };
  readonly caseInsensitive?: boolean;
  readonly destination?: Readonly<Record<string, unknown>>;
}

/** A stream into the table of the same name, as the stack synthesizes it. */
export function streamResource(name: string, options: StreamOptions = {}): Resource {
  const { mapping = {}, compression = 'SNAPPY', hints = { SizeInMBs: 64, IntervalInSeconds: 300 } } = options;
  return {
    logicalId: `Stream${name}`,
    type: 'AWS::KinesisFirehose::DeliveryStream',
    localName: name,
    properties: {
      DeliveryStreamType: 'DirectPut',
      ExtendedS3DestinationConfiguration: {
        BucketARN: 'arn:aws:s3:::data',
        RoleARN: 'arn:aws:iam::123456789012:role/firehose',
        BufferingHints: hints,
        CompressionFormat: 'UNCOMPRESSED',
        CustomTimeZone: 'UTC',
        Prefix: `data/${name}/dt=!{timestamp:yyyy-MM-dd}/`,
        ErrorOutputPrefix: `errors/${name}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
        DataFormatConversionConfiguration: {
          Enabled: true,
          InputFormatConfiguration: {
            Deserializer: {
              OpenXJsonSerDe: {
                CaseInsensitive: options.caseInsensitive ?? false,
                ColumnToJsonKeyMappings: mapping,
              },
            },
          },
          OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: compression } } },
          SchemaConfiguration: { DatabaseName: 'lake', TableName: name, VersionId: 'LATEST' },
        },
        ...options.destination,
      },
    },
  };
}

/** Key mapping of a table's columns, as the stack gives it to the stream. */
export function mappingOf(columns: readonly Column[]): Record<string, string> {
  return Object.fromEntries(columns.map(({ name, key }) => [name, key]));
}

export interface ServedFirehose {
  readonly firehose: Firehose;
  readonly client: FirehoseClient;
  /** Keys of what was put into the bucket `data`, in order. */
  readonly keys: string[];
  close(): Promise<void>;
}

/** Firehose behind a real endpoint, its bucket a folder as in a lake. */
export async function serveFirehose(
  dir: string,
  streams: readonly Resource[],
  tables: readonly Resource[],
): Promise<ServedFirehose> {
  const keys: string[] = [];
  const put = async (bucket: string, key: string, file: string) => {
    const target = join(dir, 'buckets', bucket, key);
    await mkdir(dirname(target), { recursive: true });
    await rename(file, target);
    keys.push(key);
  };
  const firehose = await openFirehose({ dir, streams, tables, buckets: { put } });
  const endpoint = await openEndpoint();
  endpoint.serve(firehose);
  const client = new FirehoseClient({ ...clientOptions(endpoint.url), maxAttempts: 1 });
  return {
    firehose,
    client,
    keys,
    async close() {
      client.destroy();
      await endpoint.close();
      await firehose.close();
    },
  };
}
