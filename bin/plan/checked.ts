import type { z } from 'zod';
import { ConfigError, shown } from '../../lib/config/config-error.ts';
import { jsonProblem } from '../../lib/config/json-problem.ts';
import { CommandError } from '../output/command-error.ts';

/**
 * Parses JSON and checks it against a schema.
 *
 * @param what names the file in the error message
 * @throws CommandError with the key, its value and what is allowed
 */
export function readChecked<Schema extends z.ZodType>(schema: Schema, json: string, what: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CommandError(`${what}: not JSON: ${jsonProblem(json)}; got ${shown(json)}`);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const path = issue?.path ?? [];
  if (issue?.code === 'unrecognized_keys') {
    throw new CommandError(`${what}: ${[...path, issue.keys[0]].join('.')}: ${issue.message}`);
  }
  const got = path.reduce<unknown>((at, key) => Object(at)[key], value);
  throw new CommandError(
    `${what}: ${ConfigError.notAllowed(path.join('.') || 'file', got, issue?.message ?? '').message}`,
  );
}
