import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import type { IcebergCatalog, TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { icebergCatalog } from '../../lambdas/edges/iceberg-catalog.ts';
import { s3TableFiles } from '../../lambdas/edges/table-files.ts';
import { ACCOUNT, REGION } from '../../local/account.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { type Intercept, openEndpoint } from '../../local/endpoint.ts';
import { type LocalGlue, openGlue } from '../../local/glue/glue.ts';
import type { TableStoreOptions } from '../../local/glue/table-store.ts';
import type { ObjectStore } from '../../local/s3/object-store.ts';
import { openS3 } from '../../local/s3/s3.ts';
import { clientOptions } from './client-options.ts';
import { temporaryFolder } from './folder.ts';

/** The one bucket and the one database. */
export const LAKE = 'lake';
export const DATABASE = 'tributary_iceberg';

/** A catalog with its buckets, and the lake's own clients of both, over HTTP. */
export interface LocalCatalog {
  readonly dir: string;
  /** Of the endpoints, without a path. */
  readonly url: string;
  readonly s3Url: string;
  readonly catalog: IcebergCatalog;
  readonly files: TableFiles;
  readonly s3: S3Client;
  readonly glue: LocalGlue;
  readonly objects: ObjectStore;
}

interface CatalogHooks {
  /** Sees the requests to the catalog first. */
  readonly intercept?: Intercept;
  /** Sees those to S3 first. */
  readonly interceptS3?: Intercept;
}

/** Opens a catalog in a folder until the test has finished. */
export async function openLocalCatalog({
  dir = temporaryFolder(),
  ...options
}: { dir?: string } & CatalogHooks & Partial<TableStoreOptions> = {}): Promise<LocalCatalog> {
  const { close, ...local } = await serveCatalog({ dir, ...options });
  onTestFinished(close);
  return local;
}

/** Opens a catalog in a folder until it is closed. */
export async function serveCatalog({
  dir,
  intercept,
  interceptS3,
  ...options
}: { dir: string } & CatalogHooks & Partial<TableStoreOptions>): Promise<LocalCatalog & { close(): Promise<void> }> {
  const s3 = await openS3({ dir, buckets: new Set([LAKE]), onCreated: async () => {} });
  const databases = [{ name: DATABASE }];
  const glue = await openGlue({ dir, databases, objects: s3.objects, ...options });
  const s3Endpoint = await openEndpoint({ intercept: interceptS3 });
  s3Endpoint.serve(s3);
  const endpoint = await openEndpoint({ intercept });
  endpoint.serve(glue);
  const client = new S3Client(clientOptions(s3Endpoint.url));
  const close = async () => {
    client.destroy();
    await endpoint.close();
    await s3Endpoint.close();
  };
  const [url, s3Url] = [endpoint.url, s3Endpoint.url];
  return {
    ...{ dir, url, s3Url, catalog: catalogAt(url), files: s3TableFiles(client) },
    ...{ s3: client, glue, objects: s3.objects, close },
  };
}

/** The lake's client of a catalog on this machine. */
export function catalogAt(url: string, changed: Partial<Parameters<typeof icebergCatalog>[0]> = {}): IcebergCatalog {
  return icebergCatalog({
    ...{ url: `${url}/iceberg`, signingName: 'glue', region: REGION, warehouse: ACCOUNT, database: DATABASE },
    ...{ credentials: CREDENTIALS, longestWait: 5, ...changed },
  });
}
