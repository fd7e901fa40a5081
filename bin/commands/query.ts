import { type Command, InvalidArgumentError, Option } from 'commander';
import { savedQueries } from '../../lambdas/core/queries/saved-queries.ts';
import type { SavedQuery, TimeRange } from '../../lambdas/core/queries/saved-query.ts';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';
import { type QueryResult, toCsv, toJson } from '../../local/athena/query-result.ts';
import { UsageError } from '../output/command-error.ts';
import { print, printAsItIs, printJson, say, warn } from '../output/output.ts';
import { showProgress } from '../output/progress.ts';
import { escapeControls, renderTable } from '../output/render.ts';
import { allDaysWarning, tablesRead, tablesReadWhole } from '../queries/all-days.ts';
import { type AskedRange, askedRange, rangeText, wholeRange } from '../queries/asked-range.ts';
import { asked, ownTableWarning } from '../queries/divided.ts';
import { formerTablesWarning } from '../queries/former-tables.ts';
import { type OpenLake, type OpenQueries, openDeployedQueries, openLocalQueries } from '../queries/open-queries.ts';
import { scannedText } from '../queries/scanned.ts';
import { isDay, requireRange, sinceOption, stackOption, untilOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface QueryOptions extends AskedRange {
  readonly lake: string;
  readonly stack?: string;
  readonly json?: true;
  readonly csv?: true;
  readonly microseconds?: true;
  readonly print?: true;
  readonly value?: readonly string[];
}

/** `lake query` */
export function addQuery(program: Command): void {
  program
    .command('query')
    .description(
      'runs a saved query by its name, or any SQL query, on a local lake or in Athena; lists the saved queries',
    )
    .argument('[name or sql]', 'name of a saved query, or SQL in quotes; without it, the saved queries are listed')
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(sinceOption('saved query: only events'))
    .addOption(untilOption('saved query: only events'))
    .addOption(
      new Option(
        '--arrived <days>',
        'saved query: read these days of dt, YYYY-MM-DD or two of them with .. between, for logs that came late',
      ).argParser(arrivedDays),
    )
    .addOption(
      new Option(
        '--value <value>',
        'saved query of a source with fanOut: only rows with this value; may be given several times',
      ).argParser((value: string, before: readonly string[] = []) => [...before, value]),
    )
    .addOption(new Option('--print', 'print the SQL of a saved query and do not run it'))
    .addOption(jsonOption().conflicts('csv'))
    .addOption(new Option('--csv', 'print CSV with a header line; null is an empty field, and an empty text is ""'))
    .addOption(
      new Option('--microseconds', 'show timestamps whole; Athena reads them to the millisecond').conflicts('stack'),
    )
    .addHelpText(
      'after',
      '\nA saved query is asked for the last 24 hours with --stack, and for all that a local lake has loaded. ' +
        'With --stack, the query runs in the workgroup, and a line says what it scanned and cost.\n' +
        'On a local lake, a query can only read. Cells contain what was logged: a spreadsheet may take text that ' +
        'begins with =, +, - or @ for a formula and run it, so import CSV there as text. On a terminal, control ' +
        'characters are escaped.',
    )
    .action(runQuery);
}

async function runQuery(given: string | undefined, options: QueryOptions, command: Command): Promise<void> {
  const { stack, lake, microseconds = false } = options;
  const isNamed = given !== undefined && NAME.test(given);
  const misplaced = (['since', 'until', 'arrived', 'value', 'print'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (!isNamed && misplaced) command.error(`error: --${misplaced}: expected the name of a saved query beside it`);
  requireRange(options.since, options.until);
  const queries = stack === undefined ? await openLocalQueries(lake, microseconds) : openDeployedQueries(stack);
  try {
    if (given === undefined) listQueries(savedQueries(await queries.lake()), options);
    else if (isNamed) await runSaved(queries, given, options);
    else {
      await warnOfOwnTable(queries, given);
      await show(queries, given, options);
    }
  } finally {
    await queries.close();
  }
}

/** A saved query's name: one word, which no SQL statement is, with hyphens between its parts. */
const NAME = /^[a-z0-9_]+(?:-[a-z0-9_]+)*$/;

function listQueries(saved: readonly SavedQuery[], { json }: QueryOptions): void {
  if (json) printJson(saved.map(({ name, source = null, description }) => ({ name, source, description })));
  else {
    print(
      renderTable(
        [{ name: 'saved query' }, { name: 'what it answers', wrap: true }],
        saved.map(({ name, description }) => [name, description]),
      ),
    );
  }
}

async function runSaved(queries: OpenQueries, name: string, options: QueryOptions): Promise<void> {
  const { since, until, arrived, stack } = options;
  const lake = await queries.lake();
  const saved = savedQueries(lake);
  const found = saved.find((each) => each.name === name);
  if (!found) {
    const meant = didYouMean(
      name,
      saved.map((each) => each.name),
    );
    throw new UsageError(`no saved query ${name}: \`lake query\` without a name lists them${meant}`);
  }
  const query = await asAsked(queries, lake, found, options.value);
  const isWhole = stack === undefined && since === undefined && until === undefined;
  const whole = isWhole ? await wholeRange(queries, query) : undefined;
  const range = whole ? { ...whole, ...(arrived && { days: arrived }) } : askedRange(options);
  if (options.print) return printAsItIs(query.sql(range));
  say(`${name}: ${rangeText(range)}`);
  const rows = await show(queries, query.sql(range), options);
  // Of all that was loaded, nothing lies elsewhere.
  if (rows === 0 && !whole && query.source !== undefined) {
    say(
      'no rows in this range. Logs that came late lie under the day on which they came: `lake query arrival-days` ' +
        'with the same times lists these days, and --arrived reads them.',
    );
  }
}

/** The query over the tables that have the rows. */
async function asAsked(
  queries: OpenQueries,
  lake: OpenLake,
  query: SavedQuery,
  values: readonly string[] | undefined,
): Promise<SavedQuery> {
  const { name, source } = query;
  const table = lake.tables.find((each) => each.name === source);
  const { fanOut } = table ?? {};
  if (!table || !fanOut) {
    if (values === undefined) return query;
    throw new UsageError(
      `--value: ${name} asks no source with fanOut, whose rows are divided by the values of a column`,
    );
  }
  const divided = asked({ ...table, fanOut }, await queries.placesOf(table.name), lake.database, values);
  const same = savedQueries({ ...lake, tables: [divided] }).find((each) => each.name === name);
  return same ?? query;
}

/** Runs a query and prints its result. @returns the number of its rows */
async function show(queries: OpenQueries, sql: string, options: QueryOptions): Promise<number> {
  if (options.stack !== undefined) await warnOf(queries, sql);
  const progress = showProgress('running the query');
  const { result, scanned } = await queries.run(sql).finally(progress.end);
  if (options.json) printJson(toJson(result));
  else if (options.csv) process.stdout.write(toCsv(result, process.stdout.isTTY ? escapeControls : undefined));
  else print(resultTable(result));
  if (scanned) say(scannedText(scanned));
  return result.rows.length;
}

/** Says of SQL that it asks one table of a source that has several. */
async function warnOfOwnTable(queries: OpenQueries, sql: string): Promise<void> {
  const read = (await tablesRead(sql)) ?? [];
  if (read.length === 0) return;
  const lake = await queries.lake().catch(() => undefined);
  const warning = lake && ownTableWarning(read, lake);
  if (warning) warn(warning);
}

/** Says what a query on AWS costs or answers otherwise than it may be meant to. A lake that cannot be asked stops no query. */
async function warnOf(queries: OpenQueries, sql: string): Promise<void> {
  const whole = allDaysWarning(await tablesReadWhole(sql));
  if (whole) warn(whole);
  const read = (await tablesRead(sql)) ?? [];
  if (read.every(({ database }) => database !== '')) return;
  const lake = await queries.lake().catch(() => undefined);
  const former = lake && formerTablesWarning(read, lake);
  if (former) warn(former);
}

/** Reads `2026-11-28` or `2026-11-28..2026-11-30`. */
function arrivedDays(text: string): TimeRange['days'] {
  const [from = '', to = from, ...more] = text.split('..');
  if (more.length === 0 && isDay(from) && isDay(to) && from <= to) return { from, to };
  throw new InvalidArgumentError(`expected a day such as 2026-11-28, or two with .. between, got ${text}`);
}

const NUMERIC = /^(tinyint|smallint|integer|bigint|hugeint|float|double|decimal.*)$/;

/** A result as a table; null is an empty cell, and an empty text is `""`. */
export function resultTable({ columns, rows }: QueryResult): string {
  const aligned = columns.map(({ name, type }) => ({
    name,
    align: NUMERIC.test(type) ? ('right' as const) : ('left' as const),
  }));
  return renderTable(
    aligned,
    rows.map((row) => row.map(cell)),
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value === '') return '""';
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
