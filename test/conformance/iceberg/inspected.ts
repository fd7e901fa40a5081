/** What InspectTable.java says of a table, by Iceberg's own library. */
import { globSync } from 'node:fs';
import { DATABASE } from '../../helpers/local-catalog.ts';
import { beside, runBeside } from '../check.ts';
import { exactJson } from '../differences.ts';
import type { Place } from './engines.ts';
import { catalogProperties } from './java.ts';
import { sparkClassPath } from './spark.ts';

/** Numbers that a number cannot hold are bigints. */
export type Whole = number | bigint;

export interface Inspected {
  /** In the order of the metadata. */
  readonly snapshots: readonly InspectedSnapshot[];
  /** By their paths. */
  readonly manifests: Readonly<Record<string, InspectedManifest>>;
  /** What the library takes of each Parquet file that a snapshot has, by its path. */
  readonly metrics: Readonly<Record<string, Metrics & { readonly rows: Whole }>>;
}

export interface InspectedSnapshot {
  readonly id: Whole;
  readonly parent?: Whole;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly operation: string;
  readonly schemaId?: number;
  readonly firstRowId?: Whole;
  readonly summary: Readonly<Record<string, string>>;
  readonly list: { readonly about: Readonly<Record<string, string>> };
  readonly manifests: readonly ListedManifest[];
}

/** A manifest as the list of a snapshot has it. */
export interface ListedManifest {
  readonly path: string;
  readonly length: number;
  readonly realLength: number;
  readonly specId: number;
  readonly content: number;
  readonly sequenceNumber: number;
  readonly minSequenceNumber: number;
  readonly snapshotId: Whole;
  readonly addedFiles: number;
  readonly addedRows: number;
  readonly existingFiles: number;
  readonly existingRows: number;
  readonly deletedFiles: number;
  readonly deletedRows: number;
  readonly firstRowId?: Whole;
  readonly partitions: readonly {
    readonly containsNull: boolean;
    readonly containsNaN?: boolean;
    /** base64 */
    readonly lower?: string;
    readonly upper?: string;
  }[];
}

export interface InspectedManifest {
  readonly about: Readonly<Record<string, string>>;
  /** As Avro has them. */
  readonly records: readonly RawEntry[];
  /** Those that are live, of data, as the library reads them. */
  readonly files: readonly ReadFile[];
}

export interface RawEntry {
  readonly status: 0 | 1 | 2;
  readonly snapshot_id: Whole | null;
  readonly sequence_number: number | null;
  readonly file_sequence_number: number | null;
  readonly data_file: {
    readonly file_path: string;
    readonly record_count: number;
    readonly file_size_in_bytes: number;
    readonly partition: Readonly<Record<string, string | null>>;
  };
}

/** By the ids of fields; bounds are base64. */
export interface Metrics {
  readonly columnSizes: Readonly<Record<string, Whole>> | null;
  readonly valueCounts: Readonly<Record<string, Whole>> | null;
  readonly nullValueCounts: Readonly<Record<string, Whole>> | null;
  readonly lowerBounds: Readonly<Record<string, string>> | null;
  readonly upperBounds: Readonly<Record<string, string>> | null;
}

export interface ReadFile extends Metrics {
  readonly path: string;
  readonly format: string;
  readonly content: number;
  readonly sequenceNumber: number;
  readonly fileSequenceNumber: number | null;
  readonly rows: number;
  readonly bytes: number;
  readonly realBytes: number;
  readonly specId: number;
  readonly day: string | null;
  readonly firstRowId?: Whole;
  readonly sortOrderId?: number;
  readonly splitOffsets: readonly number[] | null;
}

/** @throws Missing if there is no Python 3, no Java or no Maven: the library is that of Spark */
export async function inspected({ uri, s3Url }: Pick<Place, 'uri' | 's3Url'>, table: string): Promise<Inspected> {
  const { spark, iceberg } = sparkClassPath();
  // The library has a Parquet of its own, and no Hadoop.
  const classPath = [iceberg, ...globSync(spark)].join(':');
  const input = JSON.stringify({ catalog: catalogProperties({ uri, s3Url }), database: DATABASE, table });
  return exactJson(
    await runBeside('java', ['-cp', classPath, beside('iceberg/InspectTable.java')], input),
  ) as Inspected;
}
