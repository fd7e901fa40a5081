import type { Command } from 'commander';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Format, FormatOption, FormatOptions } from '../../lambdas/core/reading/format.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import { print, printJson } from '../output/output.ts';
import { renderTable } from '../output/render.ts';
import { jsonOption } from './options.ts';

/** `lake formats` */
export function addFormats(program: Command): void {
  program
    .command('formats')
    .description('lists the log formats that a source can have, each with its columns')
    .addOption(jsonOption())
    .action(({ json }: { json?: true }) => {
      const formats = [...FORMATS.values()].map(describe);
      if (json) printJson(formats);
      else print(formats.map(text).join('\n\n'));
    });
}

interface Description {
  readonly name: string;
  readonly description: string;
  readonly reference: string;
  /** By name. */
  readonly options: Readonly<Record<string, FormatOption>>;
  /** Which lines each filter drops, by the filter's name. */
  readonly filters: Readonly<Record<string, string>>;
  /** The options that `columns` were compiled with; null if the format needs none. */
  readonly example: FormatOptions | null;
  readonly exampleLines: readonly string[];
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly comment: string }[];
}

function describe({
  name,
  description,
  reference,
  options,
  filters = {},
  exampleOptions,
  exampleLines,
  compile,
}: Format): Description {
  const columns = Object.entries(compile(exampleOptions ?? {}).columns).map(([column, { type, comment }]) => ({
    name: column,
    type,
    comment,
  }));
  return { name, description, reference, options, filters, example: exampleOptions ?? null, exampleLines, columns };
}

/** `text, default: …. What it is for.` */
function optionText({ type, values, default: byDefault, description }: FormatOption): string {
  return `${values?.join(', ') ?? (type === 'object' ? 'JSON object' : 'text')}; default: ${byDefault}. ${description}`;
}

function text({ name, description, reference, options, filters, example, columns }: Description): string {
  const facts = [
    ['reference', reference],
    ...Object.entries(options).map(([option, facts]) => [`option ${option}`, optionText(facts)]),
    ...Object.entries(filters).map(([filter, what]) => [`filter ${filter}`, what]),
    ...(example ? [['columns below', `with the options ${JSON.stringify(example)}`]] : []),
  ];
  const rows = columns.map((column) => [column.name, column.type, column.comment]);
  return [
    `${name}: ${description}`,
    renderTable([{ name: '' }, { name: '', wrap: true }], facts).trimStart(),
    '',
    renderTable([{ name: 'column' }, { name: 'type' }, { name: 'meaning', wrap: true }], rows),
  ].join('\n');
}
