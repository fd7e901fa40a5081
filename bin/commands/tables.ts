/** `lake tables`: where the rows of sources are. */
import { type Command, Option } from 'commander';
import { sourceNamed } from '../operations/lake-handle.ts';
import { type ListedTable, type SourceTables, tablesOfSource, VIEWS, viewStatement } from '../operations/tables.ts';
import { UsageError } from '../output/command-error.ts';
import { print, printAsItIs, printJson, stages } from '../output/output.ts';
import { listed, quantity, renderTable } from '../output/render.ts';
import { openLakeHandle, stackOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface TablesOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly view?: (typeof VIEWS)[number];
  readonly json?: true;
}

export function addTables(program: Command): void {
  program
    .command('tables')
    .description('lists the tables that have the rows of sources; with fanOut, the table of each value')
    .argument('[source]', 'only this source')
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(
      new Option(
        '--view <view>',
        'print the SQL that makes a view over all tables that the source has now, and do nothing else',
      )
        .choices(VIEWS)
        .conflicts('json'),
    )
    .addOption(jsonOption())
    .action(run);
}

async function run(source: string | undefined, options: TablesOptions): Promise<void> {
  const lake = await openLakeHandle(options, false, stages());
  try {
    const sources = source === undefined ? lake.sources : [sourceNamed(lake, source)];
    if (options.view) {
      const [only, ...others] = sources;
      if (!only || others.length > 0) throw new UsageError('--view: expected the name of a source beside it');
      return printAsItIs(await viewStatement(lake, only, options.view));
    }
    const found: SourceTables[] = [];
    for (const each of sources) found.push(await tablesOfSource(lake, each));
    if (options.json) printJson(found);
    else print(found.map(textOf).join('\n\n'));
  } finally {
    await lake.close();
  }
}

function textOf({ source, by, tables, withoutTable }: SourceTables): string {
  const head = by === undefined ? source : `${source}, divided by ${by}: ${quantity(tables.length, 'table')}`;
  const rows = renderTable(
    [{ name: 'table' }, { name: 'rows', wrap: true }],
    tables.map((table) => [`${table.database}.${table.name}`, rowsText(table, by)]),
  );
  if (withoutTable.length === 0) return [head, rows].join('\n');
  const values = listed(withoutTable.map((value) => JSON.stringify(value)));
  const rest = `No row has come of ${quantity(withoutTable.length, 'value')} that may have a table: ${values}`;
  return [head, rows, rest].join('\n');
}

function rowsText({ rows, value }: ListedTable, by = ''): string {
  if (rows === 'value') return `${by} = ${JSON.stringify(value)}`;
  if (rows === 'others') return `any other ${by}, or none`;
  if (rows === 'unlisted') return `of a ${by} that has no table any more`;
  return rows === 'before' ? 'of before the source was configured as it is now, if there are any' : 'all';
}
