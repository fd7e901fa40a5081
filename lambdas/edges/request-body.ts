/** Request bodies that are built here, once. The SDK's clients copy each body several times. */

interface BuildArgs<Input> {
  readonly input: Input;
  readonly request: unknown;
}

type Build<Input, Output> = (args: BuildArgs<Input>) => Promise<Output>;

/**
 * Middleware that sets the body of a request. In the step `build` it runs after the client has serialized the input,
 * and before the client signs the request and sends it, possibly several times.
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
 * Memory of request bodies that were sent, for new ones; `recycle` in core/loading/pack.ts says why. At most as many as
 * were in flight at once.
 */
const spare = new Set<ArrayBufferLike>();

/** Added to each body's memory: bodies of full batches differ little in size, so that one then fits the next. */
const SPARE_BYTES = 16 * 1024;

/** Memory of at least `size` bytes. */
export function bodyMemory(size: number): Buffer {
  // The last one returned is used first, so that no more of them are touched than are needed at once.
  for (const memory of [...spare].reverse()) {
    spare.delete(memory);
    if (memory.byteLength >= size) return Buffer.from(memory);
  }
  return Buffer.allocUnsafeSlow(size + SPARE_BYTES);
}

/**
 * Gives the memory of a body back. Call it only after the service has read the whole body: until then, the connection
 * may still use the memory.
 */
export function bodySent({ buffer }: Buffer): void {
  spare.add(buffer);
}
