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
import { EMPTY_LINE, kindOf, type Member, plainText } from '../reading/json-text.ts';
import { isLambdaPlatformLine } from '../reading/lambda-platform.ts';
import { OP_OF_TYPE } from '../reading/layout.ts';
import { LOCAL_TIME_ZONE_OPTION, localTimeZoneOption, localZoneOf } from '../reading/local-time-option.ts';
import type { LocalZone } from '../reading/local-zone.ts';
import { wholeNumber } from '../reading/numbers.ts';
import { recordFinder } from '../reading/record-envelope.ts';
import type { Row } from '../reading/row.ts';
import { readTime } from '../reading/time-forms.ts';
import * as table from '../tables/table.ts';

const COLUMN_TYPES = ['timestamp', 'string', 'int', 'bigint', 'double', 'boolean'] as const;
const COLUMN_NAME = /^[a-z][a-z0-9_]{0,62}$/i;
/** Names that a declared column must not have: the lake's own columns and the partition. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.values(table.OWN).map(({ name }) => name),
  table.PARTITION.name,
]);

/** Columns that many logs have in common, by the name of the preset. */
const PRESETS: Readonly<Record<string, table.ColumnSpecs>> = {
  'server-logs': {
    timestamp: table.timestamp('When the application logged it, UTC.'),
    level: table.text('Severity, e.g. INFO or ERROR.'),
    request_id: table.text('Id of the request being served; null outside of one.'),
    method: table.text('HTTP method of the request.'),
    path: table.text('Path of the request.'),
    status_code: table.int('Status code of the response.'),
    response_time: table.double('Time taken to respond, in the unit the application logs.'),
    error_traceback: table.text('Stack trace of an error; null when there was none.'),
  },
};

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
      default: 'those of the preset; a source sets one of the two',
      description: `The columns of the table: each key that is to be a column, with its type (${COLUMN_TYPES.join(', ')}).`,
      example: { columns: { time: 'timestamp', level: 'string', duration_ms: 'double' } },
    },
    preset: {
      type: 'text',
      values: Object.keys(PRESETS),
      default: 'none; a source sets columns or a preset',
      description: 'The name of columns that many logs have.',
      example: { preset: 'server-logs' },
    },
    [FILTERS_OPTION]: filtersOption(FILTER_NAMES, { preset: 'server-logs' }),
    [LOCAL_TIME_ZONE_OPTION]: LOCAL_TIME_ZONE,
  },
  filters: JSON_FILTERS,
  exampleOptions: { preset: 'server-logs' },
  exampleLines: [
    '{"timestamp":"2026-11-22T12:03:00.500Z","level":"INFO","request_id":"58337262d99923ab","method":"GET","path":"/orders","status_code":200,"response_time":12.5}',
  ],
  compile: (options) =>
    compile(keyed(columnsOf(options)), activeFilters(options, FILTER_NAMES), localZoneOf(options, LOCAL_TIME_ZONE)),
};

/** @throws OptionError if the keys of two columns are equal by chance. */
function keyed(columns: table.ColumnSpecs): table.ColumnSpecs {
  const specs = table.keyedByName(columns);
  const [one, other] = table.sameKey(specs) ?? [];
  if (one === undefined) return specs;
  throw new OptionError(
    'columns',
    `columns.${other}: expected another name or type, because by chance its JSON key is the one of ${one}`,
  );
}

function compile(
  columns: table.ColumnSpecs,
  filters: ReadonlySet<(typeof FILTER_NAMES)[number]>,
  zone: LocalZone,
): CompiledFormat {
  const declared = Object.entries(columns);
  const isColumn = (key: string) => Object.hasOwn(columns, key);
  const records = recordFinder(isColumn);
  return {
    columns,
    recordKeys: recordKeysOf(columns),
    envelopeOf: (line) => envelopeName(records.envelopesOf(line)),
    layout: {
      kind: 'json',
      zone,
      fields: declared.map(([name, { type }]) => ({ op: OP_OF_TYPE[type], columns: [name] })),
    },
    reader: {
      pieceOf: records.pieceOf,
      read: (line, row) => {
        const object = records.read(line);
        if (!object.members) {
          if (object.reason === EMPTY_LINE) return filtered(BLANK_LINE);
          if (filters.has(LAMBDA_LINE) && isLambdaPlatformLine(line)) return filtered(LAMBDA_LINE);
          return rejected(object.reason, object.detail);
        }
        const { byKey, repeated } = membersByKey(object.members);
        // In the order of declaration, so that the first timestamp column with a value is the event's time.
        for (const [name, { type }] of declared) {
          const member = byKey.get(name);
          if (member) WRITE[type](row, name, member.json, zone);
        }
        for (const { key, json } of repeated) {
          const exact = byKey.get(key.toLowerCase())?.key === key;
          row.error(key, plainText(json), exact ? 'duplicate_key' : 'case_collision');
        }
        for (const [name, { key, json }] of byKey) {
          if (!isColumn(name) && json !== 'null') row.extra(key, plainText(json));
        }
        return ROW;
      },
    },
  };
}

/** Record keys: the id of a request or of a trace, with the event's times, as one request can log several events. */
function recordKeysOf(columns: table.ColumnSpecs): RecordKey[] {
  const times = Object.keys(columns).filter((name) => columns[name]?.type === 'timestamp');
  return ['request_id', 'trace_id'].filter((id) => Object.hasOwn(columns, id)).map((id) => [id, ...times]);
}

/** Members by their keys in lower case. If several keys differ only by case, the first one counts. */
function membersByKey(members: readonly Member[]) {
  const byKey = new Map<string, Member>();
  const repeated: Member[] = [];
  for (const member of members) {
    const name = member.key.toLowerCase();
    if (byKey.has(name)) repeated.push(member);
    else byKey.set(name, member);
  }
  return { byKey, repeated };
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

const WRITE: Readonly<Record<table.ColumnType, Write>> = {
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

function columnsOf({ columns, preset }: FormatOptions): table.ColumnSpecs {
  if (columns === undefined) return presetOf(preset);
  if (preset !== undefined) throw new OptionError('preset', 'preset: expected either preset or columns, got both');
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) {
    throw new OptionError('columns', `columns: expected an object of name: type, got ${JSON.stringify(columns)}`);
  }
  const specs = new Map<string, table.ColumnSpec>();
  for (const [key, type] of Object.entries(columns)) {
    const name = key.toLowerCase();
    const known = COLUMN_TYPES.find((columnType) => columnType === type);
    if (!COLUMN_NAME.test(key)) {
      throw new OptionError(
        'columns',
        `columns: expected a name of letters, digits and _ that begins with a letter, at most 63, got ${JSON.stringify(key)}`,
      );
    }
    if (RESERVED.has(name)) {
      throw new OptionError(
        'columns',
        `columns.${key}: expected another name, got the name of a column of the lake itself`,
      );
    }
    if (specs.has(name)) {
      throw new OptionError(
        'columns',
        `columns.${key}: expected names that differ by more than case, got ${key} twice`,
      );
    }
    if (!known) {
      const expected = COLUMN_TYPES.join(', ');
      throw new OptionError('columns', `columns.${key}: expected a type of ${expected}, got ${JSON.stringify(type)}`);
    }
    specs.set(name, { type: known, comment: `Value of the key ${key}.` });
  }
  if (specs.size === 0) throw new OptionError('columns', 'columns: expected at least one column, got none');
  return Object.fromEntries(specs);
}

function presetOf(preset: unknown): table.ColumnSpecs {
  const names = Object.keys(PRESETS);
  const chosen = names.find((name) => name === preset);
  const found = chosen === undefined ? undefined : PRESETS[chosen];
  if (found) return found;
  const got = preset === undefined ? 'neither' : JSON.stringify(preset);
  throw new OptionError('preset', `preset: expected columns or a preset of ${names.join(', ')}, got ${got}`);
}
