import { type Command, InvalidArgumentError, Option } from 'commander';
import { ICEBERG_TYPES } from '../../lambdas/core/iceberg/schema.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import { type FromLandingReport, rebuildFromLanding } from '../operations/from-landing.ts';
import { type RebuildReport, rebuildTable } from '../operations/rebuild.ts';
import { WHY } from '../operations/replaced-rows.ts';
import { quantity } from '../output/render.ts';
import { addOperation, type OperationFlags, operate } from './operation.ts';

interface RebuildFlags extends OperationFlags {
  readonly from: 'files' | 'landing';
  readonly metadata?: readonly string[];
  readonly retype?: Readonly<Record<string, ColumnType>>;
  readonly withoutMissing?: true;
}

/** `lake rebuild` */
export function addRebuild(program: Command): void {
  addOperation(
    program,
    'rebuild',
    'makes an Iceberg table anew, in the place of a broken one: of the files it has, or of the objects its rows came from',
  )
    .argument('<table>', 'name of the table')
    .addOption(
      new Option(
        '--from <what>',
        'files: of its data files, which are not read; landing: without rows at first, and all rows are read again from the objects that they came from',
      )
        .choices(['files', 'landing'])
        .default('files'),
    )
    .addOption(
      new Option(
        '--metadata <uris...>',
        'make it of the tables of these metadata files, instead of what the catalog has or, if it has none, of the newest in the folder of the table',
      ),
    )
    .addOption(
      new Option(
        '--retype <column=type>',
        'give a column another type, before it is deployed: the values of before stay in a column of another name, or are read again',
      ).argParser(retyped),
    )
    .addOption(
      new Option(
        '--without-missing',
        'leave out the rows of files that are missing or have other bytes than they had, or of objects that cannot be read again',
      ),
    )
    .action(run);
}

/** After so many milliseconds it is looked again what the functions of a stack have done; a local lake waits for its own. */
const PAUSE_MS = 15_000;

async function run(table: string, flags: RebuildFlags, command: Command): Promise<void> {
  const { from, metadata, retype, withoutMissing = false } = flags;
  const task = { table, withoutMissing, ...(retype && { retype }) };
  if (from === 'landing') {
    if (metadata)
      command.error('error: --metadata: expected --from files, got --from landing, which reads no metadata');
    const pauseMs = flags.stack === undefined ? 0 : PAUSE_MS;
    return operate(flags, 'repair', async (lake, options, problems) => {
      const report = await rebuildFromLanding(lake, { ...task, pauseMs }, options);
      if (report.stillToDo > 0) {
        const batches = quantity(report.stillToDo, 'batch', 'batches');
        problems.push(`${batches} could not be read again yet: run the command once more, when they are written`);
      }
      if (!options.dryRun) problems.push(...(await lake.settle()));
      return { counts: report, text: textOfLanding(report) };
    });
  }
  return operate(flags, 'repair', async (lake, options) => {
    const report = await rebuildTable(lake, { ...task, ...(metadata && { metadata }) }, options);
    return { counts: report, text: textOf(report) };
  });
}

function textOf({ from, others, setAside, metadata }: RebuildReport): string {
  return [
    ...from.map((uri) => `made of    ${uri}`),
    ...others.map((uri) => `not taken  ${uri}: another table; name it with --metadata, too, to take its files`),
    ...setAside.map(
      ({ column, type, to }) => `set aside  column ${column} of type ${type}: its values are in the column ${to} now`,
    ),
    ...(metadata === undefined ? [] : [`is now     ${metadata}`]),
  ].join('\n');
}

/** Of what cannot be read again; --json has all. */
const MOST_SHOWN = 1_000;

function textOfLanding({ continued, unreadable, metadata }: FromLandingReport): string {
  const more = unreadable.length - MOST_SHOWN;
  return [
    ...unreadable
      .slice(0, MOST_SHOWN)
      .map(
        ({ what, why, rows, rejected }) => `left out   ${what} ${WHY[why]} (rows ${rows}, rejected lines ${rejected})`,
      ),
    ...(more > 0 ? [`left out   ${more} more; --json has all`] : []),
    ...(continued ? ['continued  the new table is there already, and what is left is read again'] : []),
    ...(metadata === undefined ? [] : [`is now     ${metadata}`]),
  ].join('\n');
}

/** Reads one more of the columns with their types. */
function retyped(text: string, before: Readonly<Record<string, ColumnType>> = {}) {
  const [, column, type] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const types = Object.keys(ICEBERG_TYPES);
  if (column !== undefined && types.includes(type ?? '')) return { ...before, [column]: type as ColumnType };
  throw new InvalidArgumentError(`expected COLUMN=TYPE with one of the types ${types.join(', ')}, got ${text}`);
}
