/** Measures work by its CPU time, in comparison with other work in the same process at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Times of one run, in milliseconds. */
export interface Taken {
  /** CPU time of all threads of this process, user and system. */
  readonly cpu: number;
  readonly wall: number;
}

/** Garbage collection continues in other threads this long, and their CPU time would count as the work's. */
const SWEEPING_MS = 15;

/** Runs work once. Garbage is collected first, so that the work does not pay for the garbage of earlier work. */
export async function taken(work: () => unknown): Promise<Taken> {
  collectGarbage();
  await sleep(SWEEPING_MS);
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, wall: performance.now() - start };
}

/** Times of several candidates that ran in turns. */
export class Interleaved<Name extends string> {
  readonly #runs: ReadonlyMap<Name, readonly Taken[]>;

  constructor(runs: ReadonlyMap<Name, readonly Taken[]>) {
    this.#runs = runs;
  }

  /** Median CPU time of a candidate, in milliseconds. */
  cpu(name: Name): number {
    return median(this.#of(name).map(({ cpu }) => cpu));
  }

  wall(name: Name): number {
    return median(this.#of(name).map(({ wall }) => wall));
  }

  /** CPU time of `name` ÷ CPU time of `over`: the median of the rounds' ratios, because a machine's speed varies. */
  ratio(name: Name, over: Name): number {
    const others = this.#of(over);
    return median(this.#of(name).map(({ cpu }, round) => cpu / (others[round] as Taken).cpu));
  }

  #of(name: Name): readonly Taken[] {
    return this.#runs.get(name) as readonly Taken[];
  }
}

/** Runs the candidates in turns, A B A B …, so that other load on the machine affects all of them equally. */
export async function interleave<Name extends string>(
  candidates: Readonly<Record<Name, () => unknown>>,
  { warmups, rounds }: { readonly warmups: number; readonly rounds: number },
): Promise<Interleaved<Name>> {
  const runs = new Map<Name, Taken[]>();
  for (let round = -warmups; round < rounds; round++) {
    for (const [name, work] of Object.entries(candidates) as [Name, () => unknown][]) {
      const run = await taken(work);
      if (round >= 0) runs.set(name, [...(runs.get(name) ?? []), run]);
    }
  }
  return new Interleaved(runs);
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]] as [number, number];
  return (low + high) / 2;
}
