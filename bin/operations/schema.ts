/** `lake schema`: the columns of sources, which keys of `extra` come often, and columns that a user adds. */
import { isDeepStrictEqual } from 'node:util';
import { openSuggestions, promote } from '../../lambdas/core/evolution/promote.ts';
import { canPromote, evolvedSource, NO_RECORD, type PromotedColumn } from '../../lambdas/core/evolution/promoted.ts';
import { type Suggestion, suggestions } from '../../lambdas/core/evolution/suggest.ts';
import { type DayTally, wholeOf } from '../../lambdas/core/evolution/tally.ts';
import { KeyCounter } from '../../lambdas/core/evolution/unknown-keys.ts';
import { COLUMN_TYPES } from '../../lambdas/core/formats/json-columns.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Evolution } from '../../lambdas/core/settings.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import { catalogTables } from '../../lambdas/edges/catalog-tables.ts';
import { dynamoPromotedRecords } from '../../lambdas/edges/promoted-records.ts';
import { dynamoTallies } from '../../lambdas/edges/tallies.ts';
import type { SchemaJson } from '../../lib/config/schema-json.ts';
import { UsageError } from '../output/command-error.ts';
import { type LakeHandle, sqlText, tableOf } from './lake-handle.ts';

/** What is known of the columns of a source. */
export interface SourceSchema {
  readonly source: string;
  readonly format: string;
  readonly schemaEvolution: Evolution;
  readonly columns: readonly SchemaColumn[];
  /** The columns that were keys of `extra` first, in the order in which they were promoted. */
  readonly promoted: readonly (PromotedColumn & { readonly state: PromotedState })[];
  /** Whether keys become columns: `auto` only suggests where rows come through Firehose. */
  readonly promotes: boolean;
  /** Undefined if its keys are not counted. */
  readonly unknown: UnknownReport | undefined;
}

/**
 * `missing`: a deployment has taken it out of the table; writers fill it all the same. `declared`: the configuration now has
 * the column or its key otherwise, so writers follow that.
 */
export type PromotedState = 'there' | 'missing' | 'declared';

export interface SchemaColumn {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

export interface UnknownReport {
  /** Where the counts are from. */
  readonly counted: 'batches' | 'table';
  readonly rows: number;
  readonly sampled: number;
  readonly suggestions: readonly Suggestion[];
}

export async function schemaOf(lake: LakeHandle, given: Source): Promise<SourceSchema> {
  const { columns: record } = canPromote(given.settings) ? await recordsOf(lake).read(given.settings.name) : NO_RECORD;
  const source = evolvedSource(given, record);
  const { name, format, options = {}, schemaEvolution = 'off', delivery } = source.settings;
  const columns = tableOf(source).columns.map((column) => ({
    name: column.name,
    type: column.type,
    comment: column.comment,
  }));
  const promotes = schemaEvolution === 'auto' && canPromote(source.settings);
  const promoted = await statesOf(lake, source, record);
  const base = { source: name, format, schemaEvolution, columns, promoted, promotes };
  if (schemaEvolution === 'off') return { ...base, unknown: undefined };
  const isDirect = delivery === 'direct';
  const counts = isDirect ? await countsOfBatches(lake, name) : await countsOfTable(lake, name);
  const { rows, sampled } = counts;
  const counted = isDirect ? 'batches' : 'table';
  return {
    ...base,
    unknown: { counted, rows, sampled, suggestions: openSuggestions(suggestions(counts, options), record) },
  };
}

async function statesOf(lake: LakeHandle, source: Source, record: readonly PromotedColumn[]) {
  if (record.length === 0) return [];
  const tables = await tablesOf(lake).types(source.settings.name);
  const promoted: Readonly<Record<string, unknown>> = Object(source.settings.options?.promoted);
  return record.map((column) => {
    const { name, type, from } = column;
    const spec = promoted[name];
    const isRead = isDeepStrictEqual(typeof spec === 'string' ? { type: spec, from: name } : spec, { type, from });
    const isThere = tables.every((types) => types.get(name) === type);
    const state: PromotedState = !isRead ? 'declared' : isThere ? 'there' : 'missing';
    return { ...column, state };
  });
}

/** A column that a user has chosen. */
export interface ChosenColumn {
  readonly name: string;
  readonly type: string;
  /** The key or path that has its values. */
  readonly from: string;
}

/**
 * Promotes a key by a user's choice.
 *
 * @returns true if the column is new, false if it was promoted before; in the table it is either way
 * @throws UsageError if the source cannot have the column, with what would be needed
 */
export async function addColumn(lake: LakeHandle, source: Source, chosen: ChosenColumn): Promise<boolean> {
  const { settings } = source;
  const { name: key, from } = chosen;
  const name = key.toLowerCase();
  if (!canPromote(settings)) {
    const line = declarationOf({ column: name, key: from }, chosen.type);
    const why =
      settings.format === 'json'
        ? `rows of ${settings.name} come through Firehose, whose streams know the columns of their deployment alone: ` +
          `put ${line} into the columns of the source in cdk.json, and deploy`
        : `${settings.name} has format=${settings.format}: only lines of JSON have keys that can become columns`;
    throw new UsageError(why);
  }
  const type = COLUMN_TYPES.find((each) => each === chosen.type);
  if (!type) throw new UsageError(`${chosen.type}: expected a type of ${COLUMN_TYPES.join(', ')}`);
  const counts = await countsOfBatches(lake, settings.name);
  const known = counts.keys.find((each) => each.key.toLowerCase() === from.toLowerCase());
  const column: PromotedColumn = {
    ...{ name, type, from, at: new Date().toISOString(), by: 'user' },
    ...(known && { counts: { rows: known.rows, sampled: counts.sampled, batches: known.batches } }),
  };
  const ports = { records: recordsOf(lake), tables: tablesOf(lake) };
  const { added, refused } = await promote(settings, [column], ports);
  const [reason] = refused.map((each) => each.reason);
  if (reason === undefined) return added.length > 0;
  throw new UsageError(
    `column ${name} of ${settings.name}: ${reason}. Columns are only ever added, and keep their type: choose another name`,
  );
}

/** The promoted columns of all sources, as schema.json has them, beside those that the file has already. */
export async function pulled(lake: LakeHandle, before: SchemaJson): Promise<SchemaJson> {
  const all: Record<string, SchemaJson[string]> = { ...before };
  for (const { settings } of lake.sources) {
    if (!canPromote(settings)) continue;
    const { columns } = await recordsOf(lake).read(settings.name);
    if (columns.length === 0) continue;
    const promoted = columns.map(({ name, type, from }) => [name, from === name ? type : { type, from }]);
    all[settings.name] = { ...Object.fromEntries(promoted), ...before[settings.name] };
  }
  return all;
}

function recordsOf({ dynamodb, ledgerTable }: LakeHandle) {
  return dynamoPromotedRecords(dynamodb, ledgerTable);
}

function tablesOf({ glue, database, catalog, lakeBucket }: LakeHandle) {
  return catalogTables({ glue, database, catalog, lakeBucket });
}

type Counts = Omit<DayTally, 'day'>;

async function countsOfBatches({ dynamodb, ledgerTable }: LakeHandle, source: string): Promise<Counts> {
  return wholeOf(await dynamoTallies(dynamodb, ledgerTable).read(source));
}

/** Rows that are asked for: enough for what comes often, and little to read. */
const MAX_EXTRA = 10_000;

/** Firehose counts nothing: the table is asked for the rows of its last day with any. */
async function countsOfTable({ query, database }: LakeHandle, source: string): Promise<Counts> {
  const [dt, extra, origin] = [PARTITION.name, OWN.extra.name, OWN.origin.name];
  const table = `"${database}"."${source}"`;
  const [total] = await rowsOf(
    query(
      `SELECT ${dt} AS day, count(*) AS row_count, count(${extra}) AS with_extra FROM ${table} ` +
        `WHERE ${dt} >= ${sqlText(dayBefore(new Date()))} GROUP BY ${dt} ORDER BY ${dt} DESC LIMIT 1`,
    ),
  );
  const [day, rows, withExtra] = [String(total?.day), Number(total?.row_count ?? 0), Number(total?.with_extra ?? 0)];
  if (withExtra === 0) return { batches: 0, rows, sampled: rows, keys: [] };
  const counter = new KeyCounter();
  const origins = new Map<string, Set<unknown>>();
  const found = query(
    `SELECT ${origin}, ${extra} FROM ${table} WHERE ${dt} = ${sqlText(day)} AND ${extra} IS NOT NULL LIMIT ${MAX_EXTRA}`,
  );
  for await (const row of found) {
    counter.addExtra(String(row[extra]));
    for (const key of Object.keys(JSON.parse(String(row[extra])) as object)) {
      const seen = origins.get(key.toLowerCase()) ?? new Set();
      origins.set(key.toLowerCase(), seen.add(row[origin]));
    }
  }
  const { sampled, keys } = counter.result();
  const at = `${day}T00:00:00.000Z`;
  return {
    ...{ batches: 0, rows, sampled: Math.round((sampled * rows) / withExtra) },
    // Of Firehose's lane, an input is what a batch is.
    keys: keys.map((key) => ({
      ...key,
      ...{ batches: origins.get(key.key.toLowerCase())?.size ?? 0, first: at, last: at },
    })),
  };
}

const DAY_MS = 86_400_000;

function dayBefore(time: Date): string {
  return new Date(time.getTime() - DAY_MS).toISOString().slice(0, 10);
}

async function rowsOf<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** The column as cdk.json declares it, between the braces of `columns`. */
export function declarationOf({ column, key }: Pick<Suggestion, 'column' | 'key'>, type = 'string'): string {
  const value = key === column ? type : { type, from: key };
  return `${JSON.stringify(column)}: ${JSON.stringify(value)}`;
}
