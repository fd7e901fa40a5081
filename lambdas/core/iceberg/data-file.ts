import { PARTITION } from '../tables/table.ts';

/** A Parquet file as a manifest names it. https://iceberg.apache.org/spec/#data-file-fields */
export interface DataFile {
  /** s3://bucket/key */
  readonly path: string;
  /** Its value of `dt`, yyyy-MM-dd. Tables of others may have files without one. */
  readonly partition: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly metrics: FileMetrics;
}

/** What is known of a file's columns, each by the id of its field; of at most MAX_METRICS columns. */
export interface FileMetrics {
  /** Bytes as stored. */
  readonly columnSizes: Readonly<Record<number, number>>;
  /** Rows, those with null among them. */
  readonly valueCounts: Readonly<Record<number, number>>;
  readonly nullCounts: Readonly<Record<number, number>>;
  /**
   * No value is less, or greater, than these: base64 of Iceberg's binary form of one value. Texts are cut to 16 characters.
   * https://iceberg.apache.org/spec/#binary-single-value-serialization
   */
  readonly lower: Readonly<Record<number, string>>;
  readonly upper: Readonly<Record<number, string>>;
  /** Where the row groups begin. */
  readonly splitOffsets: readonly number[];
}

/** As many columns have metrics as in Iceberg's own writers (`write.metadata.metrics.max-inferred-column-defaults`). */
export const MAX_METRICS = 100;

/** URI of a file that the lake writes for a table, of which the location is that of the table's folder. */
export function dataFilePath(location: string, day: string, name: string): string {
  return `${location}/data/${PARTITION.name}=${day}/${name}.parquet`;
}
