/** Which source an object or a log group belongs to. */
import { FORMATS } from './formats.ts';
import type { Source } from './load.ts';
import type { CreatedObject } from './notification.ts';
import { SettingsError, type SourceSettings } from './settings.ts';

/** Why an object is left alone though its notification came. */
export type SkipReason = 'no_source' | 'not_a_log' | 'folder';

/**
 * Applies each source's options to its format.
 *
 * @throws SettingsError for an unknown format; OptionError as the format does. Synth has checked both.
 */
export function compiledSources(settings: readonly SourceSettings[]): Source[] {
  return settings.map((source) => {
    const format = FORMATS.get(source.format);
    if (!format)
      throw new SettingsError(
        `source ${source.name}: expected a format of ${[...FORMATS.keys()].join(', ')}, got ${source.format}`,
      );
    const { accepts } = format;
    return { settings: source, format: format.compile(source.options ?? {}), ...(accepts ? { accepts } : {}) };
  });
}

/** The source whose bucket, prefix and suffix the object has, or why it is none of a source's logs. */
export function sourceOfObject(sources: readonly Source[], { bucket, key }: CreatedObject): Source | SkipReason {
  const source = sources.find(
    ({ settings }) =>
      settings.bucket === bucket && key.startsWith(settings.prefix ?? '') && key.endsWith(settings.suffix ?? ''),
  );
  if (!source) return 'no_source';
  if (key.endsWith('/')) return 'folder';
  return source.accepts?.(key.slice(key.lastIndexOf('/') + 1)) === false ? 'not_a_log' : source;
}

export function sourceOfLogGroup(sources: readonly Source[], logGroup: string): Source | undefined {
  return sources.find(({ settings }) => settings.logGroups?.includes(logGroup));
}
