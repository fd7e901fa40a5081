/** The values by which sources divide their rows: more than the environment of a function takes. */
import { readFileSync } from 'node:fs';
import { FAN_OUT_FILE, type FanOutValues, SettingsError, type SourceSettings } from '../core/settings.ts';
import { FanOutTables } from '../core/tables/fan-out.ts';

/**
 * Adds to each source how its rows are divided.
 *
 * @param folder URL of the folder with the function's code, where the stack has put the values
 * @throws SettingsError if a source has no values there
 */
export function withFanOut<Source extends { readonly settings: Pick<SourceSettings, 'name' | 'fanOut'> }>(
  sources: readonly Source[],
  folder: string,
): (Source & { readonly fanOut?: FanOutTables })[] {
  if (sources.every(({ settings }) => !settings.fanOut)) return [...sources];
  const file = new URL(FAN_OUT_FILE, folder);
  const values = JSON.parse(readFileSync(file, 'utf8')) as FanOutValues;
  return sources.map((source) => {
    const { name, fanOut } = source.settings;
    if (!fanOut) return source;
    const allow = values[name];
    if (!allow) throw new SettingsError(`source ${name}: expected its values in ${FAN_OUT_FILE}, got none`);
    return { ...source, fanOut: new FanOutTables(name, { ...fanOut, allow }) };
  });
}
