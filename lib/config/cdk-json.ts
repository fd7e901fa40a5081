import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Context } from './config.ts';
import { ConfigError } from './config-error.ts';
import { jsonProblem } from './json-problem.ts';

/** The file that configures the stack, at the root of the repository. */
export const CDK_JSON = fileURLToPath(new URL('../../cdk.json', import.meta.url));

/**
 * The context in cdk.json: empty if it has none.
 *
 * @throws ConfigError if the file is missing or no JSON object
 */
export function cdkJsonContext(file = CDK_JSON): Context {
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
