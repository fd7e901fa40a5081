/** Filters that formats apply unless a source switches a filter off. */
import { type FormatOption, type FormatOptions, OptionError } from './format.ts';
import type { GatewayFilters } from './layout.ts';

/**
 * The filters of gateway formats, each with the lines that it leaves out. These lines are counted by the filter's name.
 */
export const FILTERS = {
  not_stdout: 'Lines whose container envelope names a stream other than stdout.',
  no_http: "The gateway's own lines without HTTP/: of its error log, and of connections that never became a request.",
  no_client_address:
    "Lines whose client, as the server saw it, is empty, - or unix:, and lines of the gateway's error log.",
  local_client: 'Requests that the server saw coming from 127.0.0.1 or ::1: health checks of the machine itself.',
} as const;

export type FilterName = keyof typeof FILTERS;

/** The filter of JSON logs. */
export const JSON_FILTERS = {
  lambda_platform_line:
    "Lines of plain text that Lambda itself writes among a function's: START, END, REPORT, INIT_START and the like.",
} as const;

/** The source option that switches filters on or off, for example `{ "local_client": false }`. */
export const FILTERS_OPTION = 'filters';

/**
 * Describes the option of a format that has the filters `available`.
 *
 * @param others options without which the example is not a source
 */
export function filtersOption(available: readonly string[], others: FormatOptions = {}): FormatOption {
  return {
    type: 'object',
    default: 'every filter applies',
    description: `Switches filters off, each by its name: ${available.join(', ')}.`,
    example: { ...others, [FILTERS_OPTION]: { [available.at(-1) ?? '']: false } },
  };
}

/**
 * Returns the filters of `available` that the options do not switch off.
 *
 * @throws OptionError for an unknown filter or a setting that is neither true nor false
 */
export function activeFilters<Name extends string>(
  options: FormatOptions,
  available: readonly Name[],
): ReadonlySet<Name> {
  const given = options[FILTERS_OPTION] ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new OptionError(
      FILTERS_OPTION,
      `filters: expected an object as { "${available[0]}": false }, got ${JSON.stringify(given)}`,
    );
  }
  const active = new Set(available);
  for (const [name, on] of Object.entries(given)) {
    const filter = available.find((known) => known === name);
    if (!filter) {
      throw new OptionError(FILTERS_OPTION, `filters: expected a filter of ${available.join(', ')}, got ${name}`);
    }
    if (typeof on !== 'boolean') {
      throw new OptionError(FILTERS_OPTION, `filters.${name}: expected true or false, got ${JSON.stringify(on)}`);
    }
    if (!on) active.delete(filter);
  }
  return active;
}

/** A line of nginx's error log, and a message that nginx writes before it can log. */
const ERROR_LOG =
  /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d |nginx: )\[(?:debug|info|notice|warn|error|crit|alert|emerg)\] /;

/**
 * The filter that leaves out a line of the gateway's own error log, which containers write to the same stream as the
 * access log: `no_http`, or `no_client_address` if the line quotes a request. Undefined for every other line.
 */
export function errorLogFilter(text: string, active: ReadonlySet<FilterName>): FilterName | undefined {
  if (!ERROR_LOG.test(text)) return undefined;
  const names: readonly FilterName[] = text.includes('HTTP/')
    ? ['no_client_address', 'no_http']
    : ['no_http', 'no_client_address'];
  return names.find((name) => active.has(name));
}

/** The filters that a layout contains, under the names that they have there. */
export function gatewayFilters(filters: ReadonlySet<FilterName>): GatewayFilters {
  return {
    notStdout: filters.has('not_stdout'),
    noClient: filters.has('no_client_address'),
    localClient: filters.has('local_client'),
  };
}
