import { type Command, Option } from 'commander';
import { openAthena } from '../../local/athena/athena.ts';
import { type QueryResult, toCsv, toJson } from '../../local/athena/query-result.ts';
import { readLakeFolder } from '../input/lake-folder.ts';
import { print, printJson } from '../output/output.ts';
import { escapeControls, renderTable } from '../output/render.ts';
import { jsonOption, lakeOption } from './options.ts';

interface QueryOptions {
  readonly lake: string;
  readonly json?: true;
  readonly csv?: true;
  readonly microseconds?: true;
}

/** `lake query` */
export function addQuery(program: Command): void {
  program
    .command('query')
    .description('runs one SQL query over the tables of a local lake, as Athena would')
    .argument('<sql>', 'the query, in quotes; every table is partitioned by dt')
    .addOption(lakeOption())
    .addOption(jsonOption().conflicts('csv'))
    .addOption(new Option('--csv', 'print CSV with a header line; null is an empty field, and an empty text is ""'))
    .addOption(new Option('--microseconds', 'show timestamps whole; Athena reads them to the millisecond'))
    .addHelpText(
      'after',
      '\nThe query can only read. Cells contain what was logged: a spreadsheet may take text that begins\n' +
        'with =, +, - or @ for a formula and run it, so import CSV there as text. On a terminal, control\n' +
        'characters are escaped.',
    )
    .action(runQuery);
}

async function runQuery(sql: string, options: QueryOptions): Promise<void> {
  const { microseconds = false } = options;
  const athena = await openAthena({ ...readLakeFolder(options.lake), microseconds });
  try {
    const result = await athena.query(sql);
    if (options.json) printJson(toJson(result));
    else if (options.csv) process.stdout.write(toCsv(result, process.stdout.isTTY ? escapeControls : undefined));
    else print(resultTable(result));
  } finally {
    await athena.close();
  }
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
