/** The interface between the direct lane and what encodes its files. */
import type { Column } from '../tables/table.ts';

/** A file of a table that is being written: rows go in, bytes come out. */
export interface TableFile {
  /** Appends packed rows: JSON objects by the columns' keys, one after the other. Their memory is not kept. */
  append(rows: Uint8Array): void;
  /** Bytes that were finished since the last call, in the file's order. */
  take(): Uint8Array[];
  /** Ends the file. @returns its last bytes */
  finish(): Uint8Array[];
  /** Rows that were appended. */
  readonly rows: number;
}

export type OpenTableFile = (columns: readonly Column[]) => TableFile;
