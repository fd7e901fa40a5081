/** `lake schema`: columns, and what could be one. */
import { type Command, Option } from 'commander';
import { OFTEN, type Suggestion } from '../../lambdas/core/evolution/suggest.ts';
import { COLUMN_TYPES } from '../../lambdas/core/formats/json-columns.ts';
import { CDK_JSON } from '../../lib/config/cdk-json.ts';
import { readSchemaJson, schemaJsonOf } from '../../lib/config/schema-json.ts';
import { writeAtomic } from '../../local/files.ts';
import { sourceNamed } from '../operations/lake-handle.ts';
import {
  addColumn,
  declarationOf,
  type PromotedState,
  pulled,
  type SourceSchema,
  schemaOf,
} from '../operations/schema.ts';
import { print, printJson, stages } from '../output/output.ts';
import { quantity, renderTable, thousands } from '../output/render.ts';
import { openLakeHandle, stackOption } from './operation.ts';
import { jsonOption, lakeOption } from './options.ts';

interface SchemaOptions {
  readonly lake: string;
  readonly stack?: string;
  readonly source?: string;
  readonly json?: true;
}

export function addSchema(program: Command): void {
  const schema = program
    .command('schema')
    .description('shows the columns of sources, and which keys of `extra` come often or became columns')
    .argument('[source]', 'only this source')
    .addOption(new Option('--source <name>', 'the same, for a source of the name add or pull, which are commands'))
    .addOption(lakeOption())
    .addOption(stackOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nKeys are counted for sources with schemaEvolution=suggest or auto: on the direct lane in each batch, else in the rows of ' +
        'the last day, which the table is asked for.',
    )
    .action(showSchema);
  schema
    .command('add')
    .description('makes a column of a key, for the rows of all batches that begin from now on; on the direct lane')
    .argument('<source>', 'the source')
    .argument('<column>', 'name of the column')
    .argument('<type>', COLUMN_TYPES.join(', '))
    .addOption(new Option('--from <key>', 'the key or path that has its values (default: the name of the column)'))
    .addHelpText('after', PLACES)
    .action(add);
  schema
    .command('pull')
    .description('writes the promoted columns into schema.json, so that the next deployment has them')
    .addOption(new Option('--to <file>', 'the file').default(schemaJsonOf(CDK_JSON), 'schema.json beside cdk.json'))
    .addHelpText('after', PLACES)
    .action(pull);
}

const PLACES = '\n--lake and --stack, as of `lake schema`, say which lake.';

/** Options of `lake schema` that stand before or after `add` and `pull`. */
type Flags = Pick<SchemaOptions, 'lake' | 'stack'>;

async function add(
  source: string,
  name: string,
  type: string,
  { from = name }: { readonly from?: string },
  command: Command,
): Promise<void> {
  const lake = await openLakeHandle(command.optsWithGlobals<Flags>(), false, stages());
  try {
    const isNew = await addColumn(lake, sourceNamed(lake, source), { name, type, from });
    const done = isNew
      ? 'batches that begin from now on fill it; rows of before have the key in extra'
      : 'it is there already';
    print(`${source}.${name.toLowerCase()} (${type}): ${done}. \`lake schema pull\` keeps it in the next deployment.`);
  } finally {
    await lake.close();
  }
}

async function pull({ to }: { readonly to: string }, command: Command): Promise<void> {
  const lake = await openLakeHandle(command.optsWithGlobals<Flags>(), false, stages());
  try {
    const before = readSchemaJson(to);
    const after = await pulled(lake, before);
    const columns = Object.values(after).reduce((sum, each) => sum + Object.keys(each).length, 0);
    if (columns > 0) await writeAtomic(to, `${JSON.stringify(after, undefined, 2)}\n`);
    print(
      columns > 0
        ? `${to}: ${quantity(columns, 'column')}. Commit it: deployments then keep them.`
        : 'No column was promoted.',
    );
  } finally {
    await lake.close();
  }
}

async function showSchema(named: string | undefined, options: SchemaOptions): Promise<void> {
  const { source = named } = options;
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
  return [head, table, ...promotedText(schema), ...(unknown ? unknownText(unknown) : []), ...onlySuggests(schema)].join(
    '\n',
  );
}

function promotedText({ source, promoted }: SourceSchema): string[] {
  if (promoted.length === 0) return [];
  const missing = promoted.filter(({ state }) => state === 'missing').map(({ name }) => name);
  return [
    'These columns were keys of extra first:',
    renderTable(
      [
        { name: 'column' },
        { name: 'key' },
        { name: 'since' },
        { name: 'by' },
        { name: 'it was in' },
        { name: 'state' },
      ],
      promoted.map(({ name, from, at, by, counts, state }) => [
        ...[name, from, minuteOf(at), by],
        counts ? `${thousands(counts.rows)} of ${quantity(counts.sampled, 'row')}` : 'not counted',
        STATES[state],
      ]),
    ),
    ...(missing.length > 0
      ? [
          `A deployment has taken out of the table: ${missing.join(', ')}. No value is lost. \`lake schema add ${source} COLUMN TYPE\` ` +
            'puts a column back, and with schemaEvolution=auto it is back within the hour; `lake schema pull` before a deployment keeps it.',
        ]
      : []),
  ];
}

const STATES: Readonly<Record<PromotedState, string>> = {
  there: 'in the table',
  missing: 'missing in the table',
  declared: 'as configured now',
};

function onlySuggests({ schemaEvolution, promotes }: SourceSchema): string[] {
  if (schemaEvolution !== 'auto' || promotes) return [];
  return [
    'schemaEvolution=auto only suggests here: the streams of Firehose know the columns of their deployment alone. Put the columns into cdk.json, and deploy.',
  ];
}

function minuteOf(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}

function unknownText({ counted, rows, sampled, suggestions }: NonNullable<SourceSchema['unknown']>): string[] {
  const what = counted === 'batches' ? 'the batches of two days' : 'the last day of the table';
  const where = `${thousands(sampled)} of the ${quantity(rows, 'row')} in ${what}`;
  if (suggestions.length === 0) {
    const batches = counted === 'batches' ? 'batches' : 'objects or payloads';
    const often = `${OFTEN.rows} rows, ${OFTEN.batches} ${batches} and ${OFTEN.share * 100} % of the rows`;
    return [`No key of extra comes often, that is in ${often}, among ${where}.`];
  }
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
  const times = [first, last].map(minuteOf);
  const column = refused === undefined ? declarationOf(suggestion) : `none: ${refused}`;
  return [key, thousands(rows), thousands(batches), percent, example, ...times, column];
}
