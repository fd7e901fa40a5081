import { arnOf } from '../account.ts';
import { type Caller, requireAccess } from '../iam/caller.ts';
import { type BucketKeys, s3Caller } from '../s3/access.ts';
import { placeOf } from './table-store.ts';

/** What a request is about, as far as it says. */
export interface Place {
  readonly database?: string | undefined;
  readonly table?: string | undefined;
}

/**
 * Someone who asks Glue. Glue asks for a permission on the catalog, on the database and on the table, each of them.
 *
 * https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
 */
export interface GlueCaller {
  /**
   * @param operation of Glue's own API: its permission has the same name
   * @throws AccessDenied
   */
  require(operation: string, place: Place): void;
  /**
   * @param request by method and path, with a star for a name: `GET namespaces/*`
   * @throws AccessDenied
   */
  requireRest(request: string, place: Place): void;
  /** Glue reads the metadata of a table with the permissions of whoever asks. @throws AccessDenied */
  requireRead(uri: string): void;
  /** And writes it so. @throws AccessDenied */
  requireWrite(uri: string): void;
  /** Whether the caller may have Glue use a role. @throws AccessDenied */
  requirePassRole(roleArn: string): void;
}

/** https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html */
const REST_ACTIONS: Readonly<Record<string, string>> = {
  'GET namespaces': 'GetDatabases',
  'GET namespaces/*': 'GetDatabase',
  'HEAD namespaces/*': 'GetDatabase',
  'GET namespaces/*/tables': 'GetTables',
  'POST namespaces/*/tables': 'CreateTable',
  'GET namespaces/*/tables/*': 'GetTable',
  'HEAD namespaces/*/tables/*': 'GetTable',
  'POST namespaces/*/tables/*': 'UpdateTable',
  'DELETE namespaces/*/tables/*': 'DeleteTable',
};

export function glueCaller(caller: Caller, keys: BucketKeys): GlueCaller {
  const s3 = s3Caller(caller, keys);
  const require = (action: string, { database, table }: Place) => {
    const places = [
      'catalog',
      ...(database === undefined ? [] : [`database/${database}`]),
      ...(table === undefined ? [] : [`table/${database}/${table}`]),
    ];
    for (const place of places) requireAccess(caller, { action: `glue:${action}`, resource: arnOf('glue', place) });
  };
  return {
    require,
    requireRest: (request, place) => {
      // Whoever uses the endpoint needs this, whatever it asks for.
      require('GetCatalog', {});
      const action = REST_ACTIONS[request];
      if (action !== undefined) require(action, place);
    },
    requireRead: (uri) => {
      const { bucket, key } = placeOf(uri);
      s3.require('GET object', bucket, key);
      s3.requireDecrypt(bucket);
    },
    requireWrite: (uri) => {
      const { bucket, key } = placeOf(uri);
      s3.require('PUT object', bucket, key);
    },
    requirePassRole: (resource) => {
      const context = { 'iam:PassedToService': 'glue.amazonaws.com' };
      requireAccess(caller, { action: 'iam:PassRole', resource, context });
    },
  };
}

/** Place of a new metadata file beside another one. */
export function beside(metadataLocation: string): string {
  return `${metadataLocation.slice(0, metadataLocation.lastIndexOf('/'))}/new.metadata.json`;
}
