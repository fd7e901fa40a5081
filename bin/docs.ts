/**
 * Writes the documentation that is derived from the code: docs/tables.md, docs/sources.md, and parts of docs/cost.md and
 * docs/queries.md. With --check it writes nothing and fails if a page is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type JsonPreset, PRESETS } from '../lambdas/core/formats/json-presets.ts';
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import type { Format } from '../lambdas/core/reading/format.ts';
import { loadsTable, rejectedTable } from '../lambdas/core/tables/lake-tables.ts';
import { type Column, numbered, OWN, PARTITION } from '../lambdas/core/tables/table.ts';
import { exampleAnswers } from './docs/example-answers.ts';
import { markdownTable } from './docs/markdown.ts';
import { sourcesPage } from './docs/sources-page.ts';
import { costTables } from './plan/doc-tables.ts';

const DOCS = new URL('../docs/', import.meta.url);

const check = process.argv.includes('--check');
for (const [name, page] of [
  ['tables.md', tablesPage()],
  ['sources.md', sourcesPage()],
  ['cost.md', withParts('cost.md', costTables())],
  ['queries.md', withParts('queries.md', await exampleAnswers())],
] as const) {
  if (!check) writeFileSync(new URL(name, DOCS), page);
  else if (current(name) !== page) {
    process.stderr.write(`docs/${name} is stale: run npm run docs\n`);
    process.exitCode = 1;
  }
}

function current(name: string): string {
  try {
    return readFileSync(new URL(name, DOCS), 'utf8');
  } catch {
    return '';
  }
}

/** The current page with its derived parts made anew. A part stands between the comments `table <name>` and `end`. */
function withParts(page: string, parts: ReadonlyMap<string, string>): string {
  return current(page).replace(/(<!-- table (\S+) -->\n)[\s\S]*?(\n<!-- end -->)/g, (_, begin, name, end) => {
    const part = parts.get(name);
    if (part === undefined)
      throw new Error(`docs/${page}: no table ${name}: expected one of ${[...parts.keys()].join(', ')}`);
    return `${begin}\n${part}\n${end}`;
  });
}

function tablesPage(): string {
  return [
    '# Tables',
    '',
    'Written by `npm run docs` from the code; edits here are lost.',
    '',
    'Every source has a table of its name: its format’s columns, then the lake’s own. ' +
      'Timestamps are UTC, to the microsecond; Athena reads them to the millisecond, and rounds half of one up.',
    'Blank lines are counted as filtered (`blank_line`) in every format.',
    '',
    "## The lake's own columns",
    '',
    ...columnTable(Object.values(OWN)),
    `| ${PARTITION.name} | string | ${PARTITION.comment} | |`,
    '',
    '`log_group`, `log_stream` and `logged_at` are there for sources from CloudWatch.',
    '',
    ...[loadsTable, rejectedTable].flatMap(({ name, description, columns }) => [
      `## ${name}`,
      '',
      description,
      '',
      ...columnTable(columns),
      '',
    ]),
    ...[...FORMATS.values()].flatMap(formatSection),
    '## Presets of the format json',
    '',
    'Each preset has the columns of a logger with its default settings. What a record has beside them goes to `extra`; ' +
      '`columns` beside `preset` declares more columns, or others in their place.',
    '',
    ...Object.entries(PRESETS).flatMap(presetSection),
  ].join('\n');
}

function presetSection([name, { writer, reference, columns }]: [string, JsonPreset]): string[] {
  return [
    `### Preset ${name}`,
    '',
    `Logs of ${writer}.${reference ? ` [Reference](${reference}).` : ''}`,
    '',
    ...markdownTable(
      ['column', 'type', 'key or path', 'meaning'],
      [...columns].map(([column, { type, from, comment }]) => [column, type, `\`${from}\``, comment]),
    ),
    '',
  ];
}

function formatSection({
  name,
  description,
  reference,
  options,
  exampleOptions,
  exampleLines,
  filters = {},
  compile,
}: Format): string[] {
  const { columns, recordKeys = [] } = compile(exampleOptions ?? {});
  const keys = recordKeys.map((names) => `by ${names.map((column) => `\`${column}\``).join(', ')}`);
  const filterLines = Object.entries(filters).map(([filter, what]) => `- \`${filter}\`: ${what}`);
  return [
    `## Format ${name}`,
    '',
    `${description} [Reference](${reference}).`,
    '',
    ...optionsLine(Object.keys(options)),
    ...(filterLines.length > 0 ? ['Filters, each counted, and switched off by its name:', '', ...filterLines, ''] : []),
    'Example:',
    '',
    '```',
    ...exampleLines,
    '```',
    '',
    ...(exampleOptions ? [`Columns with \`${JSON.stringify(exampleOptions)}\`:`, ''] : []),
    ...columnTable(numbered(columns)),
    '',
    `Duplicates are recognised ${[...keys, 'by the whole line'].join('; where the first of them is null, ')}. ` +
      `The option \`recordKey\` of a source names other columns.`,
    '',
  ];
}

function optionsLine(options: readonly string[]): string[] {
  return options.length > 0 ? [`Options: ${options.map((option) => `\`${option}\``).join(', ')}.`, ''] : [];
}

function columnTable(columns: readonly Column[]): string[] {
  return markdownTable(
    ['column', 'type', 'meaning', 'key'],
    columns.map(({ name, type, comment, key }) => [name, type, comment, key]),
  );
}
