import type { z } from 'zod';
import { ConfigError, shown } from '../../lib/config-error.ts';
import { CommandError } from '../command-error.ts';

/**
 * Reads JSON of a given form.
 *
 * @param what the file, for the error
 * @throws CommandError naming the key, what came and what is allowed.
 */
export function readChecked<Schema extends z.ZodType>(schema: Schema, json: string, what: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CommandError(`${what}: expected JSON, got ${shown(json)}`);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const key = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : (issue?.path ?? []);
  const got = key.reduce<unknown>(
    (at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name as string],
    value,
  );
  const allowed = issue?.code === 'unrecognized_keys' ? 'no such key' : (issue?.message ?? 'something else');
  throw new CommandError(`${what}: ${ConfigError.notAllowed(key.join('.') || 'file', got, allowed).message}`);
}
