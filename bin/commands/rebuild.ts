import { type Command, InvalidArgumentError, Option } from 'commander';
import { ICEBERG_TYPES } from '../../lambdas/core/iceberg/schema.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import { type RebuildReport, rebuildTable } from '../operations/rebuild.ts';
import { addOperation, type OperationFlags, operate } from './operation.ts';

interface RebuildFlags extends OperationFlags {
  readonly metadata?: readonly string[];
  readonly retype?: Readonly<Record<string, ColumnType>>;
  readonly withoutMissing?: true;
}

/** `lake rebuild` */
export function addRebuild(program: Command): void {
  addOperation(program, 'rebuild', 'makes an Iceberg table anew of the files it has, in the place of a broken one')
    .argument('<table>', 'name of the table')
    .addOption(
      new Option(
        '--metadata <uris...>',
        'make it of the tables of these metadata files, instead of what the catalog has or, if it has none, of the newest in the folder of the table',
      ),
    )
    .addOption(
      new Option(
        '--retype <column=type>',
        'give a column another type, before it is deployed: the values of before stay in a column of another name',
      ).argParser(retyped),
    )
    .addOption(
      new Option('--without-missing', 'leave out the rows of files that are missing or have other bytes than they had'),
    )
    .action(run);
}

async function run(table: string, flags: RebuildFlags): Promise<void> {
  const { metadata, retype, withoutMissing = false } = flags;
  const task = { table, withoutMissing, ...(metadata && { metadata }), ...(retype && { retype }) };
  return operate(flags, 'repair', async (lake, options) => {
    const report = await rebuildTable(lake, task, options);
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

/** Reads one more of the columns with their types. */
function retyped(text: string, before: Readonly<Record<string, ColumnType>> = {}) {
  const [, column, type] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const types = Object.keys(ICEBERG_TYPES);
  if (column !== undefined && types.includes(type ?? '')) return { ...before, [column]: type as ColumnType };
  throw new InvalidArgumentError(`expected COLUMN=TYPE with one of the types ${types.join(', ')}, got ${text}`);
}
