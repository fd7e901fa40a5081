/** The books of an audit: what `loads` says of each origin, beside what the tables have of it. */
import { MAX_REJECTED_KEPT } from '../../lambdas/core/loading/line-batcher.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { LOADS, loadsTable, REJECTED_LINES } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import {
  allRowsOf,
  isByEventDay,
  type LakeHandle,
  once,
  type ResultRow,
  sqlText,
  sqlTime,
  timeOf,
} from './lake-handle.ts';
import type { OperationOptions } from './operation-options.ts';

export interface Judged {
  readonly row: ResultRow;
  /** Which counts disagree, or undefined if none do. */
  readonly problem: string | undefined;
}

export interface Books {
  /** By origin, without the loads that are too recent to judge. */
  readonly loads: Map<string, Judged>;
  /** Origins in `loads` that are too recent to judge. */
  readonly young: Set<string>;
  /** Origins of objects that are in their buckets. */
  readonly seen: Set<string>;
  readonly recent: number;
}

/**
 * @param task from when on loads count
 * @param settled what came later is too recent to judge
 */
export async function readBooks(
  lake: LakeHandle,
  task: Period,
  settled: Date,
  options: OperationOptions,
): Promise<Books> {
  const loads = new Map<string, Judged>();
  const young = new Set<string>();
  const progress = options.progress('loads');
  for (const { settings } of lake.sources) {
    const days = daysOf(settings, task);
    const settledRows: ResultRow[] = [];
    for await (const row of lake.query(loadsQuery(lake, settings, task, days))) {
      if (timeOf(row.finished_at) > settled) young.add(String(row.origin));
      else settledRows.push(row);
      progress.add();
    }
    // Counted after that: an origin that has its row in `loads` is whole in every table.
    const counts = await countsOf(lake, settings, days);
    for (const row of settledRows) {
      const origin = String(row.origin);
      loads.set(origin, { row, problem: problemOf(row, counts.get(origin)) });
    }
  }
  progress.end();
  return { loads, young, seen: new Set(), recent: young.size };
}

/** Which loads count: those that were started at or after this time. @default all */
interface Period {
  readonly since?: Date;
}

const DAY_MS = 86_400_000;

/** Conditions on the days to read, of the lake's own tables and of the source's. */
interface Days {
  readonly ofLake: string;
  readonly ofSource: string;
}

function daysOf(settings: Source['settings'], { since }: Period): Days {
  // A load's rows are delivered before its row in loads: by at most two days, whatever the clocks and time zones.
  const day = since && sqlText(new Date(since.getTime() - 2 * DAY_MS).toISOString().slice(0, 10));
  const ofLake = day === undefined ? 'true' : `${PARTITION.name} >= ${day}`;
  return { ofLake, ofSource: isByEventDay(settings) ? 'true' : ofLake };
}

/** What the tables have of an origin. */
interface TableCounts {
  /** Rows, without repeats. */
  readonly rows: number;
  /** Of these, lines that `rejected_lines` has, too. */
  readonly rejected: number;
}

/** Counts the rows of each origin of a source in all of its tables. The same row is in two of them only if something is wrong. */
async function countsOf(
  lake: LakeHandle,
  { name: source }: Source['settings'],
  days: Days,
): Promise<ReadonlyMap<string, TableCounts>> {
  const counts = new Map<string, TableCounts>();
  for (const rows of await allRowsOf(lake, source, [OWN.origin.name, OWN.position.name])) {
    const query =
      `SELECT origin, count(*) AS in_table, sum(kept) AS kept FROM (` +
      `SELECT origin, position, max(in_table) AS in_table, max(kept) AS kept FROM (` +
      `SELECT origin, position, 1 AS in_table, 0 AS kept FROM ${rows} WHERE ${days.ofSource} UNION ALL ` +
      `SELECT origin, position, 0 AS in_table, 1 AS kept FROM ${rejectedOf(lake, source, days)}` +
      `) GROUP BY origin, position) WHERE in_table = 1 GROUP BY origin`;
    for await (const { origin, in_table, kept } of lake.query(query)) {
      const before = counts.get(String(origin));
      counts.set(String(origin), {
        rows: Number(in_table) + (before?.rows ?? 0),
        rejected: Number(kept) + (before?.rejected ?? 0),
      });
    }
  }
  return counts;
}

/** Query for a source's loads, each with the number of its lines that `rejected_lines` has. */
function loadsQuery(lake: LakeHandle, { name: source }: Source['settings'], { since }: Period, days: Days): string {
  const begun = since === undefined ? 'true' : `started_at >= ${sqlTime(since)}`;
  return (
    `SELECT l.*, coalesce(r.kept, 0) AS kept ` +
    `FROM ${once(lake, loadsTable, `source = ${sqlText(source)} AND ${days.ofLake}`)} l LEFT JOIN (` +
    `SELECT origin, count(DISTINCT position) AS kept FROM ${rejectedOf(lake, source, days)} GROUP BY origin` +
    `) r ON r.origin = l.origin WHERE ${begun}`
  );
}

function rejectedOf({ database }: LakeHandle, source: string, { ofLake }: Days): string {
  return `"${database}"."${REJECTED_LINES}" WHERE source = ${sqlText(source)} AND ${ofLake}`;
}

function problemOf(row: ResultRow, inTables: TableCounts = { rows: 0, rejected: 0 }): string | undefined {
  const [lines, rows, filtered, rejected] = [row.lines, row.rows, row.filtered, row.rejected].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  if (lines !== rows + filtered + rejected) {
    return `${LOADS} says ${lines} lines, but ${rows} rows + ${filtered} filtered + ${rejected} rejected`;
  }
  if (inTables.rows !== rows) return `${LOADS} says ${rows} rows, the table holds ${inTables.rows}`;
  // Of a flood of rejected lines only the first are kept, so that it is unknown how many of all have become rows.
  const noRows = Number(row.kept) - inTables.rejected;
  if (noRows !== rejected && Number(row.kept) < MAX_REJECTED_KEPT) {
    return `${LOADS} says ${rejected} rejected lines, ${REJECTED_LINES} holds ${noRows}`;
  }
  return undefined;
}
