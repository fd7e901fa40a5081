/**
 * Makes the table of an nginx log_format, and writes the values of its variables to the columns. A variable that fills no
 * shared column gets a text column of its own name, so that nothing in a line is dropped.
 */
import { type ColumnSpecs, keyedByName, OWN, PARTITION, sameKey, text } from '../tables/table.ts';
import { OptionError } from './format.ts';
import type { Escape, LayoutField, LayoutOp } from './layout.ts';
import type { LocalZone } from './local-zone.ts';
import { COLUMNS, type ColumnName, entries, FILLED_BY, LISTS, SHARED_COLUMNS } from './log-columns.ts';
import { LOG_FORMAT_OPTION, type LogFormat, unescapeValue } from './log-format.ts';
import {
  clientAddress,
  isMissing,
  NO_PROJECT,
  projectOf,
  requestParts,
  TRACE_PARTS,
  traceId,
  urlParts,
  writeStatus,
  writeUpstreamSeconds,
  writeUpstreamStatus,
} from './log-values.ts';
import type { Row } from './row.ts';
import { readTime } from './time-forms.ts';

/** One variable of a format, for the reader of its lines. */
export interface LogField {
  /** Writes the value, as logged, to the columns that the variable fills. */
  readonly write: (row: Row, value: string) => void;
  /** The name under which `errors` keeps a value that is not written. */
  readonly name: string;
  /** The value contains no space: text after a space does not belong to it. */
  readonly token: boolean;
  /** Describes the variable to the kernel, without the literals around it. */
  readonly layout: LayoutField;
}

/** A format's table and how its variables fill it. */
export interface LogColumns {
  readonly columns: ColumnSpecs;
  /** In the order of the format's variables. */
  readonly fields: readonly LogField[];
  /** Index of the variable that fills a column, or undefined if none does. */
  readonly indexOf: (column: ColumnName) => number | undefined;
}

/**
 * The table of a log_format: the shared columns that it can fill, in their order, then its other variables. log_time
 * and stream are always included, because a container's envelope contains them too.
 *
 * @param without a shared column that the format does not have
 * @throws OptionError naming the column in the log_format of a variable whose name is one of the lake's own columns.
 */
export function logColumns(
  { variables }: LogFormat,
  escaping: Escape,
  zone: LocalZone,
  without?: ColumnName,
): LogColumns {
  const filledBy = new Map<ColumnName, number>();
  const filledWith = variables.map(() => new Set<ColumnName>());
  for (const [column, names] of entries(FILLED_BY)) {
    const candidates = [column, ...names].map((name) => variables.findIndex((variable) => variable.name === name));
    const index = candidates.find((candidate) => candidate >= 0);
    if (index === undefined || column === without) continue;
    filledBy.set(column, index);
    filledWith[index]?.add(column);
  }
  const shared = Object.entries(SHARED_COLUMNS).filter(
    ([name]) => name === 'log_time' || name === 'stream' || filledBy.has(name as ColumnName),
  );
  const others = variables.filter(
    ({ name, repeats }, index) => repeats === undefined && (filledWith[index]?.size === 0 || LISTS.has(name)),
  );
  for (const { name, column } of others) {
    if (!TAKEN.has(name)) continue;
    const problem = `expected another name than $${name}: the lake has a column ${name} of its own`;
    throw new OptionError(LOG_FORMAT_OPTION, `${LOG_FORMAT_OPTION}: column ${column}: ${problem}`);
  }
  const columns = {
    ...Object.fromEntries(shared),
    ...keyedByName(Object.fromEntries(others.map(({ name }) => [name, text(`As logged by $${name}.`)]))),
  };
  const [one, other] = sameKey(columns) ?? [];
  if (one !== undefined) {
    const { column } = others.find(({ name }) => name === other) ?? {};
    const problem = `expected another variable than $${other}, because by chance its JSON key is the one of $${one}`;
    throw new OptionError(
      LOG_FORMAT_OPTION,
      `${LOG_FORMAT_OPTION}: column ${column}: ${problem}: give it another name in nginx with set or map`,
    );
  }
  return {
    columns,
    fields: variables.map(({ name, repeats }, index) =>
      repeats === undefined
        ? logField(name, filledWith[index] ?? new Set(), escaping, zone)
        : repeatedField(name, repeats),
    ),
    indexOf: (column) => filledBy.get(column),
  };
}

const TAKEN: ReadonlySet<string> = new Set([
  ...Object.keys(COLUMNS),
  ...Object.values(OWN).map(({ name }) => name),
  PARTITION.name,
]);

const TOKENS: ReadonlySet<string> = new Set(['client_ip', 'status_code', 'bytes_sent', 'request_id', 'trace_id']);

function logField(variable: string, columns: ReadonlySet<ColumnName>, escaping: Escape, zone: LocalZone): LogField {
  const keepsText = columns.size === 0 || LISTS.has(variable);
  const [column] = columns;
  return {
    write: (row, value) => {
      if (isMissing(value)) {
        if (columns.has('project_name')) row.text('project_name', NO_PROJECT);
        return;
      }
      if (keepsText) row.text(variable, unescapeValue(value, escaping));
      for (const [name, part] of partsOf(variable, value, columns, row)) {
        if (part !== '' && columns.has(name)) WRITE[name](row, unescapeValue(part, escaping), variable, zone);
      }
    },
    name: variable === 'request' ? 'request_url' : (column ?? variable),
    token: [...columns].some((name) => TOKENS.has(name)) || variable === 'request_time' || variable === 'msec',
    layout: layoutOf(variable, columns),
  };
}

/** A variable that the format has logged before: its value is compared with the first one, and written nowhere. */
function repeatedField(variable: string, first: number): LogField {
  return { write: () => {}, name: variable, token: false, layout: { op: 'repeated', columns: [], first } };
}

/** Describes to the kernel how a variable fills its columns. */
function layoutOf(variable: string, columns: ReadonlySet<ColumnName>): LayoutField {
  const filled = (...names: ColumnName[]) => names.map((name) => (columns.has(name) ? name : undefined));
  if (variable === 'request') {
    return { op: 'nginx-request', columns: filled('request_method', 'request_url', 'query_string', 'http_version') };
  }
  if (variable === 'request_uri') return { op: 'url', columns: filled('request_url', 'query_string') };
  if (columns.has('project_name')) return { op: 'host', columns: filled('host_domain', 'project_name') };
  const [column] = columns;
  if (column === undefined) return { op: 'text', columns: [variable] };
  if (LISTS.has(variable)) {
    return { op: variable === 'upstream_status' ? 'status-list' : 'seconds-list', columns: [variable, ...columns] };
  }
  const part = column === 'trace_id' ? TRACE_PARTS[variable] : undefined;
  if (part) return { op: 'part', columns: [column], part };
  return { op: OPS[column] ?? 'text', columns: [column], status: column === 'status_code' };
}

/** The kernel's ops for columns that are not plain text. */
const OPS: Readonly<Partial<Record<ColumnName, LayoutOp>>> = {
  log_time: 'time',
  client_ip: 'client',
  http_version: 'version',
  status_code: 'int',
  bytes_sent: 'bigint',
  response_time: 'double',
};

/** Splits a value into the parts for each column; most variables fill one column with the whole value. */
function partsOf(
  variable: string,
  value: string,
  columns: ReadonlySet<ColumnName>,
  row: Row,
): Iterable<readonly [ColumnName, string]> {
  if (variable === 'request_uri') {
    const [url, query] = urlParts(value);
    return entries({ request_url: url, query_string: query });
  }
  if (variable !== 'request') return [...columns].map((column) => [column, value] as const);
  const parts = requestParts(value);
  if (!parts) {
    row.error('request_url', value, 'not METHOD URL HTTP/version');
    return [];
  }
  const { method, url, query, protocol } = parts;
  return entries({ request_method: method, request_url: url, query_string: query, http_version: protocol });
}

type Write = (row: Row, value: string, variable: string, zone: LocalZone) => void;

const asText =
  (column: ColumnName): Write =>
  (row, value) =>
    row.text(column, value);

const WRITE: Readonly<Record<ColumnName, Write>> = {
  log_time: (row, value, _, zone) => {
    const time = readTime(value, zone);
    if (time) row.timestamp('log_time', time);
    else row.error('log_time', value, 'not a timestamp');
  },
  stream: asText('stream'),
  client_ip: (row, value) => {
    const address = clientAddress(value);
    if (address) row.text('client_ip', address);
    else row.error('client_ip', value, 'not an address');
  },
  remote_user: asText('remote_user'),
  request_method: asText('request_method'),
  request_url: asText('request_url'),
  query_string: asText('query_string'),
  http_version: (row, value) => row.text('http_version', value.startsWith('HTTP/') ? value.slice(5) : value),
  status_code: (row, value) => writeStatus(row, 'status_code', value),
  bytes_sent: (row, value) => row.bigint('bytes_sent', value),
  response_time: (row, value, variable) => {
    if (variable === 'upstream_response_time') writeUpstreamSeconds(row, 'response_time', value);
    else row.double('response_time', value);
  },
  host_domain: asText('host_domain'),
  project_name: (row, value) => row.text('project_name', projectOf(value)),
  referer: asText('referer'),
  user_agent: asText('user_agent'),
  request_id: asText('request_id'),
  trace_id: (row, value, variable) => row.text('trace_id', traceId(value, variable)),
  upstream_status_code: (row, value) => writeUpstreamStatus(row, 'upstream_status_code', value),
  upstream_seconds: (row, value) => writeUpstreamSeconds(row, 'upstream_seconds', value),
  upstream_connect_seconds: (row, value) => writeUpstreamSeconds(row, 'upstream_connect_seconds', value),
  upstream_header_seconds: (row, value) => writeUpstreamSeconds(row, 'upstream_header_seconds', value),
};
