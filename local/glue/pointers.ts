/** Which metadata file of each Iceberg table counts: a small file per table in the folder of a lake. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, syncFolder, UNFINISHED, writeDurable } from '../files.ts';

/** Folder of a lake's folder: a folder per database, and in it a file per table. */
export const GLUE = 'glue';

const ENDING = '.json';

/** Names of the Iceberg tables of a database, in order, and the URIs of their metadata files. For whoever only reads. */
export async function pointersIn(lake: string, database: string): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(join(lake, GLUE, database)).catch((error: unknown): string[] => {
    if (isMissing(error)) return [];
    throw error;
  });
  const pointers = new Map<string, string>();
  for (const file of files.sort()) {
    if (!file.endsWith(ENDING)) continue;
    const table = file.slice(0, -ENDING.length);
    const location = await readPointer(lake, database, table);
    // Dropped in between.
    if (location !== undefined) pointers.set(table, location);
  }
  return pointers;
}

/** The URI of the metadata file of a table; undefined if there is no such table. */
export async function readPointer(lake: string, database: string, table: string): Promise<string | undefined> {
  try {
    const { location } = JSON.parse(await readFile(fileOf(lake, database, table), 'utf8')) as { location: string };
    return location;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
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
