/** Counts the outcomes of all lines by SQL over the lake. */
import { MAX_REJECTED_KEPT } from '../../lambdas/core/loading/line-batcher.ts';
import { isViewName } from '../../lambdas/core/tables/views.ts';
import type { Athena } from '../../local/athena/athena.ts';
import { toJson } from '../../local/athena/query-result.ts';
import type { Handed } from '../input/load-files.ts';
import { type Cell, escapeControls, quantity, renderTable, thousands } from './render.ts';

/** Lines of one source that one filter has left out. */
export interface FilterHits {
  readonly filter: string;
  readonly lines: number;
  /** The start of one of them. */
  readonly example: string;
}

/** Lines of one source that were rejected for one reason. */
export interface Rejection {
  readonly reason: string;
  /** Lines kept in `rejected_lines`. */
  readonly lines: number;
  /** The detail of one of these lines: what was expected and what the line contained. */
  readonly example: string;
}

/** Outcomes of one source's lines. Balanced if lines = rows + filtered + rejected, and the rows are in the table. */
export interface Balance {
  readonly source: string;
  /** Objects or log streams. */
  readonly files: number;
  readonly lines: number;
  readonly rows: number;
  readonly filtered: number;
  readonly rejected: number;
  readonly fieldErrors: number;
  readonly unknownFields: number;
  /** Rows found in the source's table. */
  readonly inTable: number;
  readonly filters: readonly FilterHits[];
  readonly rejections: readonly Rejection[];
}

/** SQL condition on `loads` that selects all loads. */
export const EVERYTHING = 'true';

/** SQL condition on `loads` that selects the loads of the given files. */
export async function loadedFrom(athena: Athena, source: string, handed: readonly Handed[]): Promise<string> {
  const keys = handed.flatMap(({ objectKey }) => objectKey ?? []);
  const streams = handed.flatMap(({ logStream }) => logStream ?? []);
  const among = (column: string, values: readonly string[]) =>
    values.length > 0 ? `${column} IN (${values.map(sqlText).join(', ')})` : 'false';
  const inObjects =
    streams.length > 0 ? ` OR origin IN (SELECT origin FROM (${await inPayloads(athena, source, streams)}))` : '';
  return `source = ${sqlText(source)} AND (${among('object_key', keys)} OR ${among('log_stream', streams)}${inObjects})`;
}

/** On the direct lane, the events of a log stream are in objects of payloads: their origins by rows and rejected lines. */
async function inPayloads(athena: Athena, source: string, streams: readonly string[]): Promise<string> {
  const among = `payload IS NOT NULL AND log_stream IN (${streams.map(sqlText).join(', ')})`;
  const tables = await tablesOf(athena, source, 'payload');
  return [
    ...tables.map((table) => `SELECT origin, log_stream FROM ${table} WHERE ${among}`),
    `SELECT origin, log_stream FROM rejected_lines WHERE source = ${sqlText(source)} AND ${among}`,
  ].join(' UNION ');
}

/** The balance of each source with loads that match the condition. A repeated load counts once. */
export async function balances(athena: Athena, condition: string): Promise<Balance[]> {
  const found = await select(
    athena,
    `SELECT source, count(DISTINCT coalesce(object_key, log_stream)) AS files,
       sum(lines) AS lines, sum("rows") AS "rows", sum(filtered) AS filtered, sum(rejected) AS rejected,
       sum(field_errors) AS field_errors, sum(unknown_fields) AS unknown_fields
     FROM (SELECT *, row_number() OVER (PARTITION BY origin ORDER BY finished_at DESC) AS attempt FROM loads WHERE ${condition})
     WHERE attempt = 1 GROUP BY source ORDER BY source`,
  );
  const result: Balance[] = [];
  for (const row of found) {
    const source = String(row.source);
    result.push({
      source,
      files: Number(row.files),
      lines: Number(row.lines),
      rows: Number(row.rows),
      filtered: Number(row.filtered),
      rejected: Number(row.rejected),
      fieldErrors: Number(row.field_errors),
      unknownFields: Number(row.unknown_fields),
      inTable: await rowsInTable(athena, source, condition),
      filters: await filters(athena, source, condition),
      rejections: await rejections(athena, source, condition),
    });
  }
  return result;
}

async function rowsInTable(athena: Athena, source: string, condition: string): Promise<number> {
  const tables = await tablesOf(athena, source, 'origin');
  const [row] = await select(
    athena,
    `SELECT count(*) AS found FROM (SELECT DISTINCT origin, position FROM
       (${tables.map((table) => `SELECT origin, position FROM ${table}`).join(' UNION ALL ')})
     WHERE origin IN (SELECT origin FROM loads WHERE source = ${sqlText(source)} AND ${condition}))`,
  );
  return Number(row?.found);
}

/**
 * Tables with a column that have rows of a source, whatever format it had when they were loaded: its own, and those of values.
 * Those of a source with a longer name may be among them.
 */
async function tablesOf(athena: Athena, source: string, column: string): Promise<string[]> {
  const rows = await select(
    athena,
    `SELECT table_schema, table_name FROM information_schema.columns
     WHERE column_name = ${sqlText(column)} AND (table_name = ${sqlText(source)} OR
       (table_schema LIKE '%\\_iceberg' ESCAPE '\\' AND starts_with(table_name, ${sqlText(`${source}_`)})))
     ORDER BY table_schema, table_name`,
  );
  return rows
    .filter(({ table_name }) => !isViewName(String(table_name)))
    .map(({ table_schema, table_name }) => `"${table_schema}"."${table_name}"`);
}

/** The column `filtered_by` of `loads`, added up. */
async function filters(athena: Athena, source: string, condition: string): Promise<FilterHits[]> {
  const rows = await select(
    athena,
    `SELECT filtered_by FROM (SELECT *, row_number() OVER (PARTITION BY origin ORDER BY finished_at DESC) AS attempt
       FROM loads WHERE source = ${sqlText(source)} AND ${condition})
     WHERE attempt = 1 AND filtered_by IS NOT NULL`,
  );
  const hits = new Map<string, FilterHits>();
  for (const { filtered_by } of rows) {
    const byFilter = JSON.parse(String(filtered_by)) as Record<string, { lines: number; example?: string }>;
    for (const [filter, { lines, example = '' }] of Object.entries(byFilter)) {
      const before = hits.get(filter);
      hits.set(filter, { filter, lines: lines + (before?.lines ?? 0), example: before?.example || example });
    }
  }
  return [...hits.values()].toSorted((a, b) => b.lines - a.lines || a.filter.localeCompare(b.filter));
}

async function rejections(athena: Athena, source: string, condition: string): Promise<Rejection[]> {
  const rows = await select(
    athena,
    `SELECT reason, count(*) AS lines, min(detail) AS example
     FROM (SELECT DISTINCT origin, position, reason, detail FROM rejected_lines
       WHERE source = ${sqlText(source)} AND origin IN (SELECT origin FROM loads WHERE ${condition}))
     GROUP BY reason ORDER BY lines DESC, reason`,
  );
  return rows.map(({ reason, lines, example }) => ({
    reason: String(reason),
    lines: Number(lines),
    example: String(example ?? ''),
  }));
}

/** A line for each count that disagrees with another. */
export function imbalances(found: readonly Balance[]): string[] {
  return found.flatMap(({ source, lines, rows, filtered, rejected, inTable }) => {
    const problems: string[] = [];
    if (lines !== rows + filtered + rejected) {
      problems.push(
        `source ${source}: its counts do not add up: ${quantity(lines, 'line')}, but ${quantity(rows, 'row')} + ` +
          `${filtered} filtered + ` +
          `${rejected} rejected`,
      );
    }
    if (rows !== inTable) problems.push(`source ${source}: rows delivered: ${rows}, but rows in its table: ${inTable}`);
    return problems;
  });
}

/** The given files of which `loads` does not say that they were read to their end. */
export async function notLoaded(athena: Athena, source: string, handed: readonly Handed[]): Promise<Handed[]> {
  const rows = await select(
    athena,
    `SELECT DISTINCT coalesce(object_key, log_stream) AS name FROM loads
     WHERE ${await loadedFrom(athena, source, handed)} AND not_loaded IS NULL`,
  );
  const streams = handed.flatMap(({ logStream }) => logStream ?? []);
  const inObjects =
    streams.length > 0
      ? await select(
          athena,
          `SELECT DISTINCT log_stream AS name FROM (${await inPayloads(athena, source, streams)})
           WHERE origin IN (SELECT origin FROM loads WHERE not_loaded IS NULL)`,
        )
      : [];
  const known = new Set([...rows, ...inObjects].map(({ name }) => name));
  return handed.filter(({ objectKey, logStream }) => !known.has(objectKey ?? logStream));
}

/** How many of the given files were loaded before `time`. */
export async function loadedBefore(
  athena: Athena,
  source: string,
  handed: readonly Handed[],
  time: Date,
): Promise<number> {
  const [row] = await select(
    athena,
    `SELECT count(DISTINCT coalesce(object_key, log_stream)) AS found FROM loads
     WHERE ${await loadedFrom(athena, source, handed)} AND not_loaded IS NULL AND finished_at < TIMESTAMP ${sqlText(time.toISOString().slice(0, -1).replace('T', ' '))}`,
  );
  return Number(row?.found);
}

/** Says that `rejected_lines` has only a part of the rejected lines. */
function keptText({ source, rejected, rejections: of }: Balance): string[] {
  const kept = of.reduce((sum, { lines }) => sum + lines, 0);
  if (kept >= rejected) return [];
  return [
    `${source}: ${thousands(kept)} of ${thousands(rejected)} rejected lines are kept with their reason: of each file at most ` +
      `${thousands(MAX_REJECTED_KEPT)}.`,
  ];
}

/** A table of the balances, a table of the filters that left out lines, and one of the rejection reasons. */
export function balanceText(found: readonly Balance[]): string {
  const table = renderTable(
    [{ name: 'source' }, ...COUNTS.map((name) => ({ name, align: 'right' as const }))],
    found.map((balance) => [
      balance.source,
      ...COUNTS.map((name) => (name === 'rejected' ? rejectedCell(balance[name]) : thousands(balance[name]))),
    ]),
  );
  const reasons = found.flatMap(({ source, rejections: of }) =>
    of.map(({ reason, lines, example }) => [source, reason, thousands(lines), example]),
  );
  const hits = found.flatMap(({ source, filters: of }) =>
    of.map(({ filter, lines, example }) => [source, filter, thousands(lines), excerpt(example)]),
  );
  const columnsFor = (name: string) => [
    { name: 'source' },
    { name },
    { name: 'lines', align: 'right' as const },
    { name: 'example', wrap: true as const },
  ];
  return [
    table,
    ...(hits.length > 0 ? [renderTable(columnsFor('left out by filter'), hits)] : []),
    ...(reasons.length > 0 ? [renderTable(columnsFor('rejection reason'), reasons)] : []),
    ...found.flatMap(keptText),
  ].join('\n\n');
}

function rejectedCell(lines: number): Cell {
  const text = thousands(lines);
  return lines > 0 ? { text, mark: 'warning' } : text;
}

/** As much of a line as a table on a terminal has room for. */
function excerpt(line: string): string {
  return escapeControls(line.length > EXCERPT_CHARS ? `${line.slice(0, EXCERPT_CHARS - 1)}…` : line);
}

const EXCERPT_CHARS = 60;

const COUNTS = ['files', 'lines', 'rows', 'filtered', 'rejected'] as const;

/** Runs a query. @returns its rows as objects */
export async function select(athena: Athena, sql: string): Promise<Record<string, unknown>[]> {
  return toJson(await athena.query(sql));
}

function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
