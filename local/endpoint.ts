import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
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

/** Opens an endpoint. Its URL has an IP address, because S3's SDK would put the bucket before the name localhost. */
export async function openEndpoint(intercept?: Intercept): Promise<Endpoint> {
  let service: Service | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
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
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
