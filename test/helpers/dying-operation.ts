/** Operations whose process dies at a request. */
import type { LakeHandle } from '../../bin/operations/lake-handle.ts';

export type Step = (args: unknown) => Promise<unknown>;

/** What all clients have in common. */
interface Middlewares {
  add(middleware: (next: Step) => Step, options: { readonly step: 'initialize'; readonly name: string }): void;
  remove(name: string): boolean;
}

export function middlewaresOf(lake: LakeHandle): Middlewares[] {
  return [lake.s3, lake.dynamodb, lake.firehose, lake.sqs].map(
    ({ middlewareStack }) => middlewareStack as unknown as Middlewares,
  );
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
  let over = false;
  const stacks = middlewaresOf(lake);
  const mortal = (next: Step) => async (args: unknown) => {
    requests++;
    if (requests > at || (requests === at && when === 'before')) throw new Died();
    const answer = await next(args);
    if (requests === at) throw new Died();
    return answer;
  };
  const { catalog } = lake;
  const mortalCatalog = catalog && {
    load: (table: string) => mortal(() => catalog.load(table))(table) as ReturnType<typeof catalog.load>,
    create: (...args: Parameters<typeof catalog.create>) =>
      mortal(() => catalog.create(...args))(args) as ReturnType<typeof catalog.create>,
    commit: (...args: Parameters<typeof catalog.commit>) =>
      mortal(() => catalog.commit(...args))(args) as ReturnType<typeof catalog.commit>,
  };
  for (const stack of stacks) stack.add(mortal, { step: 'initialize', name: 'mortal' });
  try {
    await doIt({ ...lake, catalog: mortalCatalog });
    over = true;
  } catch (error) {
    if (!(error instanceof Died)) throw error;
  } finally {
    for (const stack of stacks) stack.remove('mortal');
  }
  return over;
}
