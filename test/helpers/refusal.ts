/** Configurations that `readConfig` refuses. */
import { type Context, readConfig } from '../../lib/config/config.ts';
import { ConfigError } from '../../lib/config/config-error.ts';

/** What is said of a configuration that must be refused. */
export function refusal(context: Context): string {
  try {
    readConfig(context);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`expected a refusal of ${JSON.stringify(context)}`);
}

/** A configuration with one source, of ALB logs but for what is given. */
export function source(rest: Context): Context {
  return { sources: [{ name: 'web', format: 'alb', ...rest }] };
}
