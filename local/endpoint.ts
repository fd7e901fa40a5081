import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { CREDENTIALS } from './credentials.ts';
import type { Service } from './template/resource.ts';

/**
 * Sees each request to a service before the service does. Returns true if it has answered the request itself or cut the
 * connection.
 */
export type Intercept = (
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

/** A port of 127.0.0.1. It is open before its service is known, because other settings need its URL first. */
export interface Endpoint {
  readonly url: string;
  serve(service: Service): void;
  close(): Promise<void>;
}

/** Who may use an endpoint, and hooks for tests. */
export interface EndpointOptions {
  /**
   * Access key that requests must be signed with; false for an API whose paths are secret themselves.
   *
   * @default the key of the local account
   */
  readonly accessKeyId?: string | false;
  readonly intercept?: Intercept;
}

/**
 * Opens an endpoint. Its URL has an IP address, because S3's SDK would put the bucket before the name localhost. Requests
 * of web pages and requests without the key are refused before anything else sees them.
 */
export async function openEndpoint(options: EndpointOptions = {}): Promise<Endpoint> {
  const { accessKeyId = CREDENTIALS.accessKeyId, intercept } = options;
  let service: Service | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = refusalOf(request, host, accessKeyId);
    if (refusal !== undefined) return refuse(request, response, refusal);
    if (!service) throw new Error('the lake is still opening');
    if (await intercept?.(service.name, request, response)) return;
    await service.handle(request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => fail(response, error));
  });
  // The sender sets the pace of a stream: back-pressure may hold a body longer than Node's default of 5 minutes.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    serve: (given) => {
      service = given;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Why a request is refused, or undefined if it is not. */
function refusalOf({ headers }: IncomingMessage, host: string, accessKeyId: string | false): string | undefined {
  // A web page whose name was made to resolve to this machine sends its own name.
  if (headers.host !== host) return `expected the host ${host}`;
  // Browsers name the page that sends a request; no SDK does.
  if (headers.origin !== undefined) return 'requests of web pages are refused';
  if (accessKeyId !== false && !isSignedWith(headers.authorization, accessKeyId)) {
    return 'expected a request signed with the access key that the lake was opened with';
  }
  return undefined;
}

/**
 * Compares the access key only, and not the signature: the key is as long and as secret as one, and whoever could read it
 * on its way within this machine could read the process's memory too.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 */
function isSignedWith(authorization = '', accessKeyId: string): boolean {
  const [, given = ''] = /^AWS4-HMAC-SHA256 Credential=([^/,]*)\//.exec(authorization) ?? [];
  const [a, b] = [Buffer.from(given), Buffer.from(accessKeyId)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(request: IncomingMessage, response: ServerResponse, reason: string): void {
  // The rest of a refused body would be read as the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(403, { 'content-type': 'text/plain' }).end(reason);
}

/** The whole body of a small request. */
export function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return buffer(request);
}

/** Answers a fault of the emulation itself with 500, which SDKs retry, and the reason. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(500, { 'content-type': 'text/plain' });
  response.end(error instanceof Error ? error.message : String(error));
}
