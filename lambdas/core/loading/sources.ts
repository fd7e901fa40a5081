/** Finds the source that an object or a log group belongs to. */

import { FORMATS } from '../formats/registry.ts';
import { EXPORT_TEST_NAME } from '../reading/export-splitter.ts';
import type { CompiledFormat } from '../reading/format.ts';
import { type InputSettings, isExported, objectsOf, type ReadingSettings, SettingsError } from '../settings.ts';
import type { CreatedObject } from './notification.ts';

/** Why an object is not loaded although its notification was delivered. */
export type SkipReason = 'no_source' | 'not_a_log';

/**
 * Applies each source's options to the source's format.
 *
 * @throws SettingsError for an unknown format; OptionError for an option that the format does not accept. CDK synth
 * checks both, so neither is thrown in a deployed function.
 */
export function compiledSources<Settings extends ReadingSettings>(
  settings: readonly Settings[],
): FoundSource<Settings>[] {
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

/** A source with its options applied to its format. */
export interface FoundSource<Settings extends ReadingSettings> {
  readonly settings: Settings;
  readonly format: CompiledFormat;
  /** True if an object with this base name is a log of the format. */
  readonly accepts?: (baseName: string) => boolean;
}

/** The source that an object belongs to, or why the object is skipped. */
export type ObjectMatch<Settings extends InputSettings> =
  | { readonly outcome: 'found'; readonly source: FoundSource<Settings> }
  | { readonly outcome: 'skipped'; readonly reason: SkipReason };

/** Finds the source whose bucket, prefix and suffix match the object, which has lines or payloads. */
export function sourceOfObject<Settings extends InputSettings>(
  sources: readonly FoundSource<Settings>[],
  { bucket, key }: CreatedObject,
): ObjectMatch<Settings> {
  const source = sources.find(({ settings }) => {
    const objects = objectsOf(settings);
    const { prefix = '', suffix = '' } = objects ?? {};
    return objects?.bucket === bucket && key.startsWith(prefix) && key.endsWith(suffix);
  });
  if (!source) return { outcome: 'skipped', reason: 'no_source' };
  // The names of objects of payloads are Firehose's, whatever the format.
  if (source.settings.lane === 'events') return { outcome: 'found', source };
  const name = key.slice(key.lastIndexOf('/') + 1);
  const isLog = source.accepts?.(name) !== false && !(isExported(source.settings) && name === EXPORT_TEST_NAME);
  return isLog ? { outcome: 'found', source } : { outcome: 'skipped', reason: 'not_a_log' };
}

export function sourceOfLogGroup<Settings extends InputSettings>(
  sources: readonly FoundSource<Settings>[],
  logGroup: string,
): FoundSource<Settings> | undefined {
  return sources.find(({ settings }) => settings.lane === 'events' && settings.logGroups.includes(logGroup));
}
