/** Rows with a value in every column of a source's table, as the loading functions would send them. */
import { originOf } from '../../lambdas/core/loading/input.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import { type ColumnType, OWN, type Table } from '../../lambdas/core/tables/table.ts';

/** A row's values by the names of its columns; a column without a value is null in the table. */
export type Values = Readonly<Record<string, unknown>>;

export interface TestRow {
  /** The row as it is sent to Firehose. */
  readonly json: string;
  readonly values: Values;
}

/** Rows that are sent to one stream. */
export interface TestRows {
  readonly origin: string;
  readonly rows: readonly TestRow[];
}

/** One time in each form that rows have: whole seconds and milliseconds are numbers, microseconds are text. */
const TIMES = ['2026-01-05T10:00:00Z', '2026-01-05T10:00:00.123Z', '2026-01-05T10:00:00.123456Z'];

/** These columns are written by `Row.json`. */
const WRITTEN_BY_ROW: readonly string[] = [OWN.origin, OWN.position, OWN.extra, OWN.errors, OWN.raw].map(
  ({ name }) => name,
);

/**
 * Three rows with a value in every column, one for each form of a time, and a row without any value. Firehose gets
 * them as one record, in which nothing separates them.
 *
 * @param id of the proof and the stream: the same id gives the same origin
 */
export function rowsOfEveryColumn(source: Source, table: Table, id: string): TestRows {
  const origin = originOf(['prove', source.settings.name, id]);
  const row = new Row(source.format.columns);
  const full = TIMES.map((time, index) => {
    row.begin();
    for (const { name, type } of table.columns) {
      if (!WRITTEN_BY_ROW.includes(name)) SET[type](row, name, time);
    }
    row.extra('member', 'a value beyond the columns');
    row.error('member', 'x', 'not a number');
    return row.json(origin, index + 1, 'the line as it came: "é", 日本', 'always');
  });
  row.begin();
  const empty = row.json(origin, full.length + 1, '', 'never');
  return { origin, rows: [...full, empty].map((json) => ({ json, values: valuesOf(table, json) })) };
}

/** The position of a bad row, as it is sent: text where a bigint should be, which no conversion can read. */
export const BAD_POSITION = `"${OWN.position.key}":"second"`;

/** Three rows of one record. The second is the bad one. */
export function rowsAroundBadRow(source: Source, table: Table, id: string): TestRows {
  const origin = originOf(['prove', source.settings.name, id, 'bad row']);
  const row = new Row(source.format.columns);
  const json = (position: number) => {
    row.begin();
    return row.json(origin, position, '', 'never');
  };
  const bad = json(2).replace(`"${OWN.position.key}":2`, BAD_POSITION);
  return { origin, rows: [json(1), bad, json(3)].map((each) => ({ json: each, values: valuesOf(table, each) })) };
}

/** Position of the good rows around a bad one. */
export const GOOD_POSITIONS = [1, 3];

const SET: Readonly<Record<ColumnType, (row: Row, name: string, time: string) => void>> = {
  string: (row, name) => row.text(name, `${name}: "é", \\ and 日本`),
  int: (row, name) => row.int(name, '-2147483648'),
  bigint: (row, name) => row.bigint(name, String(Number.MAX_SAFE_INTEGER)),
  double: (row, name) => row.double(name, '0.125'),
  boolean: (row, name) => row.boolean(name, true),
  timestamp: (row, name, time) => row.timestamp(name, time),
};

/** The values of a row as it is sent, by the names of the columns. */
export function valuesOf({ columns }: Table, json: string): Values {
  const values = JSON.parse(json) as Record<string, unknown>;
  return Object.fromEntries(columns.flatMap(({ name, key }) => (key in values ? [[name, values[key]]] : [])));
}
