/**
 * Counts the steps that code takes, which are the same in each run on each machine, unlike its time: how often V8 ran
 * each block of it, and the characters that it had built-in functions look at. What WebAssembly does is not counted, and
 * a regular expression counts as linear: test/regular-expressions.test.ts sees to that.
 */
import { Session } from 'node:inspector';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Counts from here on. Made once, because starting to count makes V8 compile all code again. */
export class StepCounter {
  readonly #session = new Session();
  readonly #restore: () => void;

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.#restore = countCharacters();
  }

  /** Steps of the repository's own code in one call of `run`. */
  of(run: () => unknown): number {
    this.#blocks();
    characters = 0;
    run();
    const seen = characters;
    return seen + this.#blocks();
  }

  close(): void {
    this.#restore();
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** How often blocks ran since the last call. */
  #blocks(): number {
    let count = 0;
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      for (const { url, functions } of result) {
        if (!url.includes(REPOSITORY) || url.includes('node_modules') || url.includes(import.meta.filename)) continue;
        for (const { ranges } of functions) for (const range of ranges) count += range.count;
      }
    });
    return count;
  }
}

let characters = 0;

/** A built-in function, and how many characters a call of it looks at. */
interface BuiltIn {
  readonly owner: object;
  readonly name: string;
  readonly cost: (self: unknown, args: readonly unknown[], result: unknown, before: number) => number;
}

type Sized = { readonly length: number };
const whole = (self: unknown) => (self as Sized).length;
const given = (_: unknown, [first]: readonly unknown[]) => (typeof first === 'string' ? first.length : 1);
const upTo = (self: unknown, [, from]: readonly unknown[], result: unknown) =>
  Math.max(0, (Number(result) < 0 ? whole(self) : Number(result)) - (Number(from) || 0));
const downTo = (self: unknown, [, from]: readonly unknown[], result: unknown) =>
  Math.max(0, Math.min(Number(from ?? Number.POSITIVE_INFINITY), whole(self)) - Math.max(0, Number(result)));
const matched = (self: unknown, [text]: readonly unknown[], _: unknown, before: number) => {
  const { global, sticky, lastIndex } = self as RegExp;
  // `split` asks for a match at each place in turn.
  if (sticky) return Math.max(1, lastIndex - before);
  const from = global ? before : 0;
  return (lastIndex > from ? lastIndex : String(text).length) - from;
};

const each = (owner: object, names: readonly string[], cost: BuiltIn['cost']): BuiltIn[] =>
  names.map((name) => ({ owner, name, cost }));

const BUILT_IN: readonly BuiltIn[] = [
  ...each(
    String.prototype,
    ['trim', 'trimEnd', 'trimStart', 'split', 'replace', 'replaceAll', 'toLowerCase', 'toUpperCase'],
    whole,
  ),
  ...each(String.prototype, ['toWellFormed', 'isWellFormed', 'match', 'matchAll', 'search', 'includes'], whole),
  ...each(String.prototype, ['startsWith', 'endsWith'], given),
  ...each(String.prototype, ['indexOf'], upTo),
  ...each(String.prototype, ['lastIndexOf'], downTo),
  ...each(RegExp.prototype, ['exec', 'test'], matched),
  ...each(JSON, ['parse', 'stringify'], (_, [value], result) => String(result ?? '').length + given(_, [value])),
  ...each(Buffer.prototype, ['indexOf'], upTo),
  ...each(Buffer.prototype, ['lastIndexOf'], downTo),
  ...each(Buffer.prototype, ['toString', 'write'], (_, [value], result) => String(result).length + given(_, [value])),
  ...each(Buffer, ['concat', 'byteLength', 'from'], (_, [value], result) => whole(result) || given(_, [value])),
];

/** Makes built-in functions count what they look at. Returns the function that undoes this. */
function countCharacters(): () => void {
  const undo = BUILT_IN.map(({ owner, name, cost }) => {
    const original = Reflect.get(owner, name) as (...args: readonly unknown[]) => unknown;
    const counting = function (this: unknown, ...args: readonly unknown[]): unknown {
      const before = Number((this as Partial<RegExp> | undefined)?.lastIndex ?? 0);
      const result = Reflect.apply(original, this, args);
      characters += cost(this, args, result, before);
      return result;
    };
    Object.defineProperty(owner, name, { value: counting, configurable: true, writable: true });
    return () => Object.defineProperty(owner, name, { value: original, configurable: true, writable: true });
  });
  return () => {
    for (const restore of undo) restore();
  };
}
