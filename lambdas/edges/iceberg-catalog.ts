/**
 * Iceberg's REST protocol, as far as the lake needs it, signed as AWS wants it. Glue and S3 Tables speak it.
 *
 * https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
 * https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html
 */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignatureV4 } from '@smithy/signature-v4';
import { icebergJson, parseIcebergJson, type TableMetadata } from '../core/iceberg/metadata.ts';
import { Pace } from '../core/iceberg/pace.ts';
import { ChangeDeniedError, CommitRefusedError, type IcebergCatalog, type LoadedTable } from '../core/iceberg/ports.ts';
import type { IcebergSettings } from '../core/settings.ts';

/** Credentials of AWS, or what gives them: `config.credentials` of any client of the SDK. */
type CredentialSource = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

/** Where the catalog is and who asks it. */
export interface CatalogClient
  extends Pick<IcebergSettings, 'url' | 'signingName' | 'region' | 'warehouse' | 'database'> {
  readonly credentials: CredentialSource;
  /** Longest wait before a request is repeated, in milliseconds. @default 5,000 */
  readonly longestWait?: number;
}

/** The catalog answered with an error, or did not answer: what was asked may have been done, or may still be. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  /** Status of the answer; 0 if there was none. */
  readonly status: number;
  /** Of the answer: `NoSuchTableException`. */
  readonly type: string;
  constructor(
    message: string,
    { status = 0, type = '', cause }: Partial<Pick<CatalogError, 'status' | 'type' | 'cause'>>,
  ) {
    super(message, { cause });
    this.status = status;
    this.type = type;
  }
}

/** A commit writes the table's metadata, of up to 20 MB, before it is answered. */
const TIMEOUT_MS = 60_000;

const TRIES = 6;

interface Asked {
  readonly method: 'GET' | 'POST';
  /** Below the URL, percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export function icebergCatalog(client: CatalogClient): IcebergCatalog {
  const signer = new SignatureV4({
    ...{ service: client.signingName, region: client.region, credentials: client.credentials },
    sha256: Sha256,
  });
  const pace = new Pace({ now: () => performance.now(), sleep });
  const ask = (asked: Asked): Promise<unknown> => pace.send(() => answerTo(asked, client.url, signer), isTooMuch);
  const longestWait = client.longestWait ?? 5000;
  const askAgain = (asked: Asked): Promise<unknown> => repeated(() => ask(asked), isPassing, longestWait);

  let prefix: Promise<string> | undefined;
  const tablesPath = async (): Promise<string> => {
    prefix ??= askAgain({ method: 'GET', path: '/v1/config', query: { warehouse: client.warehouse } }).then(prefixIn);
    const folder = await prefix.catch((error: unknown) => {
      prefix = undefined;
      throw error;
    });
    return `/v1${folder}/namespaces/${encodeURIComponent(client.database)}/tables`;
  };
  const pathOf = async (table: string): Promise<string> => `${await tablesPath()}/${encodeURIComponent(table)}`;

  return {
    async load(table) {
      const path = await pathOf(table);
      return unless(isNoTable, async () => loadedTable(await askAgain({ method: 'GET', path })));
    },

    // If the answer to a try is lost, the next one finds the table there, and the caller loads it.
    async create(table, { location, fields, partitionSpec, properties }) {
      const schema = { type: 'struct', 'schema-id': 0, fields };
      const body = { name: table, location, schema, 'partition-spec': partitionSpec, properties };
      const path = await tablesPath();
      return unless(isThereAlready, async () => loadedTable(await askAgain({ method: 'POST', path, body })));
    },

    async commit(table, { requirements, updates }) {
      const path = await pathOf(table);
      const body = { identifier: { namespace: [client.database], name: table }, requirements, updates };
      try {
        // What is too much is refused unread. Loading the table anew instead would take more of what is too little.
        return loadedTable(await repeated(() => ask({ method: 'POST', path, body }), isThrottle, longestWait));
      } catch (error) {
        if (!(error instanceof CatalogError)) throw error;
        if (error.status === 409) throw new CommitRefusedError(error.message, { cause: error });
        throw isDenial(error) ? new ChangeDeniedError(error.message, { cause: error }) : error;
      }
    },
  };
}

/** Sends one request, once: it follows no redirect either. */
async function answerTo({ method, path, query, body }: Asked, url: string, signer: SignatureV4): Promise<unknown> {
  const { protocol, hostname, port, pathname, host } = new URL(url);
  const text = body === undefined ? undefined : icebergJson(body);
  const { headers } = await signer.sign({
    ...{ method, protocol, hostname, port: port === '' ? undefined : Number(port) },
    ...{ path: `${pathname.replace(/\/$/, '')}${path}`, query: { ...query }, body: text },
    headers: { host, accept: 'application/json', ...(text !== undefined && { 'content-type': 'application/json' }) },
  });
  const search = query ? `?${new URLSearchParams(query)}` : '';
  const what = `${method} ${path}`;
  const [response, answer] = await fetch(`${url.replace(/\/$/, '')}${path}${search}`, {
    ...{ method, headers: without(headers, 'host'), body: text, redirect: 'manual' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
    .then(async (got) => [got, await got.text()] as const)
    .catch((cause: unknown) => {
      throw new CatalogError(`${what}: expected an answer of the catalog, got ${reasonOf(cause)}`, { cause });
    });
  if (response.status === 200) return parsed(answer, what);
  throw errorOf(response, answer, what);
}

/** An answer that breaks off, or is none of the catalog's, says nothing about what was done. */
function parsed(answer: string, what: string): unknown {
  try {
    return parseIcebergJson(answer);
  } catch (cause) {
    throw new CatalogError(`${what}: expected JSON, got ${answer.slice(0, 80)}`, { status: 200, cause });
  }
}

/** Errors have the form of Iceberg's protocol; those of AWS in front of it have their type in a header. */
function errorOf({ status, headers }: Response, answer: string, what: string): CatalogError {
  const { error, message } = jsonIn(answer) as { error?: { message?: string; type?: string }; message?: string };
  const type = headers.get('x-amzn-errortype')?.replace(/:.*/, '') ?? error?.type ?? '';
  const got = [status, type, error?.message ?? message ?? answer.slice(0, 200)].filter((part) => part !== '').join(' ');
  return new CatalogError(`${what}: ${got}`, { status, type });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** `fetch` says only that it failed; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  return cause instanceof Error
    ? `${(cause as { code?: string }).code ?? cause.name}: ${cause.message}`
    : `${name}: ${message}`;
}

/** Glue answers a request too many with 400: https://github.com/apache/iceberg/issues/17824 */
const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/i;

/** A table that is gone is no denial: whoever looks for it says more. */
function isDenial(error: CatalogError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 404 && !isPassing(error);
}

function isThrottle({ status, type }: CatalogError): boolean {
  return status === 429 || THROTTLED.test(type);
}

function isPassing(error: CatalogError): boolean {
  const { status } = error;
  return status === 0 || status === 200 || status === 408 || status >= 500 || isThrottle(error);
}

function isTooMuch(error: unknown): boolean {
  return error instanceof CatalogError && isThrottle(error);
}

/** Repeats a step while it fails for reasons that pass, with waits at random that grow. */
async function repeated<Result>(
  step: () => Promise<Result>,
  passes: (error: CatalogError) => boolean,
  longestWait: number,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (attempt === TRIES || !(error instanceof CatalogError) || !passes(error)) throw error;
      await sleep(Math.random() * Math.min(longestWait, 200 * 2 ** attempt));
    }
  }
}

/** What `step` gives, or undefined if it fails for one reason. */
async function unless<Result>(
  reason: (error: CatalogError) => boolean,
  step: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof CatalogError && reason(error)) return undefined;
    throw error;
  }
}

/** A database that is not there is a fault of the deployment. */
function isNoTable({ status, type }: CatalogError): boolean {
  return status === 404 && !/Namespace/i.test(type);
}

function isThereAlready({ status, type }: CatalogError): boolean {
  return status === 409 || /AlreadyExists/.test(type);
}

/** What the paths of a warehouse have after the version: Glue has `catalogs/ACCOUNT`. */
function prefixIn(config: unknown): string {
  const { defaults, overrides } = config as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
  const prefix = overrides?.prefix ?? defaults?.prefix;
  return prefix === undefined ? '' : `/${prefix}`;
}

function loadedTable(answer: unknown): LoadedTable {
  const { metadata, 'metadata-location': metadataLocation } = answer as {
    readonly metadata?: TableMetadata;
    readonly 'metadata-location'?: string;
  };
  if (metadata?.['table-uuid'] === undefined || metadataLocation === undefined) {
    throw new CatalogError('expected the metadata of a table, got something else', { status: 200 });
  }
  // Iceberg's Java library, and catalogs made of it, write -1 for a table without a snapshot.
  const none = metadata['current-snapshot-id'] === -1n;
  return { metadata: none ? { ...metadata, 'current-snapshot-id': null } : metadata, metadataLocation };
}

function without(headers: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));
}

/** SHA-256 of Node, as the signer takes it. With a secret it is the HMAC. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
