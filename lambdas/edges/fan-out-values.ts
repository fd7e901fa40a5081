/** The values by which sources divide their rows: more than the environment of a function takes. */
import { readFileSync } from 'node:fs';
import { FAN_OUT_FILE, type FanOutValues, SettingsError, type SourceSettings } from '../core/settings.ts';
import { FanOutTables } from '../core/tables/fan-out.ts';

type Divided = Pick<SourceSettings, 'name' | 'fanOut'>;

/**
 * Adds to each source how its rows are divided.
 *
 * @param file URL of a file of the function, beside which the stack has put the values
 * @throws SettingsError if a source has no values there
 */
export function withFanOut<Source extends { readonly settings: Divided }>(
  sources: readonly Source[],
  file: string,
): (Source & { readonly fanOut?: FanOutTables })[] {
  if (sources.every(({ settings }) => !settings.fanOut)) return [...sources];
  const values = fanOutValues(readFileSync(new URL(FAN_OUT_FILE, file)));
  return sources.map((source) => {
    const fanOut = fanOutTables(source.settings, values);
    return fanOut ? { ...source, fanOut } : source;
  });
}

/** @param json the contents of `FAN_OUT_FILE` */
export function fanOutValues(json: Uint8Array): FanOutValues {
  return JSON.parse(new TextDecoder().decode(json)) as FanOutValues;
}

/**
 * How the rows of a source are divided; undefined if they are not.
 *
 * @throws SettingsError if they are, and the source has no values
 */
export function fanOutTables({ name, fanOut }: Divided, values: FanOutValues): FanOutTables | undefined {
  if (!fanOut) return undefined;
  const allow = values[name];
  if (!allow) throw new SettingsError(`source ${name}: expected its values in ${FAN_OUT_FILE}, got none`);
  return new FanOutTables(name, { ...fanOut, allow });
}
