/** `lake schema`: the columns of sources, and which keys of `extra` come often. */
import { type Suggestion, suggestions } from '../../lambdas/core/evolution/suggest.ts';
import { type DayTally, wholeOf } from '../../lambdas/core/evolution/tally.ts';
import { KeyCounter } from '../../lambdas/core/evolution/unknown-keys.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Evolution } from '../../lambdas/core/settings.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import { dynamoTallies } from '../../lambdas/edges/tallies.ts';
import { type LakeHandle, sqlText, tableOf } from './lake-handle.ts';

/** What is known of the columns of a source. */
export interface SourceSchema {
  readonly source: string;
  readonly format: string;
  readonly schemaEvolution: Evolution;
  readonly columns: readonly SchemaColumn[];
  /** Undefined if its keys are not counted. */
  readonly unknown: UnknownReport | undefined;
}

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

export async function schemaOf(lake: LakeHandle, source: Source): Promise<SourceSchema> {
  const { name, format, options = {}, schemaEvolution = 'off', delivery } = source.settings;
  const columns = tableOf(source).columns.map((column) => ({
    name: column.name,
    type: column.type,
    comment: column.comment,
  }));
  const base = { source: name, format, schemaEvolution, columns };
  if (schemaEvolution === 'off') return { ...base, unknown: undefined };
  const isDirect = delivery === 'direct';
  const counts = isDirect ? await countsOfBatches(lake, name) : await countsOfTable(lake, name);
  const { rows, sampled } = counts;
  const counted = isDirect ? 'batches' : 'table';
  return { ...base, unknown: { counted, rows, sampled, suggestions: suggestions(counts, options) } };
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
export function declarationOf({ column, key }: Pick<Suggestion, 'column' | 'key'>): string {
  const value = key === column ? 'string' : { type: 'string', from: key };
  return `${JSON.stringify(column)}: ${JSON.stringify(value)}`;
}
