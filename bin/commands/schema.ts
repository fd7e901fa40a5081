/** `lake schema`: columns, and what could be one. */
import type { Command } from 'commander';
import type { Suggestion } from '../../lambdas/core/evolution/suggest.ts';
import { sourceNamed } from '../operations/lake-handle.ts';
import { declarationOf, type SourceSchema, schemaOf } from '../operations/schema.ts';
import { print, printJson, stages } from '../output/output.ts';
import { quantity, renderTable, thousands } from '../output/render.ts';
import { openLakeHandle, stackOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface SchemaOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly json?: true;
}

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('shows the columns of sources, and which keys of `extra` come often')
    .argument('[source]', 'only this source')
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nKeys are counted for sources with schemaEvolution=suggest: on the direct lane in each batch, else in the rows of ' +
        'the last day, which the table is asked for.',
    )
    .action(showSchema);
}

async function showSchema(source: string | undefined, options: SchemaOptions): Promise<void> {
  const lake = await openLakeHandle(options, false, stages());
  try {
    const sources = source === undefined ? lake.sources : [sourceNamed(lake, source)];
    const schemas: SourceSchema[] = [];
    for (const each of sources) schemas.push(await schemaOf(lake, each));
    if (options.json) printJson(schemas);
    else print(schemas.map(schemaText).join('\n\n'));
  } finally {
    await lake.close();
  }
}

function schemaText(schema: SourceSchema): string {
  const { source, format, columns, unknown } = schema;
  const table = renderTable(
    [{ name: 'column' }, { name: 'type' }, { name: 'what it has' }],
    columns.map(({ name, type, comment }) => [name, type, comment]),
  );
  const head = `${source} (${format}): ${quantity(columns.length, 'column')}`;
  return [head, table, ...(unknown ? unknownText(unknown) : [])].join('\n');
}

function unknownText({ counted, rows, sampled, suggestions }: NonNullable<SourceSchema['unknown']>): string[] {
  const what = counted === 'batches' ? 'the batches of two days' : 'the last day of the table';
  const where = `${thousands(sampled)} of the ${quantity(rows, 'row')} in ${what}`;
  if (suggestions.length === 0) return [`No key of extra comes often in ${where}.`];
  return [
    `These keys of extra come often, in a sample of ${where}:`,
    renderTable(
      [
        { name: 'key' },
        { name: 'rows', align: 'right' },
        { name: counted === 'batches' ? 'batches' : 'inputs', align: 'right' },
        { name: 'share', align: 'right' },
        { name: 'example' },
        { name: 'first' },
        { name: 'last' },
        { name: 'as a column' },
      ],
      suggestions.map(suggestionCells),
    ),
  ];
}

function suggestionCells(suggestion: Suggestion): string[] {
  const { key, rows, batches, share, example, first, last, refused } = suggestion;
  const percent = `${(share * 100).toFixed(1)} %`;
  const times = [first, last].map((time) => time.slice(0, 16).replace('T', ' '));
  const column = refused === undefined ? declarationOf(suggestion) : `none: ${refused}`;
  return [key, thousands(rows), thousands(batches), percent, example, ...times, column];
}
