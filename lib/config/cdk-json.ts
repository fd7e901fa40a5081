import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Context } from './config.ts';
import { ConfigError } from './config-error.ts';
import { jsonProblem } from './json-problem.ts';
import { readSchemaJson, schemaJsonOf, withPromotedColumns } from './schema-json.ts';

/** The file that configures the stack, at the root of the repository. */
export const CDK_JSON = fileURLToPath(new URL('../../cdk.json', import.meta.url));

/**
 * The context in cdk.json, whose sources have the columns of the schema.json beside it: empty if it has none.
 *
 * @param given params that override those of cdk.json: sources get the columns, too
 * @throws ConfigError if one of the files is no JSON object, or cdk.json is missing
 */
export function cdkJsonContext(given: Context = {}, file = CDK_JSON): Context {
  return withSchemaJson({ ...contextIn(file), ...given }, file);
}

/** A context whose sources have the columns of the schema.json beside cdk.json. @throws ConfigError if that is damaged */
export function withSchemaJson(context: Context, file = CDK_JSON): Context {
  if (!('sources' in context)) return context;
  return { ...context, sources: withPromotedColumns(context.sources, readSchemaJson(schemaJsonOf(file))) };
}

/** The context in cdk.json as it stands there. */
export function contextIn(file: string): Context {
  const cdkJson = parsed(readFileSync(file, 'utf8'));
  if (typeof cdkJson !== 'object' || cdkJson === null || Array.isArray(cdkJson)) {
    throw ConfigError.notAllowed('cdk.json', cdkJson, 'an object');
  }
  return 'context' in cdkJson ? { ...Object(cdkJson.context) } : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError('cdk.json', `not JSON: ${jsonProblem(text) ?? String(error)}`);
  }
}
