/** The files of a batch: one or more for each table and day. */
import { type DataFile, dataFilePath } from '../iceberg/data-file.ts';
import type { IcebergTable } from '../iceberg/schema.ts';
import type { ParquetFile, ParquetOptions } from '../parquet/file.ts';
import { loadsTable } from '../tables/lake-tables.ts';
import { type Column, fileKey, type Table } from '../tables/table.ts';
import { eachOf } from './at-a-time.ts';
import type { AttemptList, BatchTable } from './attempt-list.ts';
import type { UploadedFile } from './batch.ts';
import type { IcebergTables, LakeFiles, Spill } from './ports.ts';
import { type GatheredRows, RowGatherer } from './row-gatherer.ts';
import { Upload } from './upload.ts';

/**
 * Files that are written at a time. Rows of further tables and days wait on disk, because each open file takes memory; at the end
 * as many of these are written at a time.
 */
export const MAX_OPEN = 16;

/** Uploads that are given up at a time. */
const ABORTED_AT_A_TIME = 32;

/**
 * Bytes of a file at which it ends and the next one begins: twice the most that a batch aims at (`bufferSizeMiB`), so that
 * only objects much larger than that have several files.
 */
export const MAX_FILE_BYTES = 1024 ** 3;

/** A file that is being written: rows go in, bytes come out. */
export type TableFile = Pick<ParquetFile, 'append' | 'take' | 'finish' | 'rows' | 'metrics'>;
export type OpenTableFile = (columns: readonly Column[], options?: Pick<ParquetOptions, 'iceberg'>) => TableFile;

export interface BatchFilesProps {
  readonly batch: string;
  /**
   * Whether the batch is written anew because another table is in the place of the one that its rows were in. Each table is
   * then asked for, whatever is known of it from before: files for the former one would be written in vain, again and again.
   * And other files have the attempt in their keys, too, as those of before may still be about to be deleted.
   *
   * @default false
   */
  readonly isAnew?: boolean;
  /**
   * Of a reload, the keys of the files that it replaces: those that it has again it writes over, so that no query sees both. Its
   * other files have the attempt in their keys, too: a process that was asleep since an earlier reload may still be about to
   * delete the files that the generation before that one had alone.
   *
   * @default - the batch is no reload
   */
  readonly replaces?: ReadonlySet<string> | undefined;
  /**
   * A name that no other attempt has. A file of an Iceberg table has it in its key: a table may name the file of an attempt
   * even if the ledger was set back and the batch is written again, so no attempt may write over the files of another.
   */
  readonly attempt: string;
  readonly lake: LakeFiles;
  readonly spill: Spill;
  readonly openFile: OpenTableFile;
  readonly tables: IcebergTables;
}

interface OpenFile {
  readonly file: TableFile;
  readonly upload: Upload;
  /** The table that a file of an Iceberg table belongs to, and its URI. */
  readonly iceberg?: IcebergTable;
  readonly path?: string;
}

/** The rows of one table and day. */
interface Place extends GatheredRows {
  readonly name: string;
  readonly table: Table;
  readonly day: string;
  /** Files that were begun. */
  files: number;
  open?: OpenFile;
  spilled: boolean;
}

export class BatchFiles {
  readonly #props: BatchFilesProps;
  readonly #places = new Map<string, Place>();
  readonly #gatherer = new RowGatherer<Place>((place, rows) => this.#put(place, rows));
  /** What the tables were at their first file: all files of the batch have the same ids. */
  readonly #iceberg = new Map<string, Promise<IcebergTable | undefined>>();
  readonly #batchTables = new Map<string, BatchTable & { readonly files: DataFile[] }>();
  readonly #uploads: Upload[] = [];
  /** Files that are open, or are being opened. */
  #open = 0;
  #finished: UploadedFile[] = [];

  constructor(props: BatchFilesProps) {
    this.#props = props;
  }

  /** Takes rows, whose memory the caller may use again at once. */
  async append(table: Table, day: string, rows: Uint8Array): Promise<void> {
    const name = `${table.name}/dt=${day}`;
    let place = this.#places.get(name);
    if (!place) {
      place = { name, table, day, files: 0, spilled: false, gathered: undefined };
      this.#places.set(name, place);
    }
    await this.#gatherer.add(place, rows);
  }

  /**
   * Ends all files, those with these rows of `loads` last: an origin that has its row there is whole.
   *
   * @returns the files in the order in which they are to be completed: uploaded, and not completed
   */
  async finish(loads: readonly string[], day: string): Promise<Pick<AttemptList, 'files' | 'tables'>> {
    const data = await this.#endAll();
    if (loads.length > 0) await this.append(loadsTable, day, Buffer.from(loads.join('')));
    const files = [...data, ...(await this.#endAll())];
    const tables = [...this.#batchTables.values()];
    return { files, ...(tables.length > 0 && { tables }) };
  }

  /** Gives all uploads up: only for an attempt that certainly was not named by a seal. */
  async abort(): Promise<void> {
    await eachOf(this.#uploads, ABORTED_AT_A_TIME, (upload) => upload.abort());
  }

  /** @returns the files that ended since the last call */
  async #endAll(): Promise<UploadedFile[]> {
    for (const place of this.#places.values()) {
      if (!place.open) continue;
      await this.#gatherer.flush(place);
      if (place.open) await this.#end(place, place.open);
    }
    const left = [...this.#places.values()].filter(({ spilled, gathered }) => spilled || gathered);
    // If one fails, nothing is going on any more that could begin another upload.
    await eachOf(left, MAX_OPEN, (place) => this.#endWaiting(place));
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  /** Writes the rows that waited, which are all that the place has left. */
  async #endWaiting(place: Place): Promise<void> {
    if (place.spilled) {
      for await (const rows of this.#props.spill.take(spillName(place))) await this.#write(place, rows);
      place.spilled = false;
    }
    const gathered = this.#gatherer.take(place);
    if (gathered) await this.#write(place, gathered);
    if (place.open) await this.#end(place, place.open);
  }

  /** Puts rows into the file of their place, or on the disk if too many are open. */
  async #put(place: Place, rows: Uint8Array): Promise<void> {
    if (!place.open && this.#open >= MAX_OPEN) place.spilled = true;
    if (place.spilled) await this.#props.spill.append(spillName(place), rows);
    else await this.#write(place, rows);
  }

  async #write(place: Place, rows: Uint8Array): Promise<void> {
    const open = place.open ?? (await this.#begin(place));
    open.file.append(rows);
    await open.upload.write(open.file.take());
    if (open.upload.size >= MAX_FILE_BYTES) await this.#end(place, open);
  }

  async #begin(place: Place): Promise<OpenFile> {
    const { batch, attempt, isAnew = false, replaces, lake, openFile } = this.#props;
    const { table, day } = place;
    this.#open++;
    const iceberg = await this.#icebergOf(table);
    const number = place.files++;
    const path = iceberg && dataFilePath(iceberg.location, day, `${batch}.${attempt}-${number}`);
    const keyOf = (name: string) => fileKey(table.name, day, `${name}-${number}`);
    const isNew = isAnew || (replaces && !replaces.has(keyOf(batch)));
    const key = path === undefined ? keyOf(isNew ? `${batch}.${attempt}` : batch) : lake.keyOf(path);
    const upload = new Upload(lake, key);
    this.#uploads.push(upload);
    const file = openFile(table.columns, iceberg && { iceberg: { ids: iceberg.ids, day } });
    place.open = { file, upload, ...(iceberg && path !== undefined && { iceberg, path }) };
    return place.open;
  }

  async #end(place: Place, { file, upload, iceberg, path }: OpenFile): Promise<void> {
    await upload.write(file.finish());
    const uploaded = await upload.end(file.rows);
    this.#finished.push(uploaded);
    if (iceberg && path !== undefined) {
      const { size: bytes, rows } = uploaded;
      this.#filesOf(iceberg).push({ path, partition: place.day, rows, bytes, metrics: file.metrics() });
    }
    delete place.open;
    this.#open--;
  }

  #icebergOf(table: Table): Promise<IcebergTable | undefined> {
    const known = this.#iceberg.get(table.name) ?? this.#props.tables.of(table, this.#props.isAnew);
    this.#iceberg.set(table.name, known);
    return known;
  }

  #filesOf({ name, uuid, schemaId }: IcebergTable): DataFile[] {
    const table = this.#batchTables.get(name) ?? { name, uuid, schemaId, files: [] };
    this.#batchTables.set(name, table);
    return table.files;
  }
}

function spillName({ name }: Place): string {
  return name.replaceAll('/', ' ');
}
