import type { UnreadableReason } from '../../lambdas/core/lines/unreadable.ts';
import { KEPT_RAW_CHARS } from '../../lambdas/core/loading/lake-rows.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { MAX_RECORD_BYTES } from '../../lambdas/core/loading/pack.ts';
import { PIECE } from '../../lambdas/core/reading/envelope.ts';
import { readLine } from '../../lambdas/core/reading/format.ts';
import { BAD_PAYLOAD } from '../../lambdas/core/reading/input-reader.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import { rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import { checkExpression } from '../../local/athena/expression.ts';
import { QueryError } from '../../local/athena/statement.ts';
import { UsageError } from '../output/command-error.ts';
import { decided } from './added-rows.ts';
import { loadsOf } from './amend.ts';
import { type Amendment, NO_AMENDMENT } from './amendment-notes.ts';
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
import { Loads } from './loaded-by.ts';
import type { OperationOptions } from './operation-options.ts';
import { CONVERSION_FAILED } from './rejected-rows.ts';
import { type Replays, replaysOf } from './replays.ts';

/** Which rejected lines to read again. */
export interface LinesToReplay {
  /** An SQL condition on the columns of `rejected_lines`: one expression. */
  readonly where: string;
  /** Only lines rejected at or after this time. */
  readonly since?: Date;
}

/** Result of a replay. lines = replayed + stillRejected + cut + notLoaded. */
export interface ReplayCounts {
  /** Lines that match the condition and are not rows yet. */
  readonly lines: number;
  /** Lines that became rows; in a dry run, lines that would have become rows. */
  readonly replayed: number;
  readonly stillRejected: number;
  /** Lines that `rejected_lines` contains only in part: only `backfill --reload` of their object reads them again. */
  readonly cut: number;
  /** Lines of objects whose load is not finished, or not yet in the tables. */
  readonly notLoaded: number;
}

/** Reasons of an object that could not be read to its end: what is kept of it is not a whole line. */
const UNREADABLE: readonly UnreadableReason[] = [
  'broken_gzip',
  'broken_zstd',
  'decompression_bomb',
  'unreadable_content',
];

/** Rejection reasons without a whole line: the end of a broken object, the start or a piece of a long line, or a row. */
const NO_LINES: readonly string[] = [
  ...UNREADABLE,
  ...[BAD_PAYLOAD, 'line_too_long', PIECE.reason, 'no_progress', 'row_too_large', CONVERSION_FAILED],
];

const DAY_MS = 86_400_000;

/**
 * Reads rejected lines again with the current formats. Lines that can be read now become rows with their original
 * origin and position, and `loads` gets a row with the corrected counts; the other lines stay rejected. A line that has
 * become a row, by a replay or a reload, is left out of the next replay. replays.ts says what a crash leaves.
 *
 * @throws UsageError if the condition is not one expression
 */
export async function replayRejected(
  lake: LakeHandle,
  task: LinesToReplay,
  options: OperationOptions,
): Promise<ReplayCounts> {
  await checkCondition(task.where);
  const counts = { lines: 0, replayed: 0, stillRejected: 0, cut: 0, notLoaded: 0 };
  const progress = options.progress('rejected lines');
  for (const source of lake.sources) {
    const bases = await basesOf(lake, source, task);
    const replays = replaysOf(lake, source);
    const loads = new Loads(lake);
    const inTables = await linesInTables(lake, source, task);
    for await (const lines of originsOf(lake.query(candidates(lake, source, task)))) {
      const base = bases.get(String(lines[0]?.origin));
      const found = await replayOrigin(lake, source, { lines, inTables, base, loads }, replays, options);
      counts.lines += found.lines;
      counts.replayed += found.replayed;
      counts.stillRejected += found.stillRejected;
      counts.cut += found.cut;
      counts.notLoaded += found.notLoaded;
      progress.add(lines.length);
    }
    await replays.end();
  }
  progress.end();
  return counts;
}

/** @throws UsageError if the condition could become another part of the queries that it is put into */
async function checkCondition(where: string): Promise<void> {
  try {
    await checkExpression(where);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new UsageError(`--where ${JSON.stringify(where)}: ${error.message}`);
  }
}

async function basesOf(lake: LakeHandle, { settings }: Source, task: LinesToReplay) {
  const origins: string[] = [];
  const lines = once(lake, rejectedTable, condition(settings.name, task));
  for await (const { origin } of lake.query(`SELECT DISTINCT origin FROM ${lines}`)) origins.push(String(origin));
  return loadsOf(lake, origins);
}

function condition(source: string, { where, since }: LinesToReplay): string {
  const recent = since ? ` AND ${PARTITION.name} >= ${day(since)} AND rejected_at >= ${sqlTime(since)}` : '';
  return `source = ${sqlText(source)}${recent} AND (${where})`;
}

/** Query for the matching lines, grouped by origin. */
function candidates(lake: LakeHandle, { settings }: Source, task: LinesToReplay): string {
  const columns = 'origin, position, reason, raw, logged_at, log_group, log_stream, payload, payload_position';
  const lines = once(lake, rejectedTable, condition(settings.name, task));
  return `SELECT ${columns} FROM ${lines} r ORDER BY origin, position`;
}

/**
 * The matching lines that are rows in a table, because they were replayed or loaded again: few beside those that match. What
 * becomes a row after this is noted in the ledger, which is asked for each origin.
 */
async function linesInTables(
  lake: LakeHandle,
  { settings }: Source,
  task: LinesToReplay,
): Promise<ReadonlySet<string>> {
  const { name } = settings;
  const recent = task.since && !isByEventDay(settings) ? `WHERE ${PARTITION.name} >= ${day(task.since)}` : '';
  const found = new Set<string>();
  for (const rows of await allRowsOf(lake, name, [OWN.origin.name, OWN.position.name])) {
    const query =
      `SELECT DISTINCT r.origin, r.position FROM ${once(lake, rejectedTable, condition(name, task))} r ` +
      `JOIN (SELECT origin, position FROM ${rows} ${recent}) t ON t.origin = r.origin AND t.position = r.position`;
    for await (const line of lake.query(query)) found.add(placeOf(line));
  }
  return found;
}

function placeOf({ origin, position }: ResultRow): string {
  return `${origin} ${position}`;
}

/** The partition of the day before: partitions are days in the lake's time zone, which may be behind UTC. */
function day(time: Date): string {
  return sqlText(new Date(time.getTime() - DAY_MS).toISOString().slice(0, 10));
}

/**
 * Lines grouped by origin. A group fits in memory: `rejected_lines` keeps at most 1,000 lines per origin, besides rows
 * that could not be converted.
 */
async function* originsOf(rows: AsyncIterable<ResultRow>): AsyncGenerator<ResultRow[]> {
  let lines: ResultRow[] = [];
  for await (const row of rows) {
    if (lines.length > 0 && lines[0]?.origin !== row.origin) {
      yield lines;
      lines = [];
    }
    lines.push(row);
  }
  if (lines.length > 0) yield lines;
}

/** The rejected lines of an origin. */
interface RejectedLines {
  readonly lines: readonly ResultRow[];
  /** Those of all origins that are rows in a table, by `placeOf`. */
  readonly inTables: ReadonlySet<string>;
  /** The row that the origin's load wrote to `loads`; undefined if it has none yet. */
  readonly base: ResultRow | undefined;
  readonly loads: Loads;
}

async function replayOrigin(
  lake: LakeHandle,
  source: Source,
  { lines, inTables, base, loads }: RejectedLines,
  replays: Replays,
  options: OperationOptions,
): Promise<ReplayCounts> {
  const isRow = (line: ResultRow) => inTables.has(placeOf(line));
  const noRows = lines.filter((line) => !isRow(line));
  const none = { lines: noRows.length, replayed: 0, stillRejected: 0, cut: 0, notLoaded: 0 };
  const by = base && (await loads.loadedBy(source, base));
  if (!by || timeOf(base.finished_at) > lake.settledBefore()) return { ...none, notLoaded: noRows.length };
  const before = await decided(lake, base, options.dryRun);
  const [done, begun] = [new Set(before.amendment.rows), new Set(before.begun)];
  // A replay that was interrupted is not yet counted in `loads`; a reload is.
  const open = lines.filter((line) =>
    isRow(line) ? begun.has(Number(line.position)) : !done.has(Number(line.position)),
  );
  const whole = open.filter(({ reason, raw }) => isWhole(String(reason), raw));
  const found = readAgain(source, base, whole);
  if (!options.dryRun && found.rows.length > 0) {
    await options.rateLimit(found.rows.length);
    const { entry, batch } = by;
    await replays.add({ base, before, more: found.amendment, rows: found.rows, created: entry?.modified, batch });
  }
  return {
    ...none,
    lines: open.length,
    replayed: found.rows.length,
    stillRejected: whole.length - found.rows.length,
    cut: open.length - whole.length,
  };
}

function isWhole(reason: string, raw: unknown): boolean {
  return !NO_LINES.includes(reason) && typeof raw === 'string' && raw.length < KEPT_RAW_CHARS;
}

/** Reads the lines again. @returns the new rows and the amendment of their origin's counts */
function readAgain({ settings, format }: Source, base: ResultRow, lines: readonly ResultRow[]) {
  const row = new Row(format.columns, sharedValues(format, base));
  const rows: string[] = [];
  const positions: number[] = [];
  const times: number[] = [];
  let fieldErrors = 0;
  let unknownFields = 0;
  for (const line of lines) {
    const raw = String(line.raw);
    const position = Number(line.position);
    const timestamp = line.logged_at === null ? undefined : timeOf(line.logged_at).getTime();
    if (line.payload !== null) row.beginPayload(ofPayload(line), position - Number(line.payload_position));
    row.begin(timestamp);
    if (readLine(format.reader, raw, row).kind !== 'row') continue;
    const json = row.json(String(line.origin), position, raw, settings.keepRaw);
    if (Buffer.byteLength(json) >= MAX_RECORD_BYTES) continue;
    rows.push(json);
    positions.push(position);
    fieldErrors += row.fieldErrors;
    unknownFields += row.unknownFields;
    const time = row.eventTime ?? timestamp;
    if (time !== undefined) times.push(time);
  }
  const amendment: Amendment = {
    ...NO_AMENDMENT,
    ...{ rows: positions, fieldErrors, unknownFields },
    ...(times.length > 0 && { firstEventTime: Math.min(...times), lastEventTime: Math.max(...times) }),
  };
  return { rows, amendment };
}

/** The values that all events of a payload have in common, if it came in an object of payloads. */
function ofPayload(line: ResultRow): ReadonlyMap<string, string> {
  const names = [OWN.logGroup.name, OWN.logStream.name, OWN.payload.name];
  return new Map(names.map((name) => [name, String(line[name])]));
}

/** The values that all rows of the input have in common, taken from its row in `loads`. */
function sharedValues(format: Source['format'], base: ResultRow): ReadonlyMap<string, string> {
  if (base.object_key !== null) return format.keyFacts?.(String(base.object_key)) ?? new Map();
  return new Map([
    [OWN.logGroup.name, String(base.log_group)],
    [OWN.logStream.name, String(base.log_stream)],
  ]);
}
