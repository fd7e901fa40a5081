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
 * @throws ConfigError if one of the files is no JSON object, or cdk.json is missing
 */
export function cdkJsonContext(file = CDK_JSON): Context {
  const context = contextIn(file);
  const schema = readSchemaJson(schemaJsonOf(file));
  return 'sources' in context ? { ...context, sources: withPromotedColumns(context.sources, schema) } : context;
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
