import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { bodyOf, openEndpoint } from '../../local/endpoint.ts';

/** A request as the service got it. */
export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the protocols that are JSON: `AmazonSQS.SendMessage`; empty for others. */
  readonly operation: string;
  readonly body: string;
}

/**
 * What becomes of a request: an answer, a connection that is cut, nothing at all, or whatever is done with the
 * response itself.
 */
export type Reply =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }
  | 'cut'
  | 'silence'
  | ((response: ServerResponse) => void);

/** A service of AWS that answers what a test says. */
export interface FakeService {
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: ServedRequest[];
  /** What it answers from now on. */
  reply: (request: ServedRequest) => Reply | Promise<Reply>;
  close(): Promise<void>;
}

/** Opens a service on a port of this machine. Until it is told what to reply, it takes everything. */
export async function openFakeService(reply: FakeService['reply'] = () => json({})): Promise<FakeService> {
  const endpoint = await openEndpoint({ signed: false });
  const service: FakeService = { url: endpoint.url, requests: [], reply, close: () => endpoint.close() };
  endpoint.serve({
    name: 'FAKE',
    handle: async (request, response) => {
      const { method = '', url: path = '', headers } = request;
      const operation = String(headers['x-amz-target'] ?? '');
      const served = { method, path, headers, operation, body: (await bodyOf(request)).toString() };
      service.requests.push(served);
      answer(response, await service.reply(served));
    },
    close: async () => {},
  });
  return service;
}

/** An answer of the protocols that are JSON. */
export function json(value: unknown, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(value) };
}

/** An error of the protocols that are JSON. */
export function failure(type: string, status = 400): Reply {
  return json({ __type: type, message: 'as the test wants it' }, status);
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return;
  if (reply === 'cut') response.destroy();
  else if (typeof reply === 'function') reply(response);
  else response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
}
