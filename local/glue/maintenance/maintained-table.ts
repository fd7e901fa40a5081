import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { icebergJson, parseIcebergJson, type TableMetadata } from '../../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable, TableChange, TableFiles } from '../../../lambdas/core/iceberg/ports.ts';
import type { Making } from '../../../lambdas/core/iceberg/snapshots.ts';
import { GlueError } from '../glue-error.ts';
import { changeIn } from '../requests.ts';
import { placeOf, type TableStore } from '../table-store.ts';

/** A table as an engine sees it that is not the lake: it changes the table through the catalog, by compare and set. */
export class MaintainedTable {
  readonly files: TableFiles;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly #tables: TableStore;
  readonly #database: string;
  readonly #name: string;

  constructor(tables: TableStore, database: string, name: string, now = Date.now()) {
    this.#tables = tables;
    this.#database = database;
    this.#name = name;
    this.now = now;
    this.files = {
      get: (uri) => tables.read(uri),
      put: async (uri, bytes) => {
        const { bucket, key } = placeOf(uri);
        await tables.objects.put(bucket, key, Readable.from([bytes]));
      },
    };
  }

  async load(): Promise<LoadedTable> {
    return loaded(await this.#tables.load(this.#database, this.#name));
  }

  /** @returns undefined if the catalog refuses the change, because another one came first */
  async commit(change: TableChange): Promise<LoadedTable | undefined> {
    const given = changeIn(parseIcebergJson(icebergJson(change)));
    try {
      return loaded(await this.#tables.commit(this.#database, this.#name, given));
    } catch (error) {
      if (error instanceof GlueError && error.type === 'CommitFailedException') return undefined;
      throw error;
    }
  }

  making(): Making {
    return {
      ...{ files: this.files, now: this.now, newId: randomUUID },
      snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n,
    };
  }

  /** The path of a file on this machine. */
  path(uri: string): string {
    const { bucket, key } = placeOf(uri);
    return this.#tables.objects.files.file(bucket, key);
  }

  /** A path on this machine for a file that nobody sees until it is put into a bucket. */
  unfinishedFile(): string {
    return this.#tables.objects.unfinishedFile();
  }

  async putFile(uri: string, file: string): Promise<void> {
    const { bucket, key } = placeOf(uri);
    await this.#tables.objects.putFile(bucket, key, file);
  }

  /** The files of the table's folder, whoever has put them there, and the times that S3 has for them. */
  async list({ location }: TableMetadata): Promise<{ readonly uri: string; readonly modified: number }[]> {
    const { objects } = this.#tables;
    const { bucket, key: folder } = placeOf(location);
    const found = [];
    for (const key of await objects.keys(bucket, `${folder}/`)) {
      const { modified } = await objects.head(bucket, key);
      found.push({ uri: `s3://${bucket}/${key}`, modified: modified.getTime() });
    }
    return found;
  }

  async delete(uris: Iterable<string>): Promise<void> {
    for (const uri of uris) await this.#tables.delete(uri);
  }
}

function loaded({ metadata, location }: { metadata: TableMetadata; location: string }): LoadedTable {
  return { metadata, metadataLocation: location };
}
