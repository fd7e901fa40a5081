import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { IcebergCatalog } from '../core/iceberg/ports.ts';
import { SchemaError } from '../core/iceberg/schema.ts';
import { placeOf } from './table-files.ts';

/**
 * The catalog, which makes no table in a folder that has files of one: whoever has taken the former table out of the catalog
 * did not mean its rows, perhaps. An empty table in its place would be queried as if nothing had ever been loaded, and its
 * maintenance would delete the files of the former one.
 */
export function keepingLostTables(catalog: IcebergCatalog, client: S3Client): IcebergCatalog {
  return {
    ...catalog,
    async create(table, wanted) {
      const folder = `${wanted.location}/data/`;
      if (!(await hasFiles(client, folder))) return catalog.create(table, wanted);
      // Somebody else has made it, and has written to it.
      if (await catalog.load(table)) return undefined;
      throw new SchemaError(
        `Iceberg table ${table}: it is not in the catalog, and files of it are in ${folder}: ` +
          `bring it back with \`lake rebuild ${table}\`, or delete these files to begin with an empty table`,
      );
    },
  };
}

async function hasFiles(client: S3Client, folder: string): Promise<boolean> {
  const { Bucket, Key: Prefix } = placeOf(folder);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
  return Contents.length > 0;
}
