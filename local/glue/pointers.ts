/** Which metadata file of each Iceberg table counts: a small file per table in the folder of a lake. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, syncFolder, UNFINISHED, writeDurable } from '../files.ts';

/** Folder of a lake's folder: a folder per database, and in it a file per table. */
export const GLUE = 'glue';

const ENDING = '.json';

/** Names of the Iceberg tables of a database, in order. */
export async function tablesIn(lake: string, database: string): Promise<string[]> {
  const files = await readdir(join(lake, GLUE, database)).catch((error: unknown): string[] => {
    if (isMissing(error)) return [];
    throw error;
  });
  const ours = files.filter((file) => file.endsWith(ENDING));
  return ours.map((file) => file.slice(0, -ENDING.length)).sort();
}

/** Names of the Iceberg tables of a database, in order, and the URIs of their metadata files. For whoever only reads. */
export async function pointersIn(lake: string, database: string): Promise<ReadonlyMap<string, string>> {
  const pointers = new Map<string, string>();
  for (const table of await tablesIn(lake, database)) {
    const location = await readPointer(lake, database, table);
    // Dropped in between.
    if (location !== undefined) pointers.set(table, location);
  }
  return pointers;
}

/** The file that says which metadata counts is damaged. */
export class PointerError extends Error {
  override readonly name = 'PointerError';
}

/**
 * The URI of the metadata file of a table; undefined if there is no such table.
 *
 * @throws PointerError naming the pointer's file if it is damaged
 */
export async function readPointer(lake: string, database: string, table: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(fileOf(lake, database, table), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const location = locationIn(text);
  if (location !== undefined) return location;
  const file = join(GLUE, database, `${table}${ENDING}`);
  throw new PointerError(
    `${file}: damaged: expected the location of its metadata, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

function locationIn(text: string): string | undefined {
  try {
    const { location } = JSON.parse(text) as { location?: unknown };
    return typeof location === 'string' ? location : undefined;
  } catch {
    return undefined;
  }
}

/** When the promise resolves, the pointer survives a power cut. */
export function writePointer(lake: string, database: string, table: string, location: string): Promise<void> {
  return writeDurable(fileOf(lake, database, table), JSON.stringify({ location }));
}

export async function removePointer(lake: string, database: string, table: string): Promise<void> {
  await rm(fileOf(lake, database, table));
  await syncFolder(join(lake, GLUE, database));
}

/** Makes the folders of databases, and removes what a process that died had not completed. */
export async function openPointers(lake: string, databases: readonly string[]): Promise<void> {
  for (const database of databases) {
    const folder = join(lake, GLUE, database);
    await mkdir(folder, { recursive: true });
    for (const file of await readdir(folder)) if (file.endsWith(UNFINISHED)) await rm(join(folder, file));
    await syncFolder(join(lake, GLUE));
  }
}

function fileOf(lake: string, database: string, table: string): string {
  return join(lake, GLUE, database, `${table}${ENDING}`);
}
