/** The questions about a source's table, the most important first. */
import { OWN, PARTITION } from '../tables/table.ts';
import { rowsOf } from '../tables/views.ts';
import { type ColumnRoles, rolesOf } from './column-roles.ts';
import { between, heading, onDays, type QueriedTable, quoted, type SavedQuery, type TimeRange } from './saved-query.ts';

/** The questions that the table's columns can answer. */
export function sourceQueries(database: string, table: QueriedTable): SavedQuery[] {
  const roles = rolesOf(table);
  const asked = (range: TimeRange) => (table.where ? [table.where(range)] : []);
  return QUESTIONS.flatMap(({ name, ask }) => {
    const question = ask(roles, table.name);
    if (!question) return [];
    const { description, columns, where = [], rest } = question;
    return {
      name: `${table.name}-${name}`,
      source: table.name,
      description,
      sql: (range) =>
        [
          ...heading(description, table.note),
          `SELECT ${columns.join(',\n  ')}`,
          `FROM ${rowsIn(table, database)}`,
          `WHERE ${[...(roles.time ? [between(roles.time, range)] : []), onDays(range), ...asked(range), ...where].join('\n  AND ')}`,
          ...rest,
        ].join('\n'),
    };
  });
}

/** What to select the table's rows from. */
function rowsIn({ name, places, columns }: QueriedTable, database: string): string {
  const names = columns.map((column) => column.name).filter((column) => column !== PARTITION.name);
  return rowsOf({ tables: places ?? [{ database, name }], columns: names });
}

/** A query over a table. */
interface Question {
  readonly description: string;
  readonly columns: readonly string[];
  /** Conditions beside those on time and days. */
  readonly where?: readonly string[];
  /** The lines after the conditions. */
  readonly rest: readonly string[];
}

interface QuestionKind {
  /** The query's name without its table's. */
  readonly name: string;
  /** Undefined if the table has no columns for it. */
  ask(roles: ColumnRoles, table: string): Question | undefined;
}

/** Rows of an answer that a person reads. */
const TOP = 'LIMIT 100';

const errors = ({ status }: ColumnRoles) => (status ? [`count_if(${status} >= 500) AS errors_5xx`] : []);
const bytes = (roles: ColumnRoles) => (roles.bytes ? [`sum(${roles.bytes}) AS response_bytes`] : []);
const percentOfErrors = (status: string) =>
  `round(1e2 * count_if(${status} >= 500) / count(*), 2) AS percent_of_requests`;
const percentiles = (latency: string) => [
  ...[50, 95, 99].map((percent) => `approx_percentile(${latency}, ${percent / 100}) AS p${percent}`),
  `max(${latency}) AS longest`,
];
const unitOf = (latency: string) => `${latency.replaceAll('"', '')}, in the unit of that column`;

const QUESTIONS: readonly QuestionKind[] = [
  {
    name: 'top-urls',
    ask: (roles, table) =>
      roles.url === undefined
        ? undefined
        : {
            description: `URLs of ${table} with the most requests, without query strings.`,
            columns: [
              ...method(roles),
              `${roles.url} AS url`,
              'count(*) AS requests',
              ...errors(roles),
              ...bytes(roles),
            ],
            where: [`${roles.url} IS NOT NULL`],
            rest: grouped(roles.method ? 2 : 1, 'requests DESC'),
          },
  },
  {
    name: 'errors-by-target',
    ask: ({ target, status, targetStatus }, table) =>
      target === undefined || status === undefined
        ? undefined
        : {
            description: `Targets of ${table} with responses of 500 and above; none is where no target was reached.`,
            columns: [
              `coalesce(${target}, 'none') AS target`,
              'count(*) AS requests',
              `count_if(${status} >= 500) AS errors_5xx`,
              ...(targetStatus ? [`count_if(${targetStatus} >= 500) AS from_the_target`] : []),
              percentOfErrors(status),
            ],
            rest: ['GROUP BY 1', `HAVING count_if(${status} >= 500) > 0`, 'ORDER BY errors_5xx DESC, 1', TOP],
          },
  },
  {
    name: 'errors-by-url',
    ask: (roles, table) =>
      roles.url === undefined || roles.status === undefined
        ? undefined
        : {
            description: `Endpoints of ${table} with responses of 500 and above; {id} stands for numbers and UUIDs.`,
            columns: [
              ...method(roles),
              `${roles.endpoint} AS endpoint`,
              `${roles.status} AS status`,
              'count(*) AS errors_5xx',
            ],
            where: [`${roles.status} >= 500`],
            rest: grouped(roles.method ? 3 : 2, 'errors_5xx DESC'),
          },
  },
  {
    name: 'latency-by-minute',
    ask: ({ time, latency }, table) =>
      time === undefined || latency === undefined
        ? undefined
        : {
            description: `Percentiles of ${table} by minute: ${unitOf(latency)}.`,
            columns: [
              `date_trunc('minute', ${time}) AS minute`,
              `count(${latency}) AS requests`,
              ...percentiles(latency),
            ],
            rest: ['GROUP BY 1', 'ORDER BY 1'],
          },
  },
  {
    name: 'slowest-endpoints',
    ask: (roles, table) =>
      roles.latency === undefined || roles.endpoint === undefined
        ? undefined
        : {
            description: `Endpoints of ${table} by their 95th percentile: ${unitOf(roles.latency)}; {id} stands for numbers and UUIDs.`,
            columns: [
              ...method(roles),
              `${roles.endpoint} AS endpoint`,
              `count(${roles.latency}) AS requests`,
              ...percentiles(roles.latency),
            ],
            where: [`${roles.latency} IS NOT NULL`, `${roles.endpoint} IS NOT NULL`],
            rest: grouped(roles.method ? 2 : 1, 'p95 DESC'),
          },
  },
  {
    name: 'traffic-by-client',
    ask: (roles, table) =>
      roles.client === undefined
        ? undefined
        : {
            description: `Clients of ${table} with the most requests.`,
            columns: [`${roles.client} AS client`, 'count(*) AS requests', ...errors(roles), ...bytes(roles)],
            rest: grouped(1, 'requests DESC'),
          },
  },
  {
    name: 'requests-by-project',
    ask: (roles, table) =>
      roles.project === undefined
        ? undefined
        : {
            description: `Projects of ${table}, which are the first parts of the hosts' names, with their requests.`,
            columns: [
              `${roles.project} AS project`,
              'count(*) AS requests',
              ...errors(roles),
              ...(roles.status ? [percentOfErrors(roles.status)] : []),
              ...bytes(roles),
              ...(roles.latency ? percentiles(roles.latency) : []),
            ],
            rest: grouped(1, 'requests DESC'),
          },
  },
  {
    name: 'events-by-level',
    ask: ({ level, time }, table) =>
      level === undefined
        ? undefined
        : {
            description: `Events of ${table} by level, with the times of the first and the last one.`,
            columns: [
              `${level} AS level`,
              'count(*) AS events',
              ...(time ? [`min(${time}) AS first_event`, `max(${time}) AS last_event`] : []),
            ],
            rest: ['GROUP BY 1', 'ORDER BY events DESC, 1', TOP],
          },
  },
  {
    name: 'rows-by-minute',
    ask: (roles, table) =>
      roles.time === undefined
        ? undefined
        : {
            description: `Rows of ${table} by the minute of their events.`,
            columns: [
              `date_trunc('minute', ${roles.time}) AS minute`,
              'count(*) AS row_count',
              ...errors(roles),
              ...bytes(roles),
            ],
            rest: ['GROUP BY 1', 'ORDER BY 1'],
          },
  },
  {
    name: 'repeats',
    ask: (_, table) => {
      const position = quoted(OWN.position.name);
      const repeats = `count(*) - count(DISTINCT ${position})`;
      return {
        description: `Inputs of ${table} whose rows were delivered more than once, by origin and position; none is the rule.`,
        columns: [
          quoted(OWN.origin.name),
          'count(*) AS row_count',
          `${repeats} AS repeated`,
          `min(${PARTITION.name}) AS first_day`,
          `max(${PARTITION.name}) AS last_day`,
        ],
        rest: ['GROUP BY 1', `HAVING ${repeats} > 0`, 'ORDER BY repeated DESC, 1', TOP],
      };
    },
  },
];

/** The first column of an answer by URL, if the table has methods. */
function method({ method: column }: ColumnRoles): string[] {
  return column ? [`${column} AS method`] : [];
}

/** Groups by the first columns, and orders by a count, then by these columns, so that the answer is always the same. */
function grouped(columns: number, order: string): string[] {
  const places = Array.from({ length: columns }, (_, index) => index + 1).join(', ');
  return [`GROUP BY ${places}`, `ORDER BY ${order}, ${places}`, TOP];
}
