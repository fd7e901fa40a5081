/**
 * Definitions of the tables that CloudFormation makes, as Glue's own API reads and changes them. What a deployment has made
 * is in the template; what was changed since is in a small file per table in the folder of a lake. A deployment that
 * changes the definition of a table writes all of it anew, so the file counts only for the definition that it was made of.
 *
 * https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ACCOUNT } from '../account.ts';
import { isMissing, writeDurable } from '../files.ts';
import { type GlueTable, glueTable } from '../template/glue-table.ts';
import type { Resource } from '../template/resource.ts';
import { GlueError, unsupported } from './glue-error.ts';
import { GLUE } from './pointers.ts';

/** What is known of a table: Glue's `TableInput`, and the number of its changes. */
interface Definition {
  readonly version: number;
  readonly input: Readonly<Record<string, unknown>>;
}

interface Stored extends Definition {
  /** Hash of the definition in the template that it was made of. */
  readonly of: string;
}

/** A table of the template, with the columns that it has now. */
export async function definedTable(lake: string, resource: Resource): Promise<GlueTable> {
  const { input } = await definitionOf(lake, resource);
  return glueTable({ ...resource, properties: { ...resource.properties, TableInput: input } });
}

async function definitionOf(lake: string, resource: Resource): Promise<Definition> {
  const deployed = resource.properties.TableInput as Definition['input'];
  const stored = await readStored(fileOf(lake, glueTable(resource)));
  if (stored?.of === hashOf(deployed)) return stored;
  return { version: stored ? stored.version + 1 : 0, input: deployed };
}

async function readStored(file: string): Promise<Stored | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Stored;
  } catch (error) {
    // What is damaged is as the deployment made it, until it is changed again.
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The ending is none of a pointer's, and no table's name has a dot. */
function fileOf(lake: string, { database, name }: Pick<GlueTable, 'database' | 'name'>): string {
  return join(lake, GLUE, database, `${name}.definition`);
}

function hashOf(input: unknown): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex');
}

const column = z.strictObject({ Name: z.string(), Type: z.string(), Comment: z.string().max(255).optional() });
const given = z.strictObject({
  CatalogId: z.string().optional(),
  DatabaseName: z.string(),
  TableInput: z.looseObject({ Name: z.string(), StorageDescriptor: z.looseObject({ Columns: z.array(column) }) }),
  VersionId: z.string().optional(),
  SkipArchive: z.boolean().optional(),
});

/** The operations of Glue's API on these definitions. */
export class HiveDefinitions {
  readonly #lake: string;
  readonly #tables: ReadonlyMap<string, Resource>;
  /** Changes are done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Opens them after a deployment, which has made the definitions that it changes anew.
   *
   * @param tables AWS::Glue::Table resources
   */
  static async open(lake: string, tables: readonly Resource[]): Promise<HiveDefinitions> {
    for (const resource of tables) {
      const file = fileOf(lake, glueTable(resource));
      const stored = await readStored(file);
      const of = hashOf(resource.properties.TableInput);
      if (!stored || stored.of === of) continue;
      await writeDurable(file, JSON.stringify({ of, ...(await definitionOf(lake, resource)) } satisfies Stored));
    }
    return new HiveDefinitions(lake, tables);
  }

  private constructor(lake: string, tables: readonly Resource[]) {
    this.#lake = lake;
    const named = tables.map((resource) => [nameOf(glueTable(resource)), resource] as const);
    this.#tables = new Map(named);
  }

  /** @returns the answer's body; undefined if the operation is none of these, or of no table of the template */
  async operation(name: string, body: unknown): Promise<object | undefined> {
    const { DatabaseName, Name, TableInput } = Object(body);
    const resource = this.#tables.get(nameOf({ database: DatabaseName, name: Name ?? Object(TableInput).Name }));
    if (!resource) return undefined;
    if (name === 'GetTable') return this.#get(resource);
    if (name !== 'UpdateTable') return undefined;
    const done = this.#turn.then(() => this.#update(resource, read(given, body)));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #get(resource: Resource): Promise<object> {
    const { version, input } = await definitionOf(this.#lake, resource);
    const { DatabaseName } = resource.properties;
    return { Table: { ...input, DatabaseName, CatalogId: ACCOUNT, VersionId: String(version), CreatedBy: 'local' } };
  }

  /** If the process dies before the file is replaced, nothing is changed. */
  async #update(resource: Resource, { TableInput, VersionId }: z.output<typeof given>): Promise<object> {
    const { version, input } = await definitionOf(this.#lake, resource);
    if (VersionId !== undefined && VersionId !== String(version)) {
      const message = `expected version ${version} of the table, got ${VersionId}`;
      throw new GlueError(400, 'ConcurrentModificationException', message);
    }
    if (!isDeepStrictEqual(withoutColumns(TableInput), withoutColumns(input))) {
      throw unsupported('a change of anything but the columns');
    }
    const of = hashOf(resource.properties.TableInput);
    const stored: Stored = { of, version: version + 1, input: TableInput };
    await writeDurable(fileOf(this.#lake, glueTable(resource)), JSON.stringify(stored));
    return {};
  }
}

function nameOf({ database, name }: Pick<GlueTable, 'database' | 'name'>): string {
  return `${database}.${name}`;
}

function withoutColumns({ StorageDescriptor, ...input }: Readonly<Record<string, unknown>>): unknown {
  return { ...input, StorageDescriptor: { ...Object(StorageDescriptor), Columns: [] } };
}

function read<T>(shape: z.ZodType<T>, value: unknown): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new GlueError(400, 'InvalidInputException', issues.join('; '));
}
