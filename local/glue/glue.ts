import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { icebergJson, parseIcebergJson } from '../../lambdas/core/iceberg/metadata.ts';
import { ACCOUNT } from '../account.ts';
import { bodyOf } from '../endpoint.ts';
import { AccessDenied } from '../iam/caller.ts';
import type { BucketKeys } from '../s3/access.ts';
import type { Resource, Service } from '../template/resource.ts';
import { beside, type GlueCaller, glueCaller, type Place } from './access.ts';
import { definitionOperation } from './definitions.ts';
import { badRequest, GlueError, unsupported } from './glue-error.ts';
import { HiveDefinitions } from './hive-definitions.ts';
import { optimizerOperation } from './optimizers.ts';
import { changeIn, tableIn } from './requests.ts';
import { TableStore, type TableStoreOptions } from './table-store.ts';

/**
 * Glue on this machine: its Iceberg REST endpoint, for tables in the databases of the stack, their definitions, and how they are
 * maintained.
 */
export interface LocalGlue extends Service {
  readonly tables: TableStore;
}

export interface GlueOptions extends TableStoreOptions {
  /** AWS::Glue::Table resources. */
  readonly definitions?: readonly Resource[];
  /** @default none */
  readonly keys?: BucketKeys;
}

/** Opens the catalog. Every change that was answered is in its folder and in the buckets, even if the process crashes. */
export async function openGlue({ definitions = [], keys = new Map(), ...options }: GlueOptions): Promise<LocalGlue> {
  const tables = await TableStore.open(options);
  const hive = await HiveDefinitions.open(options.dir, definitions);
  return {
    name: 'GLUE',
    tables,
    handle: (request, response, caller) => answer(request, response, glueCaller(caller, keys), tables, hive),
    close: async () => {},
  };
}

/** What a path has after the endpoint's own: https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html */
const PREFIX = `catalogs/${ACCOUNT}`;

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  caller: GlueCaller,
  tables: TableStore,
  hive: HiveDefinitions,
): Promise<void> {
  response.setHeader('x-amzn-requestid', randomUUID());
  const target = request.headers['x-amz-target'];
  const protocol = target === undefined ? ICEBERG : AWS_JSON;
  try {
    if (target !== undefined) {
      const operation = String(target).replace(/^AWSGlue\./, '');
      const body = parsed(await bodyOf(request));
      caller.require(operation, placeIn(body));
      requireRole(caller, body);
      const act = operation.endsWith('TableOptimizer') ? optimizerOperation : definitionOperation;
      const done = await hive.operation(operation, body);
      return reply(response, protocol, 200, done ?? (await act(tables, operation, body)));
    }
    const { status = 200, body } = await act(request, caller, tables);
    reply(response, protocol, status, body);
  } catch (caught) {
    const error = caught instanceof AccessDenied ? new GlueError(403, DENIED, caught.message) : caught;
    if (!(error instanceof GlueError)) throw error;
    const { status, body } = protocol.failure(error);
    reply(response, protocol, status, body);
  }
}

const DENIED = 'AccessDeniedException';

/** What the body of a request of Glue's own API is about. */
function placeIn(body: unknown): Place {
  const { DatabaseName: database, Name, TableName, TableInput } = Object(body);
  const table = TableName ?? Name ?? Object(TableInput).Name;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { database: text(database), table: text(table) };
}

/** Whoever names a role to Glue must be allowed to. */
function requireRole(caller: GlueCaller, body: unknown): void {
  const { roleArn } = Object(Object(body).TableOptimizerConfiguration);
  if (typeof roleArn === 'string') caller.requirePassRole(roleArn);
}

/** How a protocol writes its answers. */
interface Protocol {
  readonly contentType: string;
  failure(error: GlueError): Answer & { readonly status: number };
}

/** Iceberg's own, at the path `/iceberg`. */
const ICEBERG: Protocol = {
  contentType: 'application/json',
  failure: ({ status, type, message }) => ({ status, body: { error: { message, type, code: status } } }),
};

/** That of Glue's other operations. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
const AWS_JSON: Protocol = {
  contentType: 'application/x-amz-json-1.1',
  failure: ({ type, message }) => ({ status: 400, body: { __type: type, Message: message } }),
};

function reply(response: ServerResponse, { contentType }: Protocol, status: number, body: unknown): void {
  response.writeHead(status, body === undefined ? {} : { 'content-type': contentType });
  response.end(body === undefined ? undefined : icebergJson(body));
}

async function act(request: IncomingMessage, caller: GlueCaller, tables: TableStore): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://glue');
  const path = pathname.replace(/^\/iceberg\/v1\//, '');
  if (path === 'config' && request.method === 'GET') {
    caller.requireRest('GET config', {});
    return { body: config(searchParams.get('warehouse')) };
  }
  const [, place] = path.startsWith(`${PREFIX}/`) ? ['', path.slice(PREFIX.length + 1)] : [];
  if (place === undefined)
    throw new GlueError(404, 'NotFoundException', `${pathname}: expected /iceberg/v1/${PREFIX}/…`);
  const [kind, database, sort, table, ...more] = place.split('/').map(decodeURIComponent);
  const shape = [kind, database && '*', sort, table && '*', ...more].filter((part) => part !== undefined).join('/');
  const action = ACTIONS[`${request.method} ${shape}`];
  if (!action) throw unsupported(`${request.method} ${pathname}`);
  const body = request.method === 'POST' ? parsed(await bodyOf(request)) : undefined;
  // A new table is named in the body.
  const named = table ?? placeIn({ Name: Object(body).name }).table;
  caller.requireRest(`${request.method} ${shape}`, { database, table: named });
  return action({
    ...{ caller, tables, database: database ?? '', table: table ?? '', query: searchParams },
    body,
  });
}

function config(warehouse: string | null): object {
  if (warehouse !== null && warehouse !== '' && warehouse !== ACCOUNT) {
    throw new GlueError(404, 'NotFoundException', `Catalog ${warehouse} not found`);
  }
  return { defaults: {}, overrides: { prefix: PREFIX } };
}

function parsed(body: Buffer): unknown {
  try {
    return parseIcebergJson(body.toString());
  } catch {
    throw badRequest('expected a body in JSON');
  }
}

interface Asked {
  readonly caller: GlueCaller;
  readonly tables: TableStore;
  readonly database: string;
  readonly table: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** By method and path, with a star for a name. */
const ACTIONS: Readonly<Record<string, (asked: Asked) => Promise<Answer>>> = {
  'GET namespaces': async ({ tables }) => ({
    body: { namespaces: [...tables.databases.keys()].map((name) => [name]) },
  }),
  'GET namespaces/*': async ({ tables, database }) => {
    const { name, location } = tables.database(database);
    return { body: { namespace: [name], properties: location === undefined ? {} : { location } } };
  },
  'HEAD namespaces/*': async ({ tables, database }) => {
    tables.database(database);
    return { status: 204 };
  },
  'GET namespaces/*/tables': async ({ tables, database }) => {
    const names = await tables.list(database);
    return { body: { identifiers: names.map((name) => ({ namespace: [database], name })) } };
  },
  'POST namespaces/*/tables': async ({ caller, tables, database, body }) => {
    const given = tableIn(body);
    const folder = tables.locationOf(database, given);
    if (folder !== undefined && !given['stage-create']) caller.requireWrite(`${folder}/metadata/new.metadata.json`);
    const { metadata, location } = await tables.create(database, given);
    return { body: { ...(location !== undefined && { 'metadata-location': location }), metadata, config: {} } };
  },
  'GET namespaces/*/tables/*': async ({ caller, tables, database, table }) => {
    const { metadata, location } = await tables.load(database, table);
    caller.requireRead(location);
    return { body: { 'metadata-location': location, metadata, config: {} } };
  },
  'HEAD namespaces/*/tables/*': async ({ tables, database, table }) => {
    await tables.load(database, table);
    return { status: 204 };
  },
  'POST namespaces/*/tables/*': async ({ caller, tables, database, table, body }) => {
    const before = await tables.placeOf(database, table);
    if (before !== undefined) {
      caller.requireRead(before);
      caller.requireWrite(beside(before));
    }
    const { metadata, location } = await tables.commit(database, table, changeIn(body));
    return { body: { 'metadata-location': location, metadata } };
  },
  'DELETE namespaces/*/tables/*': async ({ tables, database, table, query }) => {
    if (query.get('purgeRequested') === 'true') throw unsupported('dropping a table with purgeRequested');
    await tables.drop(database, table);
    return { status: 204 };
  },
};
