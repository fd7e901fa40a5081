/** Operations whose process dies at a request, or sleeps there while something else happens. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LakeHandle } from '../../bin/operations/lake-handle.ts';

type Step = (args: unknown) => Promise<unknown>;

/** What all clients have in common. */
interface Middlewares {
  add(middleware: (next: Step) => Step, options: { readonly step: 'initialize'; readonly name: string }): void;
  remove(name: string): boolean;
}

let arounds = 0;

/** Has something done around each request of an operation. @param doIt gets the lake as the operation sees it */
async function around(
  lake: LakeHandle,
  request: (next: Step) => Step,
  doIt: (of: LakeHandle) => Promise<unknown>,
): Promise<void> {
  const stacks = [lake.s3, lake.dynamodb, lake.firehose, lake.sqs].map(
    ({ middlewareStack }) => middlewareStack as unknown as Middlewares,
  );
  const { catalog } = lake;
  const watched = catalog && {
    load: (table: string) => request(() => catalog.load(table))(table) as ReturnType<typeof catalog.load>,
    create: (...args: Parameters<typeof catalog.create>) =>
      request(() => catalog.create(...args))(args) as ReturnType<typeof catalog.create>,
    commit: (...args: Parameters<typeof catalog.commit>) =>
      request(() => catalog.commit(...args))(args) as ReturnType<typeof catalog.commit>,
  };
  // One operation may run within another.
  const name = `around ${arounds++}`;
  for (const stack of stacks) stack.add(request, { step: 'initialize', name });
  try {
    await doIt({ ...lake, catalog: watched });
  } finally {
    for (const stack of stacks) stack.remove(name);
  }
}

/** The process of an operation dies before a request or after it: nothing that it asks of a service happens any more. */
class Died extends Error {}

export interface Death {
  /** The number of the request, from 1. */
  readonly at: number;
  /** Whether that request still has its effect. */
  readonly when: 'before' | 'after';
}

/**
 * @param doIt gets the lake as the process sees it
 * @returns true if the process had ended before
 */
export async function dies(
  lake: LakeHandle,
  { at, when }: Death,
  doIt: (of: LakeHandle) => Promise<unknown>,
): Promise<boolean> {
  let requests = 0;
  const mortal = (next: Step) => async (args: unknown) => {
    requests++;
    if (requests > at || (requests === at && when === 'before')) throw new Died();
    const answer = await next(args);
    if (requests === at) throw new Died();
    return answer;
  };
  try {
    await around(lake, mortal, doIt);
    return true;
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    return false;
  }
}

/**
 * Stops an operation at a request, does something else at that moment, and lets it go on: a process that was asleep.
 *
 * @param at the number of the request, from 1
 * @param doIt gets the lake as the process sees it
 * @returns whether the operation came to that request, and its error, if it ended with one
 */
export async function sleeps(
  lake: LakeHandle,
  at: number,
  doIt: (of: LakeHandle) => Promise<unknown>,
  meanwhile: () => Promise<unknown>,
): Promise<{ readonly slept: boolean; readonly error: unknown }> {
  const sleeper = new AsyncLocalStorage<true>();
  let requests = 0;
  const sleepy = (next: Step) => async (args: unknown) => {
    if (sleeper.getStore() && ++requests === at) await sleeper.exit(meanwhile);
    return next(args);
  };
  const error = await around(lake, sleepy, (of) => sleeper.run(true, () => doIt(of))).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { slept: requests >= at, error };
}
