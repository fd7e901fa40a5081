import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { REGION } from '../../local/account.ts';
import { CREDENTIALS, type Credentials } from '../../local/credentials.ts';

/** What the SDK's clients need to talk to an endpoint of this machine. */
export interface ClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
}

export function clientOptions(endpoint: string): ClientOptions {
  return { endpoint, region: REGION, credentials: CREDENTIALS };
}

/** The same for the clients that a function makes of its environment; `endpoints` by service, `AWS_ENDPOINT_URL` the rest. */
export function clientEnvironment(endpoint: string, endpoints: Readonly<Record<string, string>> = {}) {
  const { region, credentials } = clientOptions(endpoint);
  return {
    AWS_ENDPOINT_URL: endpoint,
    ...Object.fromEntries(Object.entries(endpoints).map(([service, url]) => [`AWS_ENDPOINT_URL_${service}`, url])),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

/** A request that no client of the SDK sends. */
export interface OwnRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** @default that of the URL */
  readonly path?: string;
}

/** What a request to a local endpoint is signed for. @default what the endpoint expects */
export interface SignedFor {
  readonly credentials?: Credentials;
  readonly region?: string;
}

/** Headers of a request, signed as the SDK signs its own; that of the host, which Node adds, is not among them. */
export async function signedHeaders(
  service: string,
  url: string,
  { method = 'GET', headers = {}, body, path }: OwnRequest = {},
  { credentials = CREDENTIALS, region = REGION }: SignedFor = {},
): Promise<Record<string, string>> {
  const { protocol, hostname, host, pathname, searchParams } = new URL(url);
  const client = new DynamoDBClient({ region, credentials });
  const { sha256 } = client.config;
  client.destroy();
  const signer = new SignatureV4({ service, region, credentials, sha256, uriEscapePath: service !== 's3' });
  const request = { protocol, hostname, method, path: path ?? pathname, query: Object.fromEntries(searchParams), body };
  const signed = await signer.sign({ ...request, headers: { ...headers, host } });
  const { host: _, ...others } = signed.headers;
  return others;
}

/** An import of a client of the SDK, as the code of a function writes it that is no bundle. */
export function importOf(client: string): string {
  return JSON.stringify(new URL(`../../node_modules/@aws-sdk/${client}/dist-cjs/index.js`, import.meta.url).href);
}
