/** Makes formats whose lines are described by an nginx log_format string. */

import { type LogFormatPreset, logFormatOf, logFormatOptions } from './access-log-options.ts';
import { isLoopback } from './address.ts';
import { envelopeName, envelopesOf, PIECE, rememberLast, unwrap } from './envelope.ts';
import { activeFilters, errorLogFilter, FILTERS, type FilterName, gatewayFilters } from './filters.ts';
import {
  BLANK_LINE,
  BREAKS_OFF,
  type CompiledFormat,
  type Format,
  filtered,
  type Outcome,
  type RecordKey,
  ROW,
  rejected,
} from './format.ts';
import { plainText } from './json-text.ts';
import type { Escape, LayoutField, LogFormatLayout } from './layout.ts';
import { gatewayPieceOf } from './line-piece.ts';
import { LOCAL_TIME_ZONE_OPTION, localZoneOf } from './local-time-option.ts';
import type { LocalZone } from './local-zone.ts';
import { CLIENT_VARIABLES } from './log-columns.ts';
import { type LogField, logColumns } from './log-fields.ts';
import { type LogFormat, parseLogFormat, type SplitLine, splitLine } from './log-format.ts';
import { onlyBeginning } from './log-shapes.ts';
import { clientAddress, isMissing, isNoClient } from './log-values.ts';
import type { Row } from './row.ts';
import { readTime } from './time-forms.ts';

/** The properties in which these formats differ. */
export interface AccessLogFormat {
  readonly name: string;
  readonly description: string;
  readonly reference: string;
  /** log_formats by name; the first one is the format's default. */
  readonly presets: Readonly<Record<string, LogFormatPreset>>;
  /** Whether the table has the column `project_name` if the format logs a host. */
  readonly hasProject: boolean;
  /** `Format.exampleLines`, in the default preset. */
  readonly exampleLines: readonly string[];
}

/**
 * Makes a format with the options `preset` or `logFormat`, `escape`, `localTimeZone` and `filters`. Before a line is read, its container
 * envelope is removed and the filters are applied.
 */
export function accessLogFormat({ presets, hasProject, ...described }: AccessLogFormat): Format {
  const options = logFormatOptions(presets, FILTER_NAMES);
  return {
    ...described,
    options,
    filters: FILTERS,
    compile: (given) =>
      compile(
        { ...logFormatOf(given, options, presets), zone: localZoneOf(given, options[LOCAL_TIME_ZONE_OPTION]) },
        hasProject,
        activeFilters(given, FILTER_NAMES),
      ),
  };
}

const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];

function compile(
  { logFormat, escape: escaping, zone }: Required<LogFormatPreset> & { readonly zone: LocalZone },
  hasProject: boolean,
  active: ReadonlySet<FilterName>,
): CompiledFormat {
  const format = parseLogFormat(logFormat);
  const { columns, fields, indexOf } = logColumns(format, escaping, zone, hasProject ? undefined : 'project_name');
  const client = indexOf('client_ip');
  const clientName = client === undefined ? '' : (format.variables[client]?.name ?? '');
  const isTrusted = TRUSTED_CLIENT.has(clientName);
  const request = indexOf('http_version');
  const marks = [
    { index: indexOf('status_code'), fits: (value: string) => /^\d{3}$/.test(value) },
    { index: client, fits: (value: string) => clientAddress(value) !== undefined },
    { index: indexOf('log_time'), fits: (value: string) => readTime(value) !== undefined },
  ].filter(({ index }) => index !== undefined);
  // A filter on a value that the format does not log would leave out every line. A filter on a header's value would leave
  // out whatever a client sends.
  const filters = new Set(active);
  if (request === undefined) filters.delete('no_http');
  if (!isTrusted) for (const name of ['no_client_address', 'local_client'] as const) filters.delete(name);
  // A connection without the PROXY protocol has no such address, and still a client, which another variable may tell.
  const hasOther = format.variables.some(({ name }) => name !== clientName && CLIENT_VARIABLES.includes(name));
  if (clientName === 'proxy_protocol_addr' && hasOther) filters.delete('no_client_address');

  const layout = layoutOf(format, fields, escaping, { filters, active }, marks.length > 0, (request ?? -1) + 1);
  const envelopes = rememberLast((line) => envelopesOf(line, format.start));
  return {
    columns,
    ...(layout && { layout: { ...layout, zone } }),
    envelopeOf: (line) => envelopeName(envelopes(line)),
    recordKeys: RECORD_KEYS.filter(([id = '']) => id in columns).map((names) =>
      names.filter((name) => name in columns),
    ),
    reader: {
      pieceOf: (line) => gatewayPieceOf(envelopes(line), filters.has('not_stdout')),
      read: (line, row, mayBeCut = false) => {
        const { text, stream, time, partial, rest: envelopeRest = [] } = unwrap(line, format.start, envelopes(line));
        if (filters.has('not_stdout') && stream !== undefined && stream !== 'stdout') return filtered('not_stdout');
        // Pieces are joined before they come here (joiner.ts), if all of them are there: half a line is no row.
        if (partial) return rejected(PIECE.reason, PIECE.detail);
        if (text.trim() === '') return filtered(BLANK_LINE);
        const ownLine = errorLogFilter(text, active);
        if (ownLine) return filteredUnlessBinary(ownLine, line);

        // Whether the line is of this format is asked before any filter: a filter must not hide a foreign file.
        // An envelope of JSON is whole, and what is within it is not at the end of the line.
        const split = splitLine(text, format, escaping, mayBeCut && line.endsWith(text));
        if (!split) return rejected('not_this_format', `expected a line as ${logFormat}, got one that differs from it`);
        // Of a line that breaks off within a value, that value is no evidence of anything.
        const values = split.breaksOff ? split.values.slice(0, -1) : split.values;
        const hasHttp = text.includes('HTTP/');
        // Such a line is another format's, which has its request elsewhere, or breaks off, and then it was a request.
        if (request !== undefined && values.length <= request) {
          return rejected(
            'not_this_format',
            `expected a line as ${logFormat}, got one that ends before its request does`,
          );
        }
        // Prose can have a format's punctuation; it has none of these where they belong.
        const isMarked = marks.some(({ index, fits }) => fits(valueAt(values, index)));
        if (marks.length > 0 && !isMarked && !/\bHTTP\/\d/.test(valueAt(values, request))) {
          return rejected(
            'not_this_format',
            `expected a line as ${logFormat}, got no status, address, time or request there`,
          );
        }
        const clientValue = client === undefined ? undefined : values[client];
        const address = clientAddress(clientValue ?? '');
        if (isTrusted && address === undefined && clientValue !== undefined && !CLIENT.test(clientValue)) {
          return rejected('not_this_format', `expected a line as ${logFormat}, got no client there`);
        }
        if (filters.has('no_http') && !hasHttp) return filteredUnlessBinary('no_http', line);
        if (clientValue !== undefined && filters.has('no_client_address') && isNoClient(clientValue)) {
          return filteredUnlessBinary('no_client_address', line);
        }
        if (filters.has('local_client') && address !== undefined && isLoopback(address))
          return filtered('local_client');

        if (stream !== undefined) row.text('stream', stream);
        writeFields(row, format, fields, split);
        if (time !== undefined && isMissing(valueAt(values, indexOf('log_time')))) writeEnvelopeTime(row, time, zone);
        for (const { key, json } of envelopeRest) if (json !== 'null') row.extra(key, plainText(json));
        return ROW;
      },
    },
  };
}

/**
 * The variables whose value the server itself has seen: the address of the connection, or the one that a proxy of the
 * operator's gave. A header can hold anything that a client sends, so no filter acts on it.
 * https://nginx.org/en/docs/http/ngx_http_realip_module.html
 */
const TRUSTED_CLIENT: ReadonlySet<string> = new Set(['remote_addr', 'realip_remote_addr', 'proxy_protocol_addr']);

/** What nginx or a program that masks addresses writes as the client: one word, without quotes. */
const CLIENT = /^[^\s\x00-\x1f\x7f"'{}<>]*$/;

/**
 * Filters the line, unless it contains NUL: then the line is rejected so that it is kept. NUL occurs in binary files,
 * and in files that were truncated while a process was writing to them: NULs then fill the place of the removed part.
 */
function filteredUnlessBinary(filter: FilterName, line: string): Outcome {
  return line.includes('\0')
    ? rejected('not_this_format', 'expected a log line, got one with NUL in it')
    : filtered(filter);
}

/**
 * The layout of the format for the kernel, or undefined if only the TypeScript reader finds the end of some value.
 */
function layoutOf(
  format: LogFormat,
  fields: readonly LogField[],
  escaping: Escape,
  { filters, active }: { readonly filters: ReadonlySet<FilterName>; readonly active: ReadonlySet<FilterName> },
  marked: boolean,
  neededFields: number,
): Omit<LogFormatLayout, 'zone'> | undefined {
  const { start, variables } = format;
  const ends = variables.map((_, index) => endOf(format, index));
  if (ends.includes(undefined)) return undefined;
  return {
    kind: 'log-format',
    fields: fields.map(({ layout, token, name }, index) => {
      const { list = false } = variables[index] ?? {};
      const remembered = variables.some(({ repeats }) => repeats === index);
      const last = index === fields.length - 1;
      return { ...layout, ...ends[index], errorName: name, list, remembered, token: token && last };
    }),
    start,
    neededFields,
    escape: escaping,
    noHttp: filters.has('no_http'),
    errorLogNoHttp: active.has('no_http'),
    errorLogNoClient: active.has('no_client_address'),
    ...gatewayFilters(filters),
    marked,
    stream: 'stream',
    inEscape: start.includes('\\') || variables.some(({ after }) => /^[\\x\dA-F]/.test(after)),
  };
}

/** What tells the kernel where the value of a variable ends; undefined if nothing does. */
function endOf({ variables }: LogFormat, index: number): Pick<LayoutField, 'after' | 'joined' | 'plain'> | undefined {
  const { after = '', joined = false, shape = {} } = variables[index] ?? {};
  // A host may be logged with its port, so that its colon is not the one after it.
  if (after.startsWith(':') && shape.withColons) return shape.hasPort ? undefined : { after, plain: true };
  if (!joined) return { after };
  // Both values together end where the second one does. A plain value does not contain what ends the second one.
  const next = variables[index + 1];
  const beginning = next && onlyBeginning(next.shape);
  const isPair = !shape.fixed && !variables[index - 1]?.joined && !next?.joined && !next?.list;
  if (!isPair || beginning === undefined || PLAIN.test(next?.after ?? '')) return undefined;
  return { after: beginning, joined: true, plain: true };
}

/** A character that the kernel takes for a part of a plain value. */
const PLAIN = /^[\w.-]/;

/** A gateway logs a request once. A trace can have several requests, which differ by their time, method or URL. */
const RECORD_KEYS: readonly RecordKey[] = [
  ['request_id'],
  ['trace_id', 'log_time', 'request_method', 'request_url', 'query_string'],
];

/** The name in `extra` of the text that a line has after the end of its format. */
const REST = 'rest';

function writeFields(
  row: Row,
  { variables }: LogFormat,
  fields: readonly LogField[],
  { values, rest, breaksOff }: SplitLine,
): void {
  let beyond = rest;
  for (const [index, value] of values.entries()) {
    const field = fields[index];
    if (!field) break;
    const first = variables[index]?.repeats;
    if (breaksOff && index === values.length - 1) {
      if (!isMissing(value)) row.error(field.name, value, BREAKS_OFF);
      break;
    }
    if (first !== undefined) {
      if (value !== values[first]) row.error(field.name, value, `differs from the first $${field.name}`);
      continue;
    }
    const space = field.token && index === fields.length - 1 ? value.indexOf(' ') : -1;
    field.write(row, space < 0 ? value : value.slice(0, space));
    if (space >= 0) beyond = value.slice(space + 1) + rest;
  }
  beyond = beyond.trim();
  if (beyond !== '') row.extra(REST, beyond);
}

function valueAt(values: readonly string[], index: number | undefined): string {
  return (index === undefined ? undefined : values[index]) ?? '';
}

function writeEnvelopeTime(row: Row, time: string, zone: LocalZone): void {
  const iso = readTime(time, zone);
  if (iso) row.timestamp('log_time', iso);
  else row.error('log_time', time, 'not a timestamp');
}
