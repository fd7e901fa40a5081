/** The questions about a lake as a whole, over its own tables. */
import { FORMATS } from '../formats/registry.ts';
import { BLANK_LINE, JOINED } from '../reading/format.ts';
import { LOADS, REJECTED_LINES } from '../tables/lake-tables.ts';
import { PARTITION } from '../tables/table.ts';
import { isNotReplaced, onceSelect } from '../tables/views.ts';
import { between, heading, onDays, quoted, type SavedQuery, type TimeRange, timestampLiteral } from './saved-query.ts';

export function lakeQueries(database: string): SavedQuery[] {
  const loads = `${quoted(database)}.${quoted(LOADS)}`;
  const loadsOnce = (columns: readonly string[], range: TimeRange) =>
    once(database, LOADS, columns, range, 'finished_at');
  const queries: readonly Omit<SavedQuery, 'source'>[] = [
    {
      name: 'balance-by-day',
      description:
        'Lines of each source by the day on which they were loaded: lines = rows + filtered + rejected, and missing is 0.',
      sql: (range) =>
        [
          `SELECT ${PARTITION.name}, source, count(*) AS inputs, sum(lines) AS lines, sum("rows") AS "rows",`,
          '  sum(filtered) AS filtered, sum(rejected) AS rejected,',
          '  sum(lines - "rows" - filtered - rejected) AS missing',
          `FROM (${loadsOnce(['source', 'lines', 'rows', 'filtered', 'rejected'], range)})`,
          'GROUP BY 1, 2',
          'ORDER BY 1, 2',
        ].join('\n'),
    },
    {
      name: 'rejected-by-reason',
      description:
        'Rejected lines by source and reason, each with the detail of one of them; of one input at most 1,000 are kept.',
      sql: (range) =>
        [
          'SELECT source, reason, count(*) AS lines, min(detail) AS example',
          `FROM (${once(database, REJECTED_LINES, ['source', 'reason', 'detail'], range, 'rejected_at')})`,
          'GROUP BY 1, 2',
          'ORDER BY lines DESC, 1, 2',
        ].join('\n'),
    },
    {
      name: 'filtered-by-filter',
      description: 'Lines that filters left out, by source and filter, each with the start of one of them.',
      sql: (range) =>
        [
          'SELECT source, filter,',
          "  sum(CAST(json_extract_scalar(filtered_by, concat('$.', filter, '.lines')) AS bigint)) AS lines,",
          "  min(json_extract_scalar(filtered_by, concat('$.', filter, '.example'))) AS example",
          `FROM (${loadsOnce(['source', 'filtered_by'], range)})`,
          `CROSS JOIN UNNEST(ARRAY[${filterNames().map((name) => `'${name}'`)}]) AS filters (filter)`,
          "WHERE json_extract_scalar(filtered_by, concat('$.', filter, '.lines')) IS NOT NULL",
          'GROUP BY 1, 2',
          'ORDER BY lines DESC, 1, 2',
        ].join('\n'),
    },
    {
      name: 'freshness',
      description:
        "What came last of each source, and the seconds from an input's last event until Firehose had acknowledged its rows.",
      sql: (range) => {
        const seconds = "date_diff('second', last_event_time, finished_at)";
        return [
          'SELECT source, count(DISTINCT origin) AS inputs, max(last_event_time) AS newest_event, max(finished_at) AS last_loaded,',
          `  approx_percentile(${seconds}, 0.5) AS seconds_p50, approx_percentile(${seconds}, 0.95) AS seconds_p95,`,
          `  max(${seconds}) AS seconds_longest`,
          `FROM ${loads}`,
          `WHERE ${between('finished_at', range)}`,
          `  AND ${onDays(range)}`,
          'GROUP BY 1',
          'ORDER BY 1',
        ].join('\n');
      },
    },
    {
      name: 'incomplete-inputs',
      description:
        'Inputs that could not be had (not_loaded says why), whose rows may be wrong, or whose rows are all empty.',
      sql: (range) => {
        const columns = ['source', 'not_loaded', 'unverified_rows', 'empty_rows', 'rows', 'bucket', 'object_key'];
        return [
          `SELECT ${columns.map(quoted).join(', ')}, finished_at`,
          `FROM (${loadsOnce([...columns, 'finished_at'], range)})`,
          'WHERE not_loaded IS NOT NULL OR unverified_rows > 0 OR (empty_rows > 0 AND empty_rows = "rows")',
          'ORDER BY finished_at DESC, object_key',
          'LIMIT 100',
        ].join('\n');
      },
    },
    {
      name: 'arrival-days',
      description:
        'Days on which inputs with events of the range were loaded: what Firehose delivered lies under these days of dt.',
      // Rows can have arrived on any day since their events: this small table is read from the first of them on.
      sql: ({ since, until, days }) =>
        [
          `SELECT source, ${PARTITION.name}, count(*) AS inputs, sum("rows") AS "rows",`,
          '  min(first_event_time) AS first_event, max(last_event_time) AS last_event',
          `FROM ${loads}`,
          `WHERE last_event_time >= ${timestampLiteral(since)} AND first_event_time < ${timestampLiteral(until)}`,
          `  AND ${PARTITION.name} >= '${days.from}'`,
          'GROUP BY 1, 2',
          'ORDER BY 1, 2',
        ].join('\n'),
    },
  ];
  return queries.map((query) => ({
    ...query,
    source: undefined,
    sql: (range) => [...heading(query.description), query.sql(range)].join('\n'),
  }));
}

/** A table's rows of a range without repeats and replaced objects: the query of its view, with the days inside. */
function once(database: string, table: string, columns: readonly string[], range: TimeRange, time: string): string {
  // A later version of an object comes on a later day.
  const isNotOld = isNotReplaced(database, `${PARTITION.name} >= '${range.days.from}'`);
  const tables = [{ database, name: table }] as const;
  return onceSelect({ tables, columns }, `${between(time, range)} AND ${onDays(range)} AND ${isNotOld}`);
}

/** The filters of every format. A filter that none has any more has left no lines out since. */
function filterNames(): string[] {
  const ofFormats = [...FORMATS.values()].flatMap(({ filters = {} }) => Object.keys(filters));
  return [...new Set([BLANK_LINE, JOINED, ...ofFormats])];
}
