import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { bodyOf, type Intercept } from '../../local/endpoint.ts';
import { loseAnswer } from './lost-answer.ts';

/** What becomes of a request to the catalog, as Glue and the network do it. */
export type GlueFault =
  /** Nothing is done: a 400, as Glue answers a request too many. */
  | 'throttled'
  /** Nothing is done, or it is done: a 500 either way. */
  | 'failed-before'
  | 'failed-after'
  /** It is done, and the connection is cut before the answer. */
  | 'lost'
  /** The connection is cut, and it is done when the test wants it. */
  | 'late';

export interface GlueFaults {
  readonly intercept: Intercept;
  /** Does what was to be done late, in the order in which it came. @returns the statuses of the answers */
  doLate(): Promise<number[]>;
}

/** Marks a request that came before. */
const AGAIN = 'x-done-late';

/** @param faultOf decides for each request to the catalog, and no other service, what becomes of it: undefined for nothing */
export function glueFaults(faultOf: (request: IncomingMessage) => GlueFault | undefined): GlueFaults {
  const late: (() => Promise<number>)[] = [];
  return {
    intercept: async (service, request, response) => {
      if (service !== 'GLUE' || request.headers[AGAIN] !== undefined) return false;
      const fault = faultOf(request);
      if (fault === 'throttled') {
        response.setHeader('x-amzn-errortype', 'ThrottlingException');
        return answered(request, response, 400, { message: 'Rate exceeded' });
      }
      if (fault === 'failed-before') return answered(request, response, 500, FAILED);
      if (fault === 'failed-after') failAfter(response);
      if (fault === 'lost') loseAnswer(response);
      if (fault !== 'late') return false;
      const body = await bodyOf(request);
      late.push(() => sendAgain(request, body));
      response.destroy();
      return true;
    },
    doLate: async () => {
      const statuses: number[] = [];
      for (const step of late.splice(0)) statuses.push(await step());
      return statuses;
    },
  };
}

/** True for the request of a commit to a table. */
export function isCommit({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && /\/tables\/[^/]+$/.test(url);
}

const FAILED = { error: { message: 'Internal failure', type: 'InternalServerError', code: 500 } };

async function answered(request: IncomingMessage, response: ServerResponse, status: number, body: object) {
  await bodyOf(request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
}

function failAfter(response: ServerResponse): void {
  const { writeHead, end } = response;
  response.writeHead = (() => response) as typeof writeHead;
  response.end = (() => {
    Object.assign(response, { writeHead, end });
    return response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(FAILED));
  }) as typeof end;
}

function sendAgain({ headers, method, url = '/' }: IncomingMessage, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    send(`http://${headers.host}${url}`, { method, headers: { ...headers, [AGAIN]: 'yes' } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end(body);
  });
}
