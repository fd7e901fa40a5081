/** Finds the metadata of a table that no catalog knows, among the files in its folder. */
import { parseIcebergJson, type TableMetadata } from './metadata.ts';
import type { LoadedTable, TableFiles } from './ports.ts';
import { REPLACED, TAKEN_OVER } from './properties.ts';

/** A metadata file cannot be read. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError';
}

/** @throws MetadataError if the file is missing or is no metadata of a table */
export async function readMetadata(files: TableFiles, metadataLocation: string): Promise<LoadedTable> {
  const metadata = await read(files, metadataLocation).catch((cause: Error) => {
    throw new MetadataError(`${metadataLocation}: expected the metadata of a table, got ${cause.message}`, { cause });
  });
  if (typeof metadata['table-uuid'] === 'string' && Array.isArray(metadata.schemas)) {
    return { metadata, metadataLocation };
  }
  throw new MetadataError(`${metadataLocation}: expected the metadata of a table, got other JSON`);
}

async function read(files: TableFiles, uri: string): Promise<TableMetadata> {
  return parseIcebergJson(new TextDecoder().decode(await files.get(uri))) as TableMetadata;
}

/** Whether a file's name is that of metadata as Iceberg's catalogs write it. */
export function isMetadata(uri: string): boolean {
  return uri.endsWith('.metadata.json');
}

/**
 * The newest of the metadata in a table's folder. Each file names those before it. A change that came second, or a rebuild
 * that died, has left one too, perhaps, which does not count: that is known once another one has followed its predecessor
 * and was followed itself.
 *
 * @returns the one that no other follows; several if nobody knows which of them counted
 */
export function newestOf(found: readonly LoadedTable[]): readonly LoadedTable[] {
  const logs = found.map(({ metadata }) => logOf(metadata).map((entry) => entry['metadata-file']));
  const followers = new Map<string, string>();
  for (const log of logs) {
    for (const [index, file] of log.slice(1).entries()) followers.set(log[index] as string, file);
  }
  const counted = found.filter(({ metadataLocation }, index) => {
    const follower = followers.get(logs[index]?.at(-1) ?? '');
    return follower === undefined || follower === metadataLocation;
  });
  const before = new Set(counted.flatMap(({ metadata }) => logOf(metadata).map((entry) => entry['metadata-file'])));
  return counted.filter(({ metadataLocation }) => !before.has(metadataLocation));
}

/** Uuids of the tables whose files a table has: its own, and those of tables that it has taken over. */
export function uuidsOf({ metadata }: LoadedTable): readonly string[] {
  return [metadata['table-uuid'], ...(metadata.properties?.[TAKEN_OVER]?.split(' ') ?? [])];
}

/** Uuids of tables in whose place a table, or one that it is made of, began without rows. */
export function replacedBy({ metadata }: LoadedTable): readonly string[] {
  return metadata.properties?.[REPLACED]?.split(' ') ?? [];
}

function logOf(metadata: TableMetadata): readonly { readonly 'metadata-file': string }[] {
  return (metadata['metadata-log'] ?? []) as readonly { readonly 'metadata-file': string }[];
}
