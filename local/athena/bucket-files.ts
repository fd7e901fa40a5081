/** Files of Iceberg tables in the buckets of a lake's folder. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { placeOf } from '../../lambdas/edges/table-files.ts';
import { ObjectFiles } from '../s3/object-files.ts';

/** Reads objects by their URIs, s3://bucket/key, and writes none. */
export class BucketFiles implements TableFiles {
  readonly #files: ObjectFiles;

  /** @param dir the lake's folder */
  constructor(dir: string) {
    const buckets = join(dir, 'buckets');
    this.#files = new ObjectFiles(dir, new Set(existsSync(buckets) ? readdirSync(buckets) : []));
  }

  /**
   * The file of an object, which need not exist.
   *
   * @throws Error for what is no URI of an object in one of the lake's buckets: the metadata of a table may name anything
   */
  path(uri: string): string {
    const { Bucket, Key } = placeOf(uri);
    return this.#files.file(Bucket, Key);
  }

  async get(uri: string): Promise<Uint8Array> {
    return readFile(this.path(uri));
  }

  async put(uri: string): Promise<never> {
    throw new Error(`${uri}: a query writes nothing`);
  }
}
