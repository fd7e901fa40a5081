/** The tables of the catalog: for each a pointer to the metadata file that counts, which is changed by compare and set. */
import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { icebergJson, parseIcebergJson, type TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import { ObjectStoreError } from '../s3/object-files.ts';
import type { ObjectStore } from '../s3/object-store.ts';
import { applyChange, type StoredTable } from './apply-change.ts';
import { badRequest, commitFailed, GlueError, noSuchTable } from './glue-error.ts';
import { newTable } from './new-table.ts';
import { removeOptimizers } from './optimizer-files.ts';
import { openPointers, PointerError, pointersIn, readPointer, removePointer, writePointer } from './pointers.ts';
import type { GivenChange, GivenTable } from './requests.ts';

/** A database of Glue. */
export interface GlueDatabase {
  readonly name: string;
  /** URI of the folder for tables without a location of their own. */
  readonly location?: string;
  /** Tables that are no Iceberg tables. */
  readonly otherTables?: ReadonlySet<string>;
}

export interface TableStoreOptions {
  /** The lake's folder. */
  readonly dir: string;
  readonly databases: readonly GlueDatabase[];
  /** The buckets of the account, which the metadata files are put into. */
  readonly objects: ObjectStore;
  /** @default 20,000,000 */
  readonly maxMetadataBytes?: number;
}

/** https://docs.aws.amazon.com/glue/latest/dg/limitation-glue-iceberg-rest-api.html */
const MAX_METADATA_BYTES = 20_000_000;

/** Names of Glue, which the Iceberg library wants in lower case: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html */
const NAME = /^[a-z0-9_]{1,255}$/;

/** Version of a pointer that says nothing. */
const DAMAGED = 'damaged';

const DELETE_AFTER_COMMIT = 'write.metadata.delete-after-commit.enabled';

export class TableStore {
  readonly databases: ReadonlyMap<string, GlueDatabase>;
  readonly objects: ObjectStore;
  /** The lake's folder. */
  readonly dir: string;
  readonly #maxBytes: number;

  private constructor({ dir, databases, objects, maxMetadataBytes = MAX_METADATA_BYTES }: TableStoreOptions) {
    this.databases = new Map(databases.map((database) => [database.name, database]));
    this.objects = objects;
    this.dir = dir;
    this.#maxBytes = maxMetadataBytes;
  }

  static async open(options: TableStoreOptions): Promise<TableStore> {
    const store = new TableStore(options);
    await openPointers(options.dir, [...store.databases.keys()]);
    return store;
  }

  /** Names of the Iceberg tables of a database. */
  async list(database: string): Promise<string[]> {
    this.database(database);
    return [...(await pointersIn(this.dir, database)).keys()];
  }

  /** @throws GlueError NoSuchNamespaceException */
  database(name: string): GlueDatabase {
    const database = this.databases.get(name);
    if (database) return database;
    throw new GlueError(404, 'NoSuchNamespaceException', `Namespace does not exist: ${name}`);
  }

  /** @throws GlueError NoSuchTableException */
  async load(database: string, table: string): Promise<StoredTable> {
    const stored = await this.#find(database, table);
    if (stored) return stored;
    throw noSuchTable(database, table);
  }

  /** Folder of a table that is to be made, if the request or its database says it. */
  locationOf(database: string, given: GivenTable): string | undefined {
    const { location } = this.database(database);
    return given.location ?? (location && `${location.replace(/\/$/, '')}/${given.name}`);
  }

  /** Where the metadata of a table is; undefined if there is no such table. */
  async placeOf(database: string, table: string): Promise<string | undefined> {
    this.database(database);
    return this.#pointer(database, table);
  }

  /**
   * Makes a table, or with `stage-create` only its metadata: the commit that comes then makes it.
   *
   * @returns the metadata, and where it is, unless it is only staged
   */
  async create(database: string, given: GivenTable): Promise<{ metadata: TableMetadata; location?: string }> {
    const { otherTables } = this.database(database);
    if (!NAME.test(given.name)) throw badRequest(`a table's name: expected a-z, 0-9 and _, got ${given.name}`);
    const isThere = otherTables?.has(given.name) || (await this.#pointer(database, given.name)) !== undefined;
    if (isThere) throw alreadyThere(database, given.name);
    const metadata = newTable(given, this.locationOf(database, given), Date.now());
    if (given['stage-create']) return { metadata };
    return this.#replace(database, given.name, undefined, metadata, () => alreadyThere(database, given.name));
  }

  /**
   * Makes a change of a table. If the process dies before the pointer is replaced, nothing refers to the new metadata file;
   * after that the change is made.
   *
   * @throws GlueError CommitFailedException if a requirement does not hold, or another change came first
   */
  async commit(database: string, table: string, change: GivenChange): Promise<StoredTable> {
    const makes = change.requirements.some(({ kind }) => kind === 'assert-create');
    const base = makes ? await this.#find(database, table) : await this.load(database, table);
    const metadata = applyChange(base, change, Date.now());
    return this.#replace(database, table, base, metadata, () =>
      commitFailed(`Cannot commit ${database}.${table}: another change came first`),
    );
  }

  /**
   * Where the metadata of a table is, and the version of the pointer that says so.
   *
   * @returns no place if the pointer is damaged
   * @throws GlueError NoSuchTableException
   */
  async pointerOf(database: string, table: string): Promise<{ version: string; location?: string }> {
    this.database(database);
    try {
      const location = await this.#pointer(database, table);
      if (location !== undefined) return { version: location, location };
    } catch (error) {
      if (error instanceof PointerError) return { version: DAMAGED };
      throw error;
    }
    throw noSuchTable(database, table);
  }

  /**
   * Points a table to other metadata, or makes it.
   *
   * @param version of the pointer that is replaced; undefined if there is no table
   * @throws GlueError CommitFailedException if the pointer has changed
   */
  async point(database: string, table: string, version: string | undefined, location: string): Promise<void> {
    if (!NAME.test(table)) throw badRequest(`a table's name: expected a-z, 0-9 and _, got ${table}`);
    await this.objects.inTurn(`table ${database}.${table}`, async () => {
      const before = await this.pointerOf(database, table).catch((error: unknown) => {
        if (error instanceof GlueError && error.type === 'NoSuchTableException') return undefined;
        throw error;
      });
      if (before && version === undefined) throw alreadyThere(database, table);
      if (!before && version !== undefined) throw noSuchTable(database, table);
      if (before?.version !== version) throw commitFailed(`${database}.${table}: another change came first`);
      await writePointer(this.dir, database, table, location);
    });
  }

  /**
   * Takes a table out of the catalog; its files stay. If the process dies in between, the table is there without its
   * maintenance, and never is that of one table the next one's.
   */
  async drop(database: string, table: string): Promise<void> {
    await this.load(database, table);
    await removeOptimizers(this.dir, database, table);
    await removePointer(this.dir, database, table);
  }

  /** Reads a file of a table. */
  async read(uri: string): Promise<Buffer> {
    const { bucket, key } = placeOf(uri);
    const opened = await this.objects.open(bucket, key);
    if (opened.object.size > 0) return buffer(opened.read(0, opened.object.size - 1));
    opened.close();
    return Buffer.alloc(0);
  }

  async delete(uri: string): Promise<void> {
    const { bucket, key } = placeOf(uri);
    await this.objects.delete(bucket, key);
  }

  async #find(database: string, table: string): Promise<StoredTable | undefined> {
    this.database(database);
    // The file that a pointer names may be deleted when the pointer is replaced.
    for (;;) {
      const location = await this.#pointer(database, table);
      if (location === undefined) return undefined;
      try {
        const text = (await this.read(location)).toString();
        this.#requireSize(text);
        return { metadata: parseIcebergJson(text) as TableMetadata, location };
      } catch (error) {
        if (error instanceof GlueError || (await this.#pointer(database, table)) === location) throw error;
      }
    }
  }

  async #replace(
    database: string,
    table: string,
    base: StoredTable | undefined,
    metadata: TableMetadata,
    conflict: () => GlueError,
  ): Promise<StoredTable> {
    const text = icebergJson(metadata);
    this.#requireSize(text);
    const location = `${metadata.location}/metadata/${nextVersion(base)}-${randomUUID()}.metadata.json`;
    const { bucket, key } = placeOf(location);
    await this.objects.put(bucket, key, text).catch((error: unknown) => {
      throw error instanceof ObjectStoreError ? badRequest(`cannot write ${location}: ${error.message}`) : error;
    });
    const replaced = await this.objects.inTurn(`table ${database}.${table}`, async () => {
      if ((await this.#pointer(database, table)) !== base?.location) return false;
      await writePointer(this.dir, database, table, location);
      return true;
    });
    if (!replaced) {
      await this.delete(location);
      throw conflict();
    }
    // Parsed, so that the answer is what a later load gives.
    const stored = { metadata: parseIcebergJson(text) as TableMetadata, location };
    for (const file of base ? forgotten(base.metadata, metadata) : []) await this.delete(file);
    return stored;
  }

  async #pointer(database: string, table: string): Promise<string | undefined> {
    if (!NAME.test(table)) throw noSuchTable(database, table);
    return readPointer(this.dir, database, table);
  }

  #requireSize(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (bytes <= this.#maxBytes) return;
    throw badRequest(`Iceberg table metadata of ${bytes} bytes exceeds the maximum of ${this.#maxBytes} bytes`);
  }
}

function alreadyThere(database: string, table: string): GlueError {
  return new GlueError(409, 'AlreadyExistsException', `Table already exists: ${database}.${table}`);
}

/** Number of a table's next metadata file, in the five digits of Iceberg's own catalogs. */
function nextVersion(base: StoredTable | undefined): string {
  const [, version] = /\/(\d+)-[^/]+$/.exec(base?.location ?? '') ?? [];
  return String(version === undefined ? 0 : Number(version) + 1).padStart(5, '0');
}

/** Metadata files that a change has taken out of the log, if the table wants them deleted. */
function forgotten(before: TableMetadata, after: TableMetadata): string[] {
  if (after.properties?.[DELETE_AFTER_COMMIT] !== 'true') return [];
  const kept = new Set(logOf(after));
  return logOf(before).filter((file) => !kept.has(file));
}

/** The metadata files of before, oldest first. */
export function logOf(metadata: TableMetadata): string[] {
  const log = (metadata['metadata-log'] as readonly { readonly 'metadata-file': string }[] | undefined) ?? [];
  return log.map((entry) => entry['metadata-file']);
}

/** Bucket and key of a file's URI. */
export function placeOf(uri: string): { readonly bucket: string; readonly key: string } {
  const [, bucket, key] = /^s3[an]?:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw badRequest(`expected s3://bucket/key, got ${uri.slice(0, 200)}`);
}
