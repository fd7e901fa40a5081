import { cdkJsonContext } from '../../lib/config/cdk-json.ts';
import { type Config, type Context, DEMO_SOURCES, readConfig } from '../../lib/config/config.ts';
import type { Source } from '../../lib/config/sources.ts';
import { UsageError } from '../output/command-error.ts';

/** The context of a local lake: the given one, with the demo's sources if no sources are configured. */
export function localContext(given: Context): Context {
  return 'sources' in given || 'sources' in cdkJsonContext() ? given : { ...given, sources: DEMO_SOURCES };
}

/** The context of the demo: its own sources, whatever cdk.json has, because the sample traffic is theirs. */
export function demoContext(given: Context): Context {
  return 'sources' in given ? given : { ...given, sources: DEMO_SOURCES };
}

/**
 * Checks that a context is valid and has the source, before anything is synthesized.
 *
 * @throws ConfigError if a param is not valid; UsageError with the names of all sources, or if the source is retired
 */
export function checkSource(name: string, context: Context): void {
  const { sources } = readConfig(cdkJsonContext(context));
  const chosen = sources.find((source) => source.name === name);
  if (chosen?.retired) throw new UsageError(`the source ${name} is retired: nothing new is loaded into it`);
  if (chosen) return;
  const names = sources.map((source) => source.name).join(', ');
  throw new UsageError(`no source ${name}: give one of ${names} with --source, or configure it in cdk.json`);
}

/** The sources that a local lake with this context has. @throws ConfigError if a param is not valid */
export function configuredSources(context: Context): readonly Source[] {
  return readConfig(cdkJsonContext(localContext(context))).sources;
}

/** The configuration that `cdk deploy` uses with this context. @throws ConfigError if a param is not valid */
export function deployedConfig(context: Context): Config {
  return readConfig(cdkJsonContext(context));
}
