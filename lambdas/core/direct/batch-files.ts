/** The files of a batch: one or more for each table and day. */
import type { ParquetFile } from '../parquet/file.ts';
import { loadsTable } from '../tables/lake-tables.ts';
import { type Column, fileKey, type Table } from '../tables/table.ts';
import type { UploadedFile } from './batch.ts';
import type { LakeFiles, Spill } from './ports.ts';

import { Upload } from './upload.ts';

/** Files that are written at a time. Rows of further days wait on disk, because each open file takes memory. */
const MAX_OPEN = 16;

/**
 * Bytes of a file at which it ends and the next one begins: twice the most that a batch aims at (`bufferSizeMiB`), so that
 * only objects much larger than that have several files.
 */
export const MAX_FILE_BYTES = 1024 ** 3;

/** A file that is being written: rows go in, bytes come out. */
export type TableFile = Pick<ParquetFile, 'append' | 'take' | 'finish' | 'rows'>;
export type OpenTableFile = (columns: readonly Column[]) => TableFile;

export interface BatchFilesProps {
  readonly batch: string;
  readonly lake: LakeFiles;
  readonly spill: Spill;
  readonly openFile: OpenTableFile;
}

interface OpenFile {
  readonly file: TableFile;
  readonly upload: Upload;
}

/** The rows of one table and day. */
interface Place {
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
      place = { name, table, day, files: 0, spilled: this.#open >= MAX_OPEN };
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
  async finish(loads: readonly string[], day: string): Promise<UploadedFile[]> {
    const data = await this.#endAll();
    if (loads.length > 0) await this.append(loadsTable, day, Buffer.from(loads.join('')));
    return [...data, ...(await this.#endAll())];
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
    const upload = new Upload(lake, fileKey(place.table.name, place.day, `${batch}-${place.files++}`));
    this.#uploads.push(upload);
    this.#open++;
    place.open = { file: openFile(place.table.columns), upload };
    return place.open;
  }

  async #end(place: Place, { file, upload }: OpenFile): Promise<void> {
    await upload.write(file.finish());
    this.#finished.push(await upload.end(file.rows));
    delete place.open;
    this.#open--;
  }
}

function spillName({ name }: Place): string {
  return name.replaceAll('/', ' ');
}
