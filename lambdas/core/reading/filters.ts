/** Filters that gateway formats apply unless a source switches them off. */
import { type FormatOptions, OptionError } from './format.ts';
import type { GatewayFilters } from './layout.ts';

/** A gateway format's filters: what each leaves out. Lines left out are counted by the filter's name. */
export const FILTERS = {
  not_stdout: 'Lines whose container envelope names a stream other than stdout.',
  no_http: 'Lines without HTTP/: error-log lines, and handshakes that never became a request.',
  no_client_address: 'Lines without the address of a client, IPv4 or IPv6.',
  local_client: 'Requests from 127.0.0.1 or ::1: health checks of the machine itself.',
} as const;

export type FilterName = keyof typeof FILTERS;

/** The source option that switches filters: `{ "local_client": false }`. */
export const FILTERS_OPTION = 'filters';

/**
 * The filters of `available` that the options leave on.
 *
 * @throws OptionError for an unknown filter or a setting that is not true or false.
 */
export function activeFilters(options: FormatOptions, available: readonly FilterName[]): ReadonlySet<FilterName> {
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

/** Those a layout tells, by its names. */
export function gatewayFilters(filters: ReadonlySet<FilterName>): GatewayFilters {
  return {
    notStdout: filters.has('not_stdout'),
    noClient: filters.has('no_client_address'),
    localClient: filters.has('local_client'),
  };
}
