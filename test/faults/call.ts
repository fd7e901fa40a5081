import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Intercept } from '../../local/endpoint.ts';
import { signedHeaders } from '../helpers/client-options.ts';

/** A service's answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Answers a call, lets the service answer, does both or neither; a call it leaves alone goes its way. */
export type Fault = (call: Call) => Promise<unknown> | undefined;

/** Header with the number of the last fault that a request has met. */
const PASSED = 'x-passed';

/**
 * Faults for every request to the local services. Each sees what those before it leave alone or forward: the last is the
 * nearest to the service.
 */
export function intercepting(...faults: readonly Fault[]): Intercept {
  return async (service, request, response) => {
    for (let index = Number(request.headers[PASSED] ?? -1) + 1; index < faults.length; index++) {
      const call = new Call(service, request, response, index);
      await faults[index]?.(call);
      if (!call.touched) continue;
      if (!call.answered) call.answer(await call.forward());
      return true;
    }
    return false;
  };
}

/** One request to a local service, between its sender and the service. */
export class Call {
  /** S3, SQS, FIREHOSE or DYNAMODB. */
  readonly service: string;
  /** PutRecordBatch, UpdateItem, SendMessage …; the HTTP method for S3. */
  readonly operation: string;
  /** Has the sender got its answer, or lost its connection? */
  answered = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #fault: number;
  /** Of the service; once the connection is cut, it is not known any more. */
  readonly #port: number | undefined;
  #body: Promise<Buffer> | undefined;

  /** @param fault number of the fault whose call it is */
  constructor(service: string, request: IncomingMessage, response: ServerResponse, fault: number) {
    this.service = service;
    this.#request = request;
    this.#port = request.socket.localPort;
    this.#fault = fault;
    this.#response = response;
    this.operation = String(request.headers['x-amz-target'] ?? request.method).replace(/^.*\./, '');
  }

  /** Path and query. */
  get url(): string {
    return this.#request.url ?? '';
  }

  get touched(): boolean {
    return this.answered || this.#body !== undefined;
  }

  body(): Promise<Buffer> {
    this.#body ??= buffer(this.#request);
    return this.#body;
  }

  /** The body of a service that speaks JSON. */
  async json(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.body()).toString());
  }

  /** Headers by which the service, or another one of its kind at a URL, takes a body of JSON. */
  async signedFor(url: string, body: string, operation = this.operation): Promise<Record<string, string>> {
    const target = String(this.#request.headers['x-amz-target']).replace(/[^.]*$/, operation);
    const headers = { 'content-type': String(this.#request.headers['content-type']), 'x-amz-target': target };
    return signedHeaders(this.service.toLowerCase(), url, { method: 'POST', headers, body });
  }

  /**
   * Has the service do what was asked, or something else, and gives back what it answered.
   *
   * @param operation another one of the same service
   */
  async forward(changed?: Record<string, unknown>, operation = this.operation): Promise<Answer> {
    const body = changed ? Buffer.from(JSON.stringify(changed)) : await this.body();
    const { 'content-length': _length, 'transfer-encoding': _encoding, ...came } = this.#request.headers;
    const url = `http://127.0.0.1:${this.#port}`;
    const headers = changed ? await this.signedFor(url, body.toString(), operation) : came;
    return new Promise((resolve, reject) => {
      const sent = send(
        {
          host: '127.0.0.1',
          port: this.#port,
          method: this.#request.method,
          path: this.url,
          headers: { ...headers, 'content-length': body.length, [PASSED]: String(this.#fault) },
        },
        (response) => {
          const { statusCode: status = 0, headers: answered } = response;
          buffer(response).then((whole) => resolve({ status, headers: answered, body: whole }), reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  answer({ status, headers, body }: Answer): void {
    this.answered = true;
    this.#response.writeHead(status, headers).end(body);
  }

  /** Answers with an error in the form of the services that speak JSON, and of S3. */
  refuse(status: number, code: string): void {
    const xml = this.service === 'S3';
    const body = xml
      ? `<Error><Code>${code}</Code><Message>${code}</Message></Error>`
      : JSON.stringify({ __type: code });
    const headers = {
      'content-type': xml ? 'application/xml' : 'application/x-amz-json-1.0',
      'x-amzn-errortype': code,
    };
    this.answer({ status, headers, body: Buffer.from(body) });
  }

  /** Ends the connection without an answer. */
  cut(): void {
    this.answered = true;
    this.#request.socket.destroy();
  }

  /** Starts to answer, in parts; `pause` is waited for after each. Undone parts are cut off when it throws. */
  async answerSlowly({ status, headers, body }: Answer, parts: number, pause: (part: number) => Promise<void>) {
    this.answered = true;
    this.#response.writeHead(status, headers);
    const size = Math.ceil(body.length / parts);
    for (let part = 0; part < parts; part++) {
      this.#response.write(body.subarray(part * size, (part + 1) * size));
      await pause(part);
      if (this.#response.destroyed) return;
    }
    this.#response.end();
  }
}
