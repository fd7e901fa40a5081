import type { Command } from 'commander';
import { type Format, OptionError } from '../../lambdas/core/format.ts';
import { FORMATS } from '../../lambdas/core/formats.ts';
import type { ColumnType } from '../../lambdas/core/table.ts';
import { jsonOption } from '../options.ts';
import { print, printJson } from '../output.ts';
import { renderTable } from '../render.ts';

/** `lake formats` */
export function addFormats(lake: Command): void {
  lake
    .command('formats')
    .description('lists the formats that sources can have, each with its columns')
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
  readonly options: readonly string[];
  /** What each filter leaves out, by name. */
  readonly filters: Readonly<Record<string, string>>;
  /** Null where the source's options declare them. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly comment: string }[] | null;
}

function describe(format: Format): Description {
  const { name, description, reference, options, filters = {} } = format;
  return { name, description, reference, options, filters, columns: columnsOf(format) };
}

function columnsOf(format: Format): Description['columns'] {
  try {
    const { columns } = format.compile({});
    return Object.entries(columns).map(([name, { type, comment }]) => ({ name, type, comment }));
  } catch (error) {
    if (error instanceof OptionError) return null;
    throw error;
  }
}

function text({ name, description, reference, options, filters, columns }: Description): string {
  const facts = [
    ['reference', reference],
    ['options', options.join(', ') || 'none'],
    ...Object.entries(filters).map(([filter, what]) => [`filter ${filter}`, what]),
    ...(columns ? [] : [['columns', `declared by the source: ${options.join(' or ')}`]]),
  ];
  const parts = [`${name}: ${description}`, renderTable([{ name: '' }, { name: '' }], facts).trimStart()];
  if (columns) {
    const rows = columns.map((column) => [column.name, column.type, column.comment]);
    parts.push('', renderTable([{ name: 'column' }, { name: 'type' }, { name: 'meaning' }], rows));
  }
  return parts.join('\n');
}
