/** The life of Iceberg tables, stage by stage, and what is asked of them. */
import type { Table } from '../../../lambdas/core/tables/table.ts';
import type { Row } from './expected-rows.ts';
import { type IcebergTables, tableOf } from './lake.ts';
import type { Expected, Stage } from './questions.ts';

const TYPES = {
  text: 'string',
  count: 'int',
  bytes: 'bigint',
  seconds: 'double',
  ok: 'boolean',
  time: 'timestamp',
} as const;

export const WEB = tableOf('web', TYPES);
/** The same table with a column that was narrower before, and new ones. */
export const LATER_WEB = tableOf('web', { ...TYPES, count: 'bigint', late: 'string', level: 'int' });
const EMPTY = tableOf('empty', TYPES);
/** More columns than manifests have metrics of. */
const WIDE = tableOf(
  'wide',
  Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`c${index}`, 'int' as const])),
);

export const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07'] as const;
const ODD_DAY = '2026-01-04';

const MANY = 110;

/** Two texts that begin with the same 40 characters: bounds of texts are shorter. */
const LONG = 'a'.repeat(40);

/** A text whose upper bound needs a character after the last one, and one of characters that have two parts in UTF-16. */
const LAST_CHARACTERS = '\u{10FFFF}'.repeat(20);
const EMOJI = '😀'.repeat(20);
/** Before the emoji by the order of UTF-8, and after it by that of UTF-16. */
const PRIVATE_USE = '\uFF5E'.repeat(20);

/** Each is in a file of its own, so that these are the bounds of its columns. */
export const ODD_ROWS: readonly Row[] = [
  { ok: false },
  { text: `é 日本 😀 " \\ \n ${'é'.repeat(100_000)}`, count: 0, seconds: 0.1, ok: true },
  {
    text: '',
    count: 2147483647,
    bytes: 9223372036854775807n,
    seconds: 1.7976931348623157e308,
    time: '9999-12-31 23:59:59.999999',
  },
  {
    text: '\u0000\u001f',
    count: -2147483648,
    bytes: -9223372036854775808n,
    seconds: 5e-324,
    ok: false,
    time: '1969-12-31 23:59:59.999999',
  },
  { text: LAST_CHARACTERS, time: '1970-01-01 00:00:00.000001' },
];

/** More of them, whose bounds are what readers may compare in another order. */
const ODD_BOUNDS: readonly Row[] = [
  { text: 'NULL', seconds: -0 },
  { text: `${LAST_CHARACTERS}a`, seconds: 0 },
  { text: EMOJI },
  { text: PRIVATE_USE },
  { text: `${LONG}1` },
  { text: `${LONG}2` },
  { time: '2026-01-04 10:00:00.123456', bytes: 1 },
];

/** Rows with counts from 1,000 times a number on. */
export function ordinaryRows(number: number): Row[] {
  return Array.from({ length: 10 }, (_, index) => ({
    text: `/path/${number}/${index}`,
    count: number * 1000 + index,
    bytes: BigInt(number) << 40n,
    seconds: index / 10,
    ok: index % 2 === 0,
    time: `${DAYS[number % DAYS.length]} 10:00:${String(number % 60).padStart(2, '0')}.${index}00001`,
  }));
}

/** Appends so often that manifests are merged. */
export async function appendMany(tables: IcebergTables, table: Table, first: number): Promise<void> {
  for (let number = first; number < first + MANY; number++) {
    await tables.append(table, [{ day: DAYS[number % DAYS.length] as string, rows: ordinaryRows(number) }]);
  }
}

/** Questions that any stage has an answer to. */
const ALWAYS: readonly Expected[] = [
  { table: 'web' },
  ...DAYS.map((day): Expected => ({ table: 'web', where: ['dt', '=', day] })),
  { table: 'web', where: ['dt', '>=', DAYS[1]] },
  { table: 'web', where: ['count', '=', 2005], files: 1 },
  { table: 'web', where: ['count', '<', 1000] },
  { table: 'web', where: ['text', 'is null'] },
  { table: 'web', where: ['time', '>', '2026-01-06 00:00:00'] },
];

/** Makes the tables of a stage, and gives what to ask of them then. */
export async function* stages(tables: IcebergTables): AsyncGenerator<Stage> {
  await tables.ensure(WEB);
  await tables.ensure(EMPTY);
  await tables.ensure(WIDE);
  await tables.append(WIDE, [
    { day: ODD_DAY, rows: [Object.fromEntries(WIDE.columns.map(({ name }, index) => [name, index]))] },
  ]);
  await tables.append(WEB, [
    ...[...ODD_ROWS, ...ODD_BOUNDS].map((row) => ({ day: ODD_DAY, rows: [row] })),
    { day: ODD_DAY, rows: [{ seconds: 0 }, { seconds: -0 }] },
    ...DAYS.map((day, number) => ({ day, rows: ordinaryRows(number) })),
  ]);
  const texts = [...ODD_BOUNDS, ...ODD_ROWS].flatMap(({ text }) =>
    typeof text === 'string' && !text.includes('\0') ? [text] : [],
  );
  yield {
    name: 'new tables',
    questions: [
      ...ALWAYS,
      { table: 'empty' },
      { table: 'wide' },
      { table: 'wide', where: ['c119', '=', 119] },
      { table: 'wide', where: ['c5', '=', 6], files: 0 },
      { table: 'web', where: ['dt', '=', '2026-01-03'] },
      ...texts.map((text): Expected => ({ table: 'web', where: ['text', '=', text] })),
      { table: 'web', where: ['text', '>', EMOJI] },
      { table: 'web', where: ['text', '>=', PRIVATE_USE] },
      // The zeros are in files of their own, and in one with both.
      {
        table: 'web',
        where: ['seconds', '=', 0],
        // It looks for 0 among the distinct values of a row group, and -0 is another one.
        fails: { engine: 'Spark', error: '7 rows, in Spark 6' },
      },
      // To Iceberg's own library -0 is less than 0, so that it reads files which may have one.
      { table: 'web', where: ['seconds', '<', 0] },
      { table: 'web', where: ['seconds', '>', 1e308], files: 1 },
      { table: 'web', where: ['time', '=', '2026-01-04 10:00:00.123456'] },
      { table: 'web', where: ['time', '<', '1970-01-01 00:00:00'], files: 1 },
      { table: 'web', where: ['count', '>=', 2147483647], files: 1 },
      { table: 'web', where: ['bytes', 'is not null'] },
    ],
  };

  await appendMany(tables, WEB, 10);
  const manifests = await tables.countManifests('web');
  if (manifests > MANY / 2) throw new Error(`expected manifests to be merged, got ${manifests}`);
  yield {
    name: `merged manifests, ${manifests} of them`,
    questions: [...ALWAYS, { table: 'web', where: ['count', '=', 50_003], files: 1 }],
  };

  if (!(await tables.deleteBefore('web', DAYS[1]))) throw new Error('expected to delete days');
  yield {
    name: 'without the first days',
    questions: [...ALWAYS, { table: 'web', where: ['dt', '<', DAYS[1]] }],
  };

  await tables.ensure(LATER_WEB);
  yield {
    name: 'more columns and a wider one, in no file yet',
    questions: [
      ...ALWAYS.filter(({ where }) => where?.[0] !== 'count'),
      {
        table: 'web',
        where: ['count', '=', 2005],
        files: 1,
        // It takes bounds by the schema of the newest snapshot, in which the column is narrower.
        fails: { engine: 'Trino 476', error: 'Error processing metadata' },
      },
      { table: 'web', where: ['late', 'is null'] },
    ],
  };

  await tables.append(LATER_WEB, [
    { day: DAYS[2], rows: [{ count: 1n << 40n, late: 'now', level: -1 }, { text: 'x' }] },
  ]);
  await appendMany(tables, LATER_WEB, 200);
  yield {
    name: 'files of both schemas',
    questions: [
      ...ALWAYS,
      { table: 'web', where: ['count', '>', 2147483647], files: 1 },
      { table: 'web', where: ['count', '=', 50_003] },
      { table: 'web', where: ['late', '=', 'now'] },
      { table: 'web', where: ['level', '<', 0] },
    ],
  };
}
