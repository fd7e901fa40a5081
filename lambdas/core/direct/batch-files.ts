/** The files of a batch: one or more for each table and day. */
import { type DataFile, dataFilePath } from '../iceberg/data-file.ts';
import type { IcebergTable } from '../iceberg/schema.ts';
import type { ParquetFile, ParquetOptions } from '../parquet/file.ts';
import { loadsTable } from '../tables/lake-tables.ts';
import { type Column, fileKey, type Table } from '../tables/table.ts';
import type { AttemptList, BatchTable } from './attempt-list.ts';
import type { UploadedFile } from './batch.ts';
import type { IcebergTables, LakeFiles, Spill } from './ports.ts';
import { Upload } from './upload.ts';

/** Files that are written at a time. Rows of further days wait on disk, because each open file takes memory. */
const MAX_OPEN = 16;

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
  readonly lake: LakeFiles;
  readonly spill: Spill;
  readonly openFile: OpenTableFile;
  readonly tables: IcebergTables;
}

interface OpenFile {
  readonly file: TableFile;
  readonly upload: Upload;
  /** URI of a file of an Iceberg table. */
  readonly path: string | undefined;
}

/** The rows of one table and day. */
interface Place {
  readonly name: string;
  readonly table: Table;
  readonly iceberg: IcebergTable | undefined;
  readonly day: string;
  /** Files that were begun. */
  files: number;
  open?: OpenFile;
  spilled: boolean;
}

export class BatchFiles {
  readonly #props: BatchFilesProps;
  readonly #places = new Map<string, Place>();
  /** What the tables were at their first row: all files of the batch have the same ids. */
  readonly #iceberg = new Map<string, IcebergTable | undefined>();
  readonly #batchTables = new Map<string, BatchTable & { readonly files: DataFile[] }>();
  readonly #uploads: Upload[] = [];
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
      const iceberg = await this.#icebergOf(table);
      place = { name, table, iceberg, day, files: 0, spilled: this.#open >= MAX_OPEN };
      this.#places.set(name, place);
    }
    if (place.spilled) await this.#props.spill.append(spillName(place), rows);
    else await this.#write(place, rows);
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
    for (const upload of this.#uploads) await upload.abort();
  }

  /** @returns the files that ended since the last call */
  async #endAll(): Promise<UploadedFile[]> {
    for (const place of this.#places.values()) if (place.open) await this.#end(place, place.open);
    for (const place of this.#places.values()) {
      if (!place.spilled) continue;
      for await (const rows of this.#props.spill.take(spillName(place))) await this.#write(place, rows);
      if (place.open) await this.#end(place, place.open);
      place.spilled = false;
    }
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  async #write(place: Place, rows: Uint8Array): Promise<void> {
    const open = place.open ?? this.#begin(place);
    open.file.append(rows);
    await open.upload.write(open.file.take());
    if (open.upload.size >= MAX_FILE_BYTES) await this.#end(place, open);
  }

  #begin(place: Place): OpenFile {
    const { batch, lake, openFile } = this.#props;
    const { table, iceberg, day } = place;
    const name = `${batch}-${place.files++}`;
    const path = iceberg && dataFilePath(iceberg.location, day, name);
    const upload = new Upload(lake, path === undefined ? fileKey(table.name, day, name) : lake.keyOf(path));
    this.#uploads.push(upload);
    this.#open++;
    place.open = { file: openFile(table.columns, iceberg && { iceberg: { ids: iceberg.ids, day } }), upload, path };
    return place.open;
  }

  async #end(place: Place, { file, upload, path }: OpenFile): Promise<void> {
    await upload.write(file.finish());
    const uploaded = await upload.end(file.rows);
    this.#finished.push(uploaded);
    if (place.iceberg && path !== undefined) {
      const { size: bytes, rows } = uploaded;
      this.#filesOf(place.iceberg).push({ path, partition: place.day, rows, bytes, metrics: file.metrics() });
    }
    delete place.open;
    this.#open--;
  }

  async #icebergOf(table: Table): Promise<IcebergTable | undefined> {
    if (!this.#iceberg.has(table.name)) this.#iceberg.set(table.name, await this.#props.tables.of(table));
    return this.#iceberg.get(table.name);
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
