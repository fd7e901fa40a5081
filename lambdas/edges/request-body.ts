/** Bodies of requests that are made here, once: the clients' own way makes each several times over. */

interface BuildArgs<Input> {
  readonly input: Input;
  readonly request: unknown;
}

type Build<Input, Output> = (args: BuildArgs<Input>) => Promise<Output>;

/**
 * Middleware that gives a request its body. In the step `build` it comes after the client has serialized the input, and
 * before it signs the request and tries it, as often as it may.
 * https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/middleware-stack.html
 */
export function withBody<Input>(bodyOf: (input: Input) => Uint8Array) {
  return <Output>(next: Build<Input, Output>): Build<Input, Output> =>
    (args) => {
      const request = args.request as { body: unknown; readonly headers: Record<string, string> };
      const body = bodyOf(args.input);
      request.body = body;
      request.headers['content-length'] = String(body.length);
      return next(args);
    };
}

export const WITH_BODY = { step: 'build', priority: 'high', name: 'tributaryBody' } as const;

/**
 * Memory of request bodies that were sent, for those to come: see `recycle` in core/loading/pack.ts. As many as are under
 * way at once.
 */
const spare = new Set<ArrayBufferLike>();

/** Bodies of full batches are all but alike: a little more makes one fit the next. */
const SPARE_BYTES = 16 * 1024;

/** Memory of `size` bytes at least. */
export function bodyMemory(size: number): Buffer {
  // The last to come is used first, so that no more of them are ever touched than are needed at once.
  for (const memory of [...spare].reverse()) {
    spare.delete(memory);
    if (memory.byteLength >= size) return Buffer.from(memory);
  }
  return Buffer.allocUnsafeSlow(size + SPARE_BYTES);
}

/** Gives the memory of a body back. Only after the service has read all of it: until then the connection may not be through with it. */
export function bodySent({ buffer }: Buffer): void {
  spare.add(buffer);
}
