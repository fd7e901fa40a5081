/** Zod schemas whose message states what is allowed. They also accept text from the command line and parse it. */
import { z } from 'zod';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';

/** A number from `min` to `max`, both included. */
export function number(min: number, max: number) {
  const allowed = `a number from ${min} to ${max}`;
  return z.preprocess(fromText, z.number(allowed).min(min, allowed).max(max, allowed));
}

/** A number above 0, up to `max`. */
export function share(max: number) {
  const allowed = `a number above 0, up to ${max}`;
  return z.preprocess(fromText, z.number(allowed).gt(0, allowed).max(max, allowed));
}

/** A whole number from `min` to `max`, both included. */
export function int(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return z.preprocess(fromText, z.int(allowed).min(min, allowed).max(max, allowed));
}

export function boolean() {
  return z.preprocess(fromText, z.boolean('true, false'));
}

/** One of the given words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, words.join(', '));
}

/** Text that matches a pattern. */
export function pattern(shape: RegExp, allowed: string) {
  return z.string(allowed).regex(shape, allowed);
}

/** An object without keys other than the shape's. */
export function object<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? unknownText(String(issue.keys[0]), Object.keys(shape))
        : `an object of ${keys}`,
  });
}

/** What a message says of an unknown name: the one that was meant, if it is like one, and else all that are known. */
export function unknownText(name: string, known: readonly string[]): string {
  return `unknown${didYouMean(name, known) || `, known: ${known.join(', ')}`}`;
}

/** A list of at least one item, or the same as JSON text. */
export function list<Item extends z.ZodType>(item: Item, allowed: string) {
  return z.preprocess(fromText, z.array(item, allowed).min(1, allowed));
}

/** Parses text from `-c name=value` as JSON. Text that is not JSON, and other values, are returned unchanged. */
export function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
