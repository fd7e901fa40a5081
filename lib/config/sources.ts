/** The `sources` param: the allowed values of each source, and the rules between several sources. */
import { z } from 'zod';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import {
  type Format,
  type FormatOptions,
  OptionError,
  refuseUnknownOptions,
} from '../../lambdas/core/reading/format.ts';
import type { KeepRaw } from '../../lambdas/core/reading/row.ts';
import type { Delivery, Evolution, TableFormat } from '../../lambdas/core/settings.ts';
import type { FanOut } from '../../lambdas/core/tables/fan-out.ts';
import { LOADS, REJECTED_LINES } from '../../lambdas/core/tables/lake-tables.ts';
import { PARTITION, sourceTable, type Table } from '../../lambdas/core/tables/table.ts';
import { isViewName, VIEW_ENDINGS } from '../../lambdas/core/tables/views.ts';
import type { StackNames } from '../names.ts';
import { ConfigError } from './config-error.ts';
import { FAN_OUT, fanOutOf, refuseSharedTables } from './fan-out.ts';
import {
  FROM,
  type FromEvents,
  type FromObjects,
  LOG_GROUP_DAYS,
  type LogGroupDefaults,
  placeOf,
} from './source-places.ts';
import { boolean, int, list, oneOf, pattern } from './values.ts';

interface AnySource {
  /** Also the name of its table. */
  readonly name: string;
  readonly format: string;
  /** The format's own options, as configured. */
  readonly options: FormatOptions;
  readonly table: Table;
  readonly keepRaw: KeepRaw;
  /** Firehose streams into its table, 1-50. */
  readonly streamsPerTable: number;
  /** Columns that identify a record, for the duplicate check. Absent: the record keys of the format. */
  readonly recordKey?: readonly string[];
  readonly delivery: Delivery;
  /** Iceberg only on the direct lane. */
  readonly tableFormat: TableFormat;
  readonly schemaEvolution: Evolution;
  /** How its rows are divided among tables. Absent: all are in its own. Only with `tableFormat` iceberg. */
  readonly fanOut?: FanOut;
  /** Days that its rows stay. */
  readonly retentionDays: number;
  /** Days after which its files move to a storage class for what is seldom read. Absent: never. */
  readonly archiveAfterDays?: number;
  /** Nothing new is announced to the source, so that it can be removed when what it has got is delivered. */
  readonly retired: boolean;
}

/** Objects of a bucket. */
export interface ObjectSource extends AnySource, FromObjects {}

/** Events of CloudWatch log groups. */
export interface EventSource extends AnySource, FromEvents {}

/** A source with its defaults applied, its format's options checked and its table created. */
export type Source = ObjectSource | EventSource;

export const DELIVERY = oneOf(['firehose', 'direct'] satisfies Delivery[]);

export const TABLE_FORMAT = oneOf(['parquet', 'iceberg'] satisfies TableFormat[]);

export const SCHEMA_EVOLUTION = oneOf(['off', 'suggest', 'auto'] satisfies Evolution[]);

/** Partition projection counts days back from today; more than a century makes no sense. */
export const RETENTION_DAYS = int(1, 36_500);

/** Streams into one table: at 5 MiB/s each, 50 streams take the average of 20 billion load balancer lines a day. */
export const STREAMS_PER_TABLE = int(1, 50);

const RESERVED = [LOADS, REJECTED_LINES];

/** The format whose columns are keys of the lines. */
export const EVOLVING_FORMAT = 'json';

/** Keys other than these are options of the source's format. */
export const SOURCE = z.looseObject(
  {
    name: pattern(/^[a-z][a-z0-9_]{0,62}$/, 'a table name: a-z, then up to 62 of a-z, 0-9 and _').refine(
      (name) => !RESERVED.includes(name) && !isViewName(name),
      `any name but the lake's own tables' (${RESERVED.join(', ')}) and those of views (…${VIEW_ENDINGS.join(', …')})`,
    ),
    format: oneOf([...FORMATS.keys()]),
    from: FROM.default({}),
    keepRaw: oneOf(['never', 'on-error', 'always']).optional(),
    streamsPerTable: STREAMS_PER_TABLE.optional(),
    delivery: DELIVERY.optional(),
    tableFormat: TABLE_FORMAT.optional(),
    fanOut: FAN_OUT.optional(),
    schemaEvolution: SCHEMA_EVOLUTION.optional(),
    retentionDays: RETENTION_DAYS.optional(),
    archiveAfterDays: RETENTION_DAYS.optional(),
    recordKey: list(z.string('the name of a column'), 'a list of column names').optional(),
    retired: boolean().optional(),
    logGroupRetentionDays: LOG_GROUP_DAYS.optional(),
  },
  'an object with name and format',
);

type SourceInput = z.output<typeof SOURCE>;

/** A source's own keys; all others are options of its format. */
const OWN_KEYS = Object.keys(SOURCE.shape);

/** The `sources` param, each source checked by itself. */
export const SOURCES = list(SOURCE, 'a list of at least one source').default([
  { name: 'alb', format: 'alb', from: {} },
]);

/**
 * Applies formats to sources and checks sources against each other.
 *
 * @param defaults values for sources that do not have their own
 * @param names of the stack, whose own buckets and log groups no source may read
 * @throws ConfigError naming the param.
 */
export function compileSources(inputs: readonly SourceInput[], defaults: SourceDefaults, names: StackNames): Source[] {
  const sources = inputs.map((input, index) => compileSource(input, `sources[${index}]`, defaults, names));
  for (const [index, source] of sources.entries()) {
    for (const earlier of sources.slice(0, index)) refuseClash(source, earlier, `sources[${index}]`);
  }
  refuseSharedTables(sources);
  return sources;
}

/** Params of the stack that a source can override. */
type SourceDefaults = Pick<
  AnySource,
  'keepRaw' | 'streamsPerTable' | 'delivery' | 'tableFormat' | 'schemaEvolution' | 'retentionDays' | 'archiveAfterDays'
> &
  LogGroupDefaults;

function compileSource(input: SourceInput, path: string, defaults: SourceDefaults, names: StackNames): Source {
  const options = Object.fromEntries(Object.entries(input).filter(([key]) => !OWN_KEYS.includes(key)));
  const table = tableOf(input, options, path);
  const lane = laneOf(input, path, defaults);
  return {
    name: input.name,
    format: input.format,
    options,
    keepRaw: input.keepRaw ?? defaults.keepRaw,
    streamsPerTable: input.streamsPerTable ?? defaults.streamsPerTable,
    ...lane,
    schemaEvolution: evolutionOf(input, path, defaults),
    ...keepingOf(input, path, defaults),
    retired: input.retired ?? false,
    ...placeOf(input, path, defaults, names),
    table,
    ...(input.fanOut && { fanOut: fanOutOf(input.fanOut, table, lane, `${path}.fanOut`) }),
    ...(input.recordKey && { recordKey: recordKeyOf(input, options, path) }),
  };
}

/** How rows get into their table, and what that is: Firehose's own Iceberg tables have neither event days nor exactly once. */
function laneOf(input: SourceInput, path: string, defaults: SourceDefaults) {
  const delivery = input.delivery ?? defaults.delivery;
  const tableFormat = input.tableFormat ?? defaults.tableFormat;
  if (tableFormat === 'iceberg' && delivery !== 'direct') {
    const [param, which] =
      input.tableFormat === undefined
        ? ['tableFormat', `; ${input.name} has delivery=${delivery} and no tableFormat of its own`]
        : [`${path}.tableFormat`, ''];
    throw ConfigError.notAllowed(param, tableFormat, `parquet, unless the source has delivery=direct${which}`);
  }
  return { delivery, tableFormat };
}

/** Only lines of JSON have keys that could be columns. The stack's param is for the sources that have such lines. */
function evolutionOf(input: SourceInput, path: string, defaults: SourceDefaults): Evolution {
  const { schemaEvolution: own } = input;
  if (input.format === EVOLVING_FORMAT) return own ?? defaults.schemaEvolution;
  if (own === undefined || own === 'off') return 'off';
  throw ConfigError.notAllowed(`${path}.schemaEvolution`, own, `off, unless the source has format=${EVOLVING_FORMAT}`);
}

/** How long rows stay, and where. */
function keepingOf(input: SourceInput, path: string, defaults: SourceDefaults) {
  const retentionDays = input.retentionDays ?? defaults.retentionDays;
  const archiveAfterDays = input.archiveAfterDays ?? defaults.archiveAfterDays;
  if (archiveAfterDays === undefined) return { retentionDays };
  if (input.archiveAfterDays !== undefined && archiveAfterDays >= retentionDays) {
    const allowed = `less than its retentionDays (${retentionDays})`;
    throw ConfigError.notAllowed(`${path}.archiveAfterDays`, archiveAfterDays, allowed);
  }
  // A source that keeps its rows for less time than the stack's param says archives none.
  return { retentionDays, ...(archiveAfterDays < retentionDays && { archiveAfterDays }) };
}

function recordKeyOf(input: SourceInput, options: FormatOptions, path: string): readonly string[] {
  const { recordKey = [] } = input;
  const columns = Object.keys(formatOf(input).compile(options).columns);
  for (const [index, name] of recordKey.entries()) {
    const param = `${path}.recordKey[${index}]`;
    if (!columns.includes(name)) throw ConfigError.notAllowed(param, name, `a column of ${columns.join(', ')}`);
    if (recordKey.indexOf(name) < index) throw ConfigError.notAllowed(param, name, 'each column once');
  }
  return recordKey;
}

function tableOf(input: SourceInput, options: FormatOptions, path: string): Table {
  const format = formatOf(input);
  try {
    refuseUnknownOptions(format, options, OWN_KEYS);
    const { columns } = format.compile(options);
    const lane = input.from.logGroups ? 'events' : 'objects';
    return withDistinctColumns(
      sourceTable(input.name, format.description, columns, lane, input.from.exportedLogs),
      path,
    );
  } catch (error) {
    throw error instanceof OptionError ? optionError(error, path) : error;
  }
}

/** Formats begin their messages with the option, or with a part of it: `columns.id: expected …`. */
function optionError({ option, message }: OptionError, path: string): ConfigError {
  const colon = message.startsWith(option) ? message.indexOf(': ') : -1;
  return colon < 0
    ? new ConfigError(`${path}.${option}`, message)
    : new ConfigError(`${path}.${message.slice(0, colon)}`, message.slice(colon + 2));
}

/** Otherwise Glue would refuse the table, or show only one of the two columns. */
function withDistinctColumns(table: Table, path: string): Table {
  const names = [PARTITION.name, ...table.columns.map(({ name }) => name.toLowerCase())];
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new ConfigError(path, `column ${twice} is there twice, or is one of the lake's own`);
  return table;
}

function formatOf(input: SourceInput): Format {
  const format = FORMATS.get(input.format);
  if (!format) throw new Error(`format ${input.format} passed the schema and is not in FORMATS`);
  return format;
}

/** Refuses two sources that would write the same table, or load the same input twice. */
function refuseClash(source: Source, earlier: Source, path: string): void {
  if (source.name === earlier.name) {
    throw ConfigError.notAllowed(`${path}.name`, source.name, 'each name once');
  }
  if (source.lane === 'events' && earlier.lane === 'events') {
    const shared = source.logGroups.find((logGroup) => earlier.logGroups.includes(logGroup));
    if (shared === undefined) return;
    throw ConfigError.notAllowed(
      `${path}.from.logGroups`,
      shared,
      `each log group in one source; it is in ${earlier.name}`,
    );
  }
  if (source.lane === 'objects' && earlier.lane === 'objects' && source.bucket === earlier.bucket) {
    if (!source.prefix.startsWith(earlier.prefix) && !earlier.prefix.startsWith(source.prefix)) return;
    throw ConfigError.notAllowed(
      `${path}.from.prefix`,
      source.prefix,
      `a prefix that does not overlap that of ${earlier.name} (${JSON.stringify(earlier.prefix)}) in the same bucket`,
    );
  }
}
