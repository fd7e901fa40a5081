import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { REGION } from './account.ts';
import { ADMINISTRATOR, type Caller, Sessions } from './iam/caller.ts';
import { accessKeyOf, checkSignature } from './signature.ts';
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
   * Whether requests must be signed with the key of the local account, for its Region and the service: not for an API
   * whose paths are secret themselves.
   *
   * @default true
   */
  readonly signed?: boolean;
  /** Access keys beside that of the operators. @default none */
  readonly sessions?: Sessions;
  readonly intercept?: Intercept;
}

/**
 * Opens an endpoint. Its URL has an IP address, because S3's SDK would put the bucket before the name localhost. Requests
 * of web pages and requests without a signature are refused before anything else sees them.
 */
export async function openEndpoint(options: EndpointOptions = {}): Promise<Endpoint> {
  const { signed = true, sessions = new Sessions(), intercept } = options;
  let service: Service | undefined;
  const answer = async (came: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = refusalOf(came, host);
    if (refusal !== undefined) return refuse(came, response, refusal);
    if (!service) throw new Error('the lake is still opening');
    const name = service.name.toLowerCase();
    const checked = signed ? await whenSigned(came, name, sessions) : { request: came, caller: ADMINISTRATOR };
    if (typeof checked === 'string') return refuse(came, response, checked);
    const { request, caller } = checked;
    if (await intercept?.(service.name, request, response)) return;
    await service.handle(request, response, caller);
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
function refusalOf({ headers }: IncomingMessage, host: string): string | undefined {
  // A web page whose name was made to resolve to this machine sends its own name.
  if (headers.host !== host) return `expected the host ${host}`;
  // Browsers name the page that sends a request; no SDK does.
  if (headers.origin !== undefined) return 'requests of web pages are refused';
  return undefined;
}

/** Most bytes of a body that is read before anyone has checked who sends it. */
const MAX_UNCHECKED_BYTES = 32 * 1024 * 1024;

/** A request, or one that stands for it because its body was read, and who has signed it. */
interface Signed {
  readonly request: IncomingMessage;
  readonly caller: Caller;
}

/** The request if it is signed; otherwise why it is refused. */
async function whenSigned(request: IncomingMessage, service: string, sessions: Sessions): Promise<Signed | string> {
  const { credentials, caller } = sessions.find(accessKeyOf(request));
  const signer = { credentials, region: REGION, service };
  const verdict = checkSignature(request, signer);
  if (verdict === 'signed') return { request, caller };
  if (verdict !== 'body needed') return verdict.refused;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_UNCHECKED_BYTES) return `expected a body of at most ${MAX_UNCHECKED_BYTES} bytes`;
  }
  const body = Buffer.concat(chunks);
  const again = checkSignature(request, signer, body);
  if (again !== 'signed') return again === 'body needed' ? again : again.refused;
  return { request: replayed(request, body), caller };
}

/** A request that stands for one whose body was read. */
export function replayed(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, rawHeaders, socket, complete } = request;
  const again = new Readable({ read: () => {} });
  if (body.length > 0) again.push(body);
  again.push(null);
  return Object.assign(again, { method, url, headers, rawHeaders, socket, complete }) as unknown as IncomingMessage;
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
