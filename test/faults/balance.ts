import { expect } from 'vitest';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { select } from '../../bin/output/balance.ts';
import { BATCHES_IN_FLIGHT } from '../../lambdas/core/loading/load.ts';
import { MAX_BATCH_BYTES } from '../../lambdas/core/loading/pack.ts';
import { type Athena, openAthena } from '../../local/athena/athena.ts';
import { FILLING_BYTES, type Logs, MISPLACED } from './logs.ts';

/** What a lake holds of the logs given to it. */
export interface Found {
  readonly lines: number;
  /** Lines that should be rows or rejected lines, and are not. */
  readonly lost: number;
  /** Rows beyond one per line. */
  readonly repeated: number;
  readonly rejected: number;
}

/** Rows that a batch can hold at most, where each has its filling. */
const ROWS_PER_BATCH = Math.ceil(MAX_BATCH_BYTES / FILLING_BYTES);

/** Rows that can repeat when an attempt ends before its checkpoints are written: the batches under way. */
export const MOST_REPEATED_PER_DEATH = BATCHES_IN_FLIGHT * ROWS_PER_BATCH;

/** Rows that can repeat when Firehose took a batch and its answer was lost. */
export const MOST_REPEATED_PER_LOST_ANSWER = ROWS_PER_BATCH;

/**
 * Asserts by SQL that each of the logs is balanced: one load in `loads` with its exact counts, each
 * line that is a row in the table and each other in `rejected_lines`, every row at its own position,
 * and nothing in the tables that `loads` does not know.
 *
 * @param tables that have the rows of the source `alb` together
 */
export async function expectBalanced(
  dir: string,
  logs: readonly Logs[],
  tables: readonly string[] = ['alb'],
): Promise<Found> {
  const athena = await openAthena(readLakeFolder(dir));
  try {
    const found = { lines: 0, lost: 0, repeated: 0, rejected: 0 };
    for (const table of ['alb', 'app'] as const) {
      const of = logs.filter((each) => each.table === table);
      if (of.length === 0) continue;
      expect(await loads(athena, table)).toEqual(byName(of, loadOf));
      const place = together(table === 'alb' ? tables : [table]);
      const rows = await positions(athena, place);
      expect(await orphans(athena, place)).toBe(0);
      expect(await misplaced(athena, place, MISPLACED[table])).toBe(0);
      const rejected = await positions(athena, 'rejected_lines', table);
      for (const each of of) {
        found.lines += each.lines.length;
        found.lost += missing(rows, each.name, each.rows) + missing(rejected, each.name, each.rejected);
        found.repeated += (rows.get(each.name)?.found ?? 0) - (rows.get(each.name)?.distinct ?? 0);
        found.rejected += rejected.get(each.name)?.distinct ?? 0;
      }
      expect(found.lost).toBe(0);
      expect(numbersOf(rows)).toEqual(numbersOf(byName(of, (each) => summary(each.rows))));
      const withRejected = of.filter((each) => each.rejected.length > 0);
      expect(numbersOf(rejected)).toEqual(numbersOf(byName(withRejected, (each) => summary(each.rejected))));
    }
    return found;
  } finally {
    await athena.close();
  }
}

/** What to select all rows of some tables with the same columns from. */
function together(tables: readonly string[]): string {
  return `(${tables.map((table) => `SELECT * FROM "${table}"`).join(' UNION ALL ')})`;
}

interface Load {
  readonly origins: number;
  readonly lines: number;
  readonly rows: number;
  readonly filtered: number;
  readonly rejected: number;
}

function loadOf({ lines, rows, rejected }: Logs): Load {
  const filtered = lines.length - rows.length - rejected.length;
  return { origins: 1, lines: lines.length, rows: rows.length, filtered, rejected: rejected.length };
}

/** Each load by its name, without objects that were replaced before they were read; a repeat of a load's row must say the same, or it shows as a second one. */
async function loads(athena: Athena, table: string): Promise<Map<string, Load>> {
  const found = await select(
    athena,
    `SELECT name, count(*) AS origins, min(lines) AS lines, min("rows") AS "rows", min(filtered) AS filtered, min(rejected) AS rejected
     FROM (SELECT DISTINCT coalesce(object_key, log_stream) AS name, origin, lines, "rows", filtered, rejected
       FROM loads WHERE source = '${table}' AND not_loaded IS NULL) GROUP BY name`,
  );
  return new Map(
    found.map(({ name, origins, lines, rows, filtered, rejected }) => [
      String(name),
      {
        origins: Number(origins),
        lines: Number(lines),
        rows: Number(rows),
        filtered: Number(filtered),
        rejected: Number(rejected),
      },
    ]),
  );
}

interface Positions {
  readonly found: number;
  readonly distinct: number;
  /** Of the distinct positions: with their number it tells one set from another well enough. */
  readonly sum: number;
  readonly largest: number;
}

async function positions(athena: Athena, place: string, source?: string): Promise<Map<string, Positions>> {
  const rows = await select(
    athena,
    `SELECT name, count(*) AS found, count(DISTINCT position) AS different, sum(DISTINCT position) AS total, max(position) AS largest
     FROM ${place} JOIN (SELECT DISTINCT origin, coalesce(object_key, log_stream) AS name FROM loads) USING (origin)
     ${source ? `WHERE source = '${source}'` : ''} GROUP BY name`,
  );
  return new Map(
    rows.map(({ name, found, different, total, largest }) => [
      String(name),
      { found: Number(found), distinct: Number(different), sum: Number(total), largest: Number(largest) },
    ]),
  );
}

async function orphans(athena: Athena, place: string): Promise<number> {
  const [row] = await select(
    athena,
    `SELECT count(*) AS n FROM ${place} WHERE origin NOT IN (SELECT origin FROM loads)`,
  );
  return Number(row?.n);
}

async function misplaced(athena: Athena, place: string, condition: string): Promise<number> {
  const [row] = await select(athena, `SELECT count(*) AS n FROM ${place} WHERE ${condition}`);
  return Number(row?.n);
}

function missing(found: ReadonlyMap<string, Positions>, name: string, expected: readonly number[]): number {
  return expected.length - (found.get(name)?.distinct ?? 0);
}

function summary(expected: readonly number[]): Positions {
  const sum = expected.reduce((total, position) => total + position, 0);
  return { found: expected.length, distinct: expected.length, sum, largest: expected.at(-1) ?? 0 };
}

/** Without how often each was found: repeats are bounded by whoever knows what was done to the lake. */
function numbersOf(all: ReadonlyMap<string, Positions>): Map<string, Omit<Positions, 'found'>> {
  return new Map([...all].map(([name, { found: _, ...rest }]) => [name, rest]));
}

function byName<T>(logs: readonly Logs[], of: (each: Logs) => T): Map<string, T> {
  return new Map(logs.map((each) => [each.name, of(each)]));
}
