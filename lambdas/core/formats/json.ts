import { envelopeName } from '../reading/envelope.ts';
import { activeFilters, FILTERS_OPTION, filtersOption, JSON_FILTERS } from '../reading/filters.ts';
import {
  BLANK_LINE,
  type CompiledFormat,
  type Format,
  type FormatOptions,
  filtered,
  OptionError,
  type RecordKey,
  ROW,
  rejected,
} from '../reading/format.ts';
import { recordOf, takeColumns } from '../reading/json-paths.ts';
import { EMPTY_LINE, kindOf, type Member, plainText } from '../reading/json-text.ts';
import { isLambdaPlatformLine } from '../reading/lambda-platform.ts';
import { OP_OF_TYPE } from '../reading/layout.ts';
import { LOCAL_TIME_ZONE_OPTION, localTimeZoneOption, localZoneOf } from '../reading/local-time-option.ts';
import type { LocalZone } from '../reading/local-zone.ts';
import { wholeNumber } from '../reading/numbers.ts';
import { recordFinder } from '../reading/record-envelope.ts';
import type { Row } from '../reading/row.ts';
import { readTime } from '../reading/time-forms.ts';
import { type ColumnSpecs, type ColumnType, keyedByName, sameKey } from '../tables/table.ts';
import { COLUMN_TYPES, type JsonColumns, jsonColumns, promotedColumns } from './json-columns.ts';
import { PRESETS } from './json-presets.ts';

const LOCAL_TIME_ZONE = localTimeZoneOption({ preset: 'server-logs' });

const LAMBDA_LINE = 'lambda_platform_line';
const FILTER_NAMES = Object.keys(JSON_FILTERS) as (keyof typeof JSON_FILTERS)[];

/**
 * JSON logs: one object per line or log event, which may be in a container runtime's envelope. A source declares which
 * keys are columns.
 */
export const json: Format = {
  name: 'json',
  description:
    'JSON objects, one per line or log event, bare or in the envelope of a container runtime, with columns declared in ' +
    'the source.',
  reference: 'https://www.rfc-editor.org/rfc/rfc8259',
  options: {
    columns: {
      type: 'object',
      default: 'those of the preset; a source sets `columns`, `preset` or both',
      description:
        `The columns of the table, each with its type (${COLUMN_TYPES.join(', ')}). A column has the value of the key that ` +
        'is its name, or with `from` that of another key or of a path, whose dots lead into nested objects.',
      example: {
        columns: {
          level: 'string',
          duration_ms: 'double',
          time: { type: 'timestamp', from: '@timestamp' },
          status: { type: 'int', from: 'http.response.status_code' },
        },
      },
    },
    preset: {
      type: 'text',
      values: Object.keys(PRESETS),
      default: 'none; a source sets `columns`, `preset` or both',
      description:
        'The name of columns that many logs have: docs/tables.md lists them. `columns` adds others at the end; a column ' +
        'of a name that the preset has replaces that one.',
      example: { preset: 'ecs', columns: { user_id: { type: 'bigint', from: 'user.id' } } },
    },
    promoted: {
      type: 'object',
      default: 'none',
      description:
        'Columns that were keys in `extra` first: they follow the others, and do not count ' +
        'when it is told whether a line is in an envelope, nor in record keys.',
      example: { preset: 'server-logs', promoted: { tenant: 'string', order_id: { type: 'string', from: 'orderId' } } },
    },
    [FILTERS_OPTION]: filtersOption(FILTER_NAMES, { preset: 'server-logs' }),
    [LOCAL_TIME_ZONE_OPTION]: LOCAL_TIME_ZONE,
  },
  filters: JSON_FILTERS,
  exampleOptions: { preset: 'server-logs' },
  exampleLines: [
    '{"timestamp":"2026-11-22T12:03:00.500Z","level":"INFO","request_id":"58337262d99923ab","method":"GET","path":"/orders","status_code":200,"response_time":12.5}',
  ],
  compile: (options) => {
    const declared = columnsOf(options);
    const promoted = promotedColumns(declared, options.promoted);
    return compile(declared, promoted, activeFilters(options, FILTER_NAMES), localZoneOf(options, LOCAL_TIME_ZONE));
  },
};

/** @throws OptionError if the keys of two columns are equal by chance, or if a promoted column has the name of a key. */
function keyed(columns: JsonColumns, promoted: JsonColumns): ColumnSpecs {
  const specs = keyedByName(Object.fromEntries([...columns].map(([name, { from: _, ...spec }]) => [name, spec])));
  const [one, other = ''] = sameKey(specs) ?? [];
  if (one !== undefined) {
    const option = promoted.has(other) ? 'promoted' : 'columns';
    const what = 'another name or type, because by chance its JSON key is the one of';
    throw new OptionError(option, `${option}.${other}: expected ${what} ${one}`);
  }
  // A stream that does not know a column yet would give it the value of the JSON key that is its name.
  const named = Object.values(specs).find(({ key }) => promoted.has(key))?.key;
  if (named === undefined) return specs;
  throw new OptionError('promoted', `promoted.${named}: expected another name, because by chance it is a JSON key`);
}

/** @param promoted columns that follow those declared, and do not count when envelopes are told */
function compile(
  declared: JsonColumns,
  promoted: JsonColumns,
  filters: ReadonlySet<(typeof FILTER_NAMES)[number]>,
  zone: LocalZone,
): CompiledFormat {
  const all: JsonColumns = new Map([...declared, ...promoted]);
  const record = pathsOf(all);
  const { steps } = pathsOf(declared);
  const isColumn = ({ key, json }: Member) => {
    const step = steps.get(key);
    return step !== undefined && ('column' in step || kindOf(json) === 'object');
  };
  const records = recordFinder(isColumn);
  return {
    columns: keyed(all, promoted),
    recordKeys: recordKeysOf(declared),
    envelopeOf: (line) => envelopeName(records.envelopesOf(line)),
    layout: {
      kind: 'json',
      zone,
      fields: [...all].map(([name, { type, from }]) => ({ op: OP_OF_TYPE[type], columns: [name], path: from })),
    },
    reader: {
      objects: true,
      pieceOf: records.pieceOf,
      read: (line, row) => {
        const object = records.read(line);
        if (!object.members) {
          if (object.reason === EMPTY_LINE) return filtered(BLANK_LINE);
          if (filters.has(LAMBDA_LINE) && isLambdaPlatformLine(line)) return filtered(LAMBDA_LINE);
          return rejected(object.reason, object.detail);
        }
        const { columns, repeated, rest } = takeColumns(object.members, record);
        // In the order of declaration, so that the first timestamp column with a value is the event's time.
        for (const [name, { type }] of all) {
          const member = columns.get(name);
          if (member) WRITE[type](row, name, member.json, zone);
        }
        for (const { key, json, exactly } of repeated)
          row.error(key, plainText(json), exactly ? 'duplicate_key' : 'case_collision');
        for (const { key, json } of rest) if (json !== 'null') row.extra(key, plainText(json));
        return ROW;
      },
    },
  };
}

function pathsOf(columns: JsonColumns) {
  return recordOf([...columns].map(([name, { from }]) => [name, from]));
}

/** Columns that tell the events of one request and one time from each other, in sources that have them. */
const EVENT_COLUMNS = ['type', 'message'];

/**
 * Record keys: the id of a request or of a trace, with the event's times and what it says, as one request can log several
 * events in a millisecond.
 */
function recordKeysOf(columns: JsonColumns): RecordKey[] {
  const times = [...columns].filter(([, { type }]) => type === 'timestamp').map(([name]) => name);
  const told = EVENT_COLUMNS.filter((name) => columns.has(name));
  return ['request_id', 'trace_id'].filter((id) => columns.has(id)).map((id) => [id, ...times, ...told]);
}

type Write = (row: Row, name: string, json: string, zone: LocalZone) => void;

/** Makes a function that writes a value, or adds it to `errors` if it is not of these JSON kinds. It ignores null. */
const ifKind =
  (kinds: readonly string[], reason: string, write: Write): Write =>
  (row, name, value, zone) => {
    if (value === 'null') return;
    if (kinds.includes(kindOf(value))) write(row, name, plainText(value), zone);
    else row.error(name, plainText(value), reason);
  };

const NUMERIC = ['number', 'string'];

const WRITE: Readonly<Record<ColumnType, Write>> = {
  string: ifKind(['string', 'number', 'boolean', 'object', 'array'], '', (row, name, value) => row.text(name, value)),
  int: ifKind(NUMERIC, 'not a whole number', (row, name, value) => row.int(name, wholeNumber(value), value)),
  bigint: ifKind(NUMERIC, 'not a whole number', (row, name, value) => row.bigint(name, wholeNumber(value), value)),
  double: ifKind(NUMERIC, 'not a number', (row, name, value) => row.double(name, value)),
  boolean: ifKind(['boolean', 'string'], 'not a boolean', (row, name, value) => {
    const lower = value.toLowerCase();
    if (lower === 'true' || lower === 'false') row.boolean(name, lower === 'true');
    else row.error(name, value, 'not a boolean');
  }),
  timestamp: ifKind(NUMERIC, 'not a timestamp', (row, name, value, zone) => {
    const time = readTime(value, zone);
    if (time) row.timestamp(name, time);
    else row.error(name, value, 'not a timestamp');
  }),
};

function columnsOf({ columns, preset }: FormatOptions): JsonColumns {
  if (columns === undefined) return presetOf(preset);
  return jsonColumns(columns, preset === undefined ? undefined : presetOf(preset));
}

function presetOf(preset: unknown): JsonColumns {
  const names = Object.keys(PRESETS);
  const chosen = names.find((name) => name === preset);
  const found = chosen === undefined ? undefined : PRESETS[chosen];
  if (found) return found.columns;
  const got = preset === undefined ? 'neither' : JSON.stringify(preset);
  throw new OptionError('preset', `preset: expected columns or a preset of ${names.join(', ')}, got ${got}`);
}
