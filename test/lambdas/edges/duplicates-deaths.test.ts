import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CheckResult, track } from '../../../lambdas/core/duplicates/track.ts';
import { Random } from '../../../local/sample/random.ts';
import {
  countAll,
  type Delivery,
  deliver,
  inputOf,
  lineOf,
  newSource,
  portsOf,
  store,
  type Totals,
  totals,
} from './duplicates-inputs.ts';

/** A message as a queue has it. */
interface Message extends Delivery {
  readonly size: number;
  /** No invocation that reads it survives. */
  readonly deadly: boolean;
  receives: number;
}

/** As lib/object-notifications.ts has it. */
const MOST_RECEIVES = 5;

/** Receives batches of messages until none is left; what was received too often. Each batch may have others than before. */
async function deadLettersOf(messages: readonly Message[], random: Random): Promise<Message[]> {
  const dead: Message[] = [];
  let queue = [...messages];
  while (queue.length > 0) {
    dead.push(...queue.filter(({ receives }) => receives === MOST_RECEIVES));
    queue = queue.filter(({ receives }) => receives < MOST_RECEIVES).sort(() => random.fraction() - 0.5);
    const batch = queue.slice(0, 10);
    const death = Promise.withResolvers<undefined>();
    const inputs = batch.map((message) => {
      message.receives++;
      const input = { ...inputOf({ ...message, retried: message.receives > 1 }), size: message.size };
      if (!message.deadly) return input;
      const read = () => {
        death.resolve(undefined);
        return new Promise<never>(() => {});
      };
      return { ...input, read };
    });
    const settled = async ({ input }: CheckResult) => {
      queue = queue.filter(({ key }) => key !== input.holder);
    };
    await Promise.race([track(inputs, portsOf({ settled })), death.promise]);
  }
  return dead;
}

describe('an object that no invocation survives', () => {
  test.each([
    [1, 10],
    [3, 10],
    [3, 25],
  ])('takes no other to the dead letters: %d of them in a batch or two of %d', async (deadly, all) => {
    const random = new Random(`${deadly} of ${all}`);
    for (let round = 0; round < 10; round++) {
      const source = newSource();
      const messages = Array.from({ length: all }, (_, index) => ({
        source,
        key: `k${index}`,
        lines: [lineOf(1, index)],
        size: random.int(0, 1000),
        deadly: index < deadly,
        receives: 0,
      }));
      const dead = await deadLettersOf(messages, random);
      expect(dead.map(({ key }) => key).sort()).toEqual(messages.slice(0, deadly).map(({ key }) => key));
      await countAll();
      expect(await totals(source)).toMatchObject({ checked: all - deadly });
    }
  });

  test('is read to its end where time is left, and comes back where none is, without its records', async () => {
    const source = newSource();
    let chunks = 0;
    const long = inputOf({ source, key: 'long', lines: [lineOf(1, 1)] });
    const endless: typeof long = {
      ...long,
      size: Number.MAX_SAFE_INTEGER,
      read: async (_, pause) => {
        for (;;) {
          chunks++;
          await pause();
        }
      },
    };
    const short = inputOf({ source, key: 'short', lines: [lineOf(1, 2)] });
    const tracked = await track([endless, short], portsOf({ outOfTime: () => chunks > 5 }));
    expect(tracked.map(({ input, outcome }) => [input.label, outcome])).toEqual([
      ['s3://logs/long', 'failed'],
      ['s3://logs/short', 'checked'],
    ]);
    await countAll();
    expect(await totals(source)).toMatchObject({ checked: 1 });
  });
});

/** What an account of every record would find: the counts of one source, a minute at a time. */
function oracle(objects: readonly (readonly Entry[])[]): Totals {
  const own = objects.map((entries) => entries.map(({ minute, id }) => `${minute} ${id}`));
  const checked = own.flat().length;
  const distinct = own.map((entries) => new Set(entries));
  const within = checked - distinct.reduce((total, { size }) => total + size, 0);
  return { checked, withinObject: within, acrossObjects: checked - within - new Set(own.flat()).size };
}

interface Entry {
  readonly minute: number;
  readonly id: number;
}

/**
 * A store whose calls take their time, each another, so that others come between; and whose process
 * dies with one of them, before or after it has had its effect: then `died` rejects, and no call is answered.
 */
function mortal<Store extends object>(whole: Store, seed: number, calls: number, after: boolean) {
  const random = new Random(String(seed));
  let left = calls;
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {});
  const store = new Proxy(whole, {
    get: (target, name, receiver) => {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        if (left < 0) return new Promise(() => {});
        await sleep(random.int(0, 6));
        if (left-- > 0) return await method.apply(target, args).finally(() => sleep(random.int(0, 6)));
        if (after) await method.apply(target, args);
        death.reject(new Error('killed'));
        return new Promise(() => {});
      };
    },
  });
  return { store, died: death.promise };
}

describe('the count', () => {
  test('is that of an account of every record, whatever the order, retries, deaths and interleavings', async () => {
    const entry = fc.record({ minute: fc.integer({ min: 0, max: 3 }), id: fc.integer({ min: 0, max: 25 }) });
    const objects = fc.array(fc.array(entry, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 });
    const death = fc.record({ calls: fc.integer({ min: 0, max: 12 }), after: fc.boolean() });
    /** Some of the objects in one batch, or a count; and perhaps where its process dies. */
    const step = fc.record({
      batch: fc.option(
        fc.array(fc.record({ object: fc.nat(5), retried: fc.boolean() }), { minLength: 1, maxLength: 3 }),
      ),
      death: fc.option(death),
      message: fc.nat(2),
      pace: fc.nat(),
    });
    const run = fc.tuple(objects, fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(run, async ([entries, rounds]) => {
        const source = newSource();
        const deliveryOf = (index: number, message: number): Delivery => {
          const lines = entries[index]?.map(({ minute, id }) => lineOf(minute, id)) ?? [];
          return { source, key: `k${index}`, lines, holder: `${index} ${message}` };
        };
        const checked = new Set<number>();
        for (const round of rounds) {
          await Promise.allSettled(
            round.map(async ({ batch, death: dies, message, pace }) => {
              const own = mortal(store, pace, dies?.calls ?? Number.POSITIVE_INFINITY, dies?.after ?? false);
              if (batch === null) return void (await Promise.race([countAll(own.store), own.died]));
              const inputs = batch.map(({ object, retried }) => {
                const index = object % entries.length;
                return { index, input: inputOf({ ...deliveryOf(index, message), retried }) };
              });
              const tracking = track(
                inputs.map(({ input }) => input),
                portsOf({ store: own.store }),
              );
              const tracked = await Promise.race([tracking, own.died]);
              for (const { input, outcome } of tracked) {
                if (outcome !== 'failed') checked.add(inputs.find((each) => each.input === input)?.index ?? -1);
              }
            }),
          );
        }
        // What died returns; what was checked does not, so nothing of it may be amiss.
        for (const index of entries.keys()) if (!checked.has(index)) await deliver(deliveryOf(index, 0));
        await countAll();
        expect(await totals(source)).toEqual(oracle(entries));
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
