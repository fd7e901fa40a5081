/** Writes docs/sources.md from the schema of sources, the formats and the variables of a log_format. */
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Format, FormatOption } from '../../lambdas/core/reading/format.ts';
import { FILLING_VARIABLES } from '../../lambdas/core/reading/log-columns.ts';
import { TIME_FORMS } from '../../lambdas/core/reading/time-forms.ts';
import { FROM_KEYS, SOURCE_KEYS, type SourceKey } from '../../lib/config/source-keys.ts';
import { EXAMPLE_SOURCES, type ExampleSource } from './example-sources.ts';
import { code, markdownTable } from './markdown.ts';

/** The page, as one text. */
export function sourcesPage(): string {
  return [
    '# Sources',
    '',
    'Written by `npm run docs` from the code; edits here are lost.',
    '',
    'A source says where logs are, what their lines look like, and which table their rows go to. The context param ' +
      '`sources` is the list of all sources; it is in `cdk.json`. Without it, the stack has one source: the access logs ' +
      'of load balancers in a bucket that the stack creates.',
    '',
    'To see how a source reads your lines before you deploy it:',
    '',
    '```',
    'npm run lake -- parse --format nginx --option preset=combined access.log',
    '```',
    '',
    '`--option name=value` can be repeated. An option that is text is taken as it stands, an option that is an object as ' +
      'JSON. A key or a value that is not allowed stops the synthesis, and the error names it.',
    '',
    '## Examples',
    '',
    'Each example is a whole `cdk.json` with one source. [Tables](tables.md) has the columns of every format.',
    '',
    ...EXAMPLE_SOURCES.flatMap(exampleSection),
    '## Keys of a source',
    '',
    'Every source can have these keys, whatever its format.',
    '',
    ...keyTable(SOURCE_KEYS),
    '',
    '## Keys of `from`',
    '',
    'The keys for objects, from `bucket` to `account`, and those for log groups exclude each other.',
    '',
    ...keyTable(FROM_KEYS),
    '',
    ...[...FORMATS.values()].flatMap(formatSection),
    ...variablesSection(),
    ...timesSection(),
    ...CHANGES,
  ].join('\n');
}

function exampleSection({ title, text, source, line }: ExampleSource): string[] {
  return [
    `### ${title}`,
    '',
    text,
    '',
    '```json',
    JSON.stringify({ context: { sources: [source] } }, null, 2),
    '```',
    '',
    ...(line === undefined ? [] : ['It reads lines such as', '', '```', line, '```', '']),
  ];
}

function keyTable(keys: readonly SourceKey[]): string[] {
  return markdownTable(
    ['key', 'allowed', 'default', 'what it is for', 'example'],
    keys.map((key) => [code(key.name), key.allowed, key.default, key.description, members(key.example)]),
  );
}

function formatSection({ name, description, reference, options }: Format): string[] {
  const rows = Object.entries(options).map(([option, facts]) => [
    code(option),
    allowedFor(facts),
    facts.default,
    facts.description,
    members(facts.example),
  ]);
  return [
    `## Options of the format ${name}`,
    '',
    `${description} [Reference](${reference}).`,
    '',
    ...(rows.length > 0
      ? markdownTable(['option', 'type', 'default', 'what it is for', 'example'], rows)
      : ['The format has no options.']),
    '',
  ];
}

function allowedFor({ type, values }: FormatOption): string {
  if (values) return `text: ${values.map(code).join(', ')}`;
  return type;
}

/** An object's members as they stand between its braces. */
function members(object: Readonly<Record<string, unknown>>): string {
  return code(
    Object.entries(object)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(', '),
  );
}

function variablesSection(): string[] {
  return [
    '## Variables of a log_format',
    '',
    'The columns that the formats nginx and kong make of the variables of a `log_format`. If a log_format has several ' +
      'variables for a column, the one that is first in this table fills it. A variable that has the name of a column of the ' +
      'table comes before all others. A variable that fills no column, in the table or not, becomes a text column of its ' +
      'own name, so that nothing in a line is lost; so do the times and statuses of upstreams, which are lists: beside the ' +
      'number that the table names, they are kept as logged. `project_name` is a column of kong alone.',
    '',
    ...markdownTable(
      ['variable', 'column', 'type'],
      FILLING_VARIABLES.map(({ variable, column, type }) => [code(`$${variable}`), column, type]),
    ),
    '',
  ];
}

function timesSection(): string[] {
  return [
    '## Forms of time',
    '',
    'A column of the type timestamp takes a time in any of these forms, and each line may have another one. Times are kept ' +
      'in UTC, to the microsecond; what a time has beyond that is cut.',
    '',
    ...markdownTable(
      ['form', 'examples'],
      [
        ...TIME_FORMS.map(({ name, examples }) => [name, examples.map(code).join('<br>')]),
        [
          'Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by the number of digits',
          ['1714557600', '1714557600.123456', '1714557600123', '1714557600123456', '1.714557600123e12']
            .map(code)
            .join('<br>'),
        ],
      ],
    ),
    '',
    'A value that has none of these forms leaves the column null, and is in the column `errors` with the reason. These ' +
      'rules decide:',
    '',
    '- A zone is an offset (`+02:00`, at most 18 hours), or one of the names UTC, GMT and Z. Other abbreviations have ' +
      'several meanings and are no zone. What follows an offset, as in `+0200 CEST` or `+02:00[Europe/Berlin]`, is passed ' +
      'over, because the offset is exact.',
    '- A time without a zone is in UTC, unless the option `localTimeZone` of the source names another one. In the hour that ' +
      'clocks show twice, when they are set back, it is the earlier time. In the hour that they pass over, when they are set ' +
      'forward, it is read as if they had not been set: in Berlin on 31 March 2024, 02:30 is 01:30 in UTC, as 03:30 is.',
    '- A day, an hour or an offset that does not exist is no time, and neither is a weekday that is not that of the date.',
    '- `24:00:00` is the midnight at which the next day begins.',
    '- A leap second, `23:59:60` in UTC, is the second after it, as on the clocks of most computers. In any other minute, a ' +
      'second 60 is no time.',
    '',
  ];
}

const CHANGES: readonly string[] = [
  '## Changing the columns of a source',
  '',
  'Columns that a source declares itself, in `columns` or as variables of a `logFormat`, can be added, moved, removed and ' +
    'given another type. A row that Firehose still holds at that time has each of its values in the column of that name ' +
    'and type, or in no column. It never has a value in another column.',
  '',
  '- **A new column** is null in the rows that are sent before Firehose uses the new mapping, which can be some minutes ' +
    'after the deployment. To have its values in these rows too, load the objects of the last hour again: ' +
    '`npm run lake -- backfill s3://BUCKET/PREFIX --stack --since 1h --reload`. Their rows are then there twice, with the ' +
    'same origin and position: see [operations](operations.md#lake-backfill).',
  '- **A removed column** is in the files of before, where no query sees it any more. New values of a JSON key go to the ' +
    'column `extra`.',
  '- **A column of another type** is null in the rows that Firehose still holds. Files of before contain the old type. ' +
    'Athena reads an `int` as `bigint`, and fails a query that reads any other type of before as the new one ' +
    '(`HIVE_BAD_DATA`). Therefore declare a column of another name for the new type, or load what the files of before were ' +
    'made of again (`lake backfill --reload`) and delete these files below `data/TABLE/` in the lake bucket.',
  '',
];
