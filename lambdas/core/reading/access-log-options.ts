/** The options of formats whose lines are described by an nginx log_format string. */
import { FILTERS_OPTION, type FilterName, filtersOption } from './filters.ts';
import { type FormatOption, type FormatOptions, OptionError, textOption } from './format.ts';
import { ESCAPES, type Escape } from './layout.ts';
import { LOCAL_TIME_ZONE_OPTION, localTimeZoneOption } from './local-time-option.ts';
import { LOG_FORMAT_OPTION } from './log-format.ts';

/** A log_format that many servers have. */
export interface LogFormatPreset {
  readonly logFormat: string;
  /** @default default */
  readonly escape?: Escape;
}

/** The options of a format whose lines are described by a log_format. */
export type LogFormatOptions = Readonly<
  Record<
    'preset' | typeof LOG_FORMAT_OPTION | 'escape' | typeof LOCAL_TIME_ZONE_OPTION | typeof FILTERS_OPTION,
    FormatOption
  >
>;

/** @param presets by name, the default first */
export function logFormatOptions(
  presets: Readonly<Record<string, LogFormatPreset>>,
  filters: readonly FilterName[],
): LogFormatOptions {
  const names = Object.keys(presets);
  return {
    preset: {
      type: 'text',
      values: names,
      default: `${names[0]}, if there is no ${LOG_FORMAT_OPTION}`,
      description: `The name of a log_format that many servers have: ${Object.entries(presets)
        .map(([name, { logFormat, escape: by }]) => `\`${name}\` is \`${logFormat}\`${by ? ` with escape=${by}` : ''}`)
        .join('; ')}.`,
      example: { preset: names.at(-1) },
    },
    [LOG_FORMAT_OPTION]: {
      type: 'text',
      default: 'that of the preset',
      description:
        'The log_format of the server, as its configuration has it within the quotes, in one piece. ' +
        'The table has a column for each of its variables.',
      example: { [LOG_FORMAT_OPTION]: '$remote_addr [$time_local] "$request" $status $request_time' },
    },
    escape: {
      type: 'text',
      values: ESCAPES,
      default: `that of the preset, or ${ESCAPES[0]}`,
      description: 'The `escape=` of the log_format.',
      example: {
        escape: 'json',
        [LOG_FORMAT_OPTION]: '{"time":"$time_iso8601","status":"$status","url":"$request_uri"}',
      },
    },
    [LOCAL_TIME_ZONE_OPTION]: localTimeZoneOption({}),
    [FILTERS_OPTION]: filtersOption(filters),
  };
}

/**
 * The log_format that a source has chosen.
 *
 * @throws OptionError for an option that is not allowed
 */
export function logFormatOf(
  given: FormatOptions,
  options: LogFormatOptions,
  presets: Readonly<Record<string, LogFormatPreset>>,
): Required<LogFormatPreset> {
  const logFormat = textOption(given, LOG_FORMAT_OPTION, options[LOG_FORMAT_OPTION]);
  const preset = textOption(given, 'preset', options.preset);
  if (logFormat !== undefined && preset !== undefined) {
    throw new OptionError('preset', `preset: expected either preset or ${LOG_FORMAT_OPTION}, got both`);
  }
  const chosen = logFormat === undefined ? presets[preset ?? Object.keys(presets)[0] ?? ''] : { logFormat };
  const escaping = textOption(given, 'escape', options.escape) ?? chosen?.escape;
  return { logFormat: chosen?.logFormat ?? '', escape: ESCAPES.find((name) => name === escaping) ?? ESCAPES[0] };
}
