/** Makes formats whose lines are described by an nginx log_format string. */
import { isLoopback } from './address.ts';
import { envelopeName, envelopesOf, PIECE, rememberLast, unwrap } from './envelope.ts';
import {
  activeFilters,
  errorLogFilter,
  FILTERS,
  FILTERS_OPTION,
  type FilterName,
  filtersOption,
  gatewayFilters,
} from './filters.ts';
import {
  BLANK_LINE,
  type CompiledFormat,
  type Format,
  type FormatOption,
  type FormatOptions,
  filtered,
  OptionError,
  type Outcome,
  type RecordKey,
  ROW,
  rejected,
  textOption,
} from './format.ts';
import { plainText } from './json-text.ts';
import { ESCAPES, type Escape, type LogFormatLayout } from './layout.ts';
import { gatewayPieceOf } from './line-piece.ts';
import { LOCAL_TIME_ZONE_OPTION, localTimeZoneOption, localZoneOf } from './local-time-option.ts';
import type { LocalZone } from './local-zone.ts';
import { clientAddress, isMissing, isNoClient, type LogField, logColumns } from './log-columns.ts';
import { LOG_FORMAT_OPTION, type LogFormat, parseLogFormat, type SplitLine, splitLine } from './log-format.ts';
import type { Row } from './row.ts';
import { readTime } from './time-forms.ts';

/** The properties in which these formats differ. */
export interface AccessLogFormat {
  readonly name: string;
  readonly description: string;
  readonly reference: string;
  /** log_format strings by name; the first one is the format's default. */
  readonly presets: Readonly<Record<string, string>>;
  /** `Format.exampleLines`, in the default preset. */
  readonly exampleLines: readonly string[];
}

/**
 * Makes a format with the options `preset` or `logFormat`, `escape`, `localTimeZone` and `filters`. Before a line is read, its container
 * envelope is removed and the filters are applied.
 */
export function accessLogFormat({ presets, ...described }: AccessLogFormat): Format {
  const options = optionsOf(presets);
  return {
    ...described,
    options,
    filters: FILTERS,
    compile: (given) =>
      compile(
        logFormatOf(given, options, presets),
        escapeOf(given, options),
        activeFilters(given, FILTER_NAMES),
        localZoneOf(given, options[LOCAL_TIME_ZONE_OPTION]),
      ),
  };
}

const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];

function compile(
  logFormat: string,
  escaping: Escape,
  active: ReadonlySet<FilterName>,
  zone: LocalZone,
): CompiledFormat {
  const format = parseLogFormat(logFormat);
  const { columns, fields, indexOf } = logColumns(format, escaping, zone);
  const client = indexOf('client_ip');
  const isTrusted = client !== undefined && TRUSTED_CLIENT.has(format.variables[client]?.name ?? '');
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
      read: (line, row) => {
        const { text, stream, time, partial, rest: envelopeRest = [] } = unwrap(line, format.start, envelopes(line));
        if (filters.has('not_stdout') && stream !== undefined && stream !== 'stdout') return filtered('not_stdout');
        // Pieces are joined before they come here (joiner.ts), if all of them are there: half a line is no row.
        if (partial) return rejected(PIECE.reason, PIECE.detail);
        if (text.trim() === '') return filtered(BLANK_LINE);
        const ownLine = errorLogFilter(text, active);
        if (ownLine) return filteredUnlessBinary(ownLine, line);

        // Whether the line is of this format is asked before any filter: a filter must not hide a foreign file.
        const split = splitLine(text, format, escaping);
        if (!split) return rejected('not_this_format', `expected a line that begins with ${format.start}`);
        const { values } = split;
        const hasHttp = text.includes('HTTP/');
        // A line that breaks off before its request cannot hold one elsewhere: it has another format.
        if (request !== undefined && values.length <= request && hasHttp) {
          return rejected('not_this_format', `expected a line as ${logFormat}, got one that holds no request there`);
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
        writeFields(row, fields, split);
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
 * The layout of the format for the kernel, or undefined if the end of a value is not easy to find: after an address, a
 * colon may be part of the address or of the literal that follows it.
 */
function layoutOf(
  { start, variables }: LogFormat,
  fields: readonly LogField[],
  escaping: Escape,
  { filters, active }: { readonly filters: ReadonlySet<FilterName>; readonly active: ReadonlySet<FilterName> },
  marked: boolean,
  neededFields: number,
): Omit<LogFormatLayout, 'zone'> | undefined {
  const isPlain = variables.every(({ address, after }) => !(address && after.startsWith(':')));
  if (!isPlain) return undefined;
  return {
    kind: 'log-format',
    fields: fields.map(({ layout, token }, index) => {
      const { after = '', list = false } = variables[index] ?? {};
      return { ...layout, after, list, token: token && index === fields.length - 1 };
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

/** A gateway logs a request once. A trace can have several requests, which differ by their time, method or URL. */
const RECORD_KEYS: readonly RecordKey[] = [
  ['request_id'],
  ['trace_id', 'log_time', 'request_method', 'request_url', 'query_string'],
];

/** The name in `extra` of the text that a line has after the end of its format. */
const REST = 'rest';

function writeFields(row: Row, fields: readonly LogField[], { values, rest }: SplitLine): void {
  let beyond = rest;
  for (const [index, value] of values.entries()) {
    const field = fields[index];
    const space = field?.token && index === fields.length - 1 ? value.indexOf(' ') : -1;
    field?.write(row, space < 0 ? value : value.slice(0, space));
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

type AccessLogOptions = Readonly<
  Record<
    'preset' | typeof LOG_FORMAT_OPTION | 'escape' | typeof LOCAL_TIME_ZONE_OPTION | typeof FILTERS_OPTION,
    FormatOption
  >
>;

/** @param presets log_format strings by name, the default first */
function optionsOf(presets: Readonly<Record<string, string>>): AccessLogOptions {
  const names = Object.keys(presets);
  return {
    preset: {
      type: 'text',
      values: names,
      default: `${names[0]}, if there is no ${LOG_FORMAT_OPTION}`,
      description: `The name of a log_format that many servers have: ${names
        .map((name) => `\`${name}\` is \`${presets[name]}\``)
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
      default: ESCAPES[0],
      description: 'The `escape=` of the log_format.',
      example: {
        escape: 'json',
        [LOG_FORMAT_OPTION]: '{"time":"$time_iso8601","status":"$status","url":"$request_uri"}',
      },
    },
    [LOCAL_TIME_ZONE_OPTION]: localTimeZoneOption({}),
    [FILTERS_OPTION]: filtersOption(FILTER_NAMES),
  };
}

function logFormatOf(
  given: FormatOptions,
  options: AccessLogOptions,
  presets: Readonly<Record<string, string>>,
): string {
  const logFormat = textOption(given, LOG_FORMAT_OPTION, options[LOG_FORMAT_OPTION]);
  const preset = textOption(given, 'preset', options.preset);
  if (logFormat === undefined) return presets[preset ?? Object.keys(presets)[0] ?? ''] ?? '';
  if (preset === undefined) return logFormat;
  throw new OptionError('preset', `preset: expected either preset or ${LOG_FORMAT_OPTION}, got both`);
}

function escapeOf(given: FormatOptions, options: AccessLogOptions): Escape {
  const escaping = textOption(given, 'escape', options.escape);
  return ESCAPES.find((name) => name === escaping) ?? ESCAPES[0];
}
