/** The tables of sources whose rows are divided: each is made, and gets columns, by its rows, and not by a deployment. */
import { paginateGetTables, type Table } from '@aws-sdk/client-glue';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { isExported } from '../../../lambdas/core/settings.ts';
import { fanOutTable, mayHaveRowsOf, otherTable } from '../../../lambdas/core/tables/fan-out.ts';
import { ICEBERG_PREFIX, sourceTable } from '../../../lambdas/core/tables/table.ts';
import { METADATA_LOCATION } from '../../../lambdas/edges/table-pointers.ts';
import { listed, quantity } from '../../output/render.ts';
import { check, ok, problem, type Verdict, warning } from '../check.ts';
import type { Clients } from '../clients.ts';
import { type DividedSource, dividedSources } from '../examined.ts';

/** What there is of a source, beside its own table. */
interface Parts {
  /** By their names. */
  readonly tables: ReadonlyMap<string, Table>;
  /** Names of tables whose folder in the lake bucket has files. */
  readonly folders: readonly string[];
}

/** Whether the tables of values are whole: none was dropped, has lost its metadata, or cannot take rows. */
export const icebergParts = check<DividedSource, Parts>({
  name: 'Iceberg tables of values',
  actions: ['glue:GetTables', 's3:ListBucket'],
  things: dividedSources,
  about: ({ settings }) => settings.name,
  ask: async (clients, source) => ({
    tables: new Map((await partsOf(clients, source)).map((table) => [table.Name ?? '', table])),
    folders: await foldersOf(clients, source),
  }),
  judge(parts, source) {
    const wrong = [...lost(parts, source), ...dropped(parts, source), ...unfit(parts, source)];
    return wrong.length > 0 ? wrong : [ok(stateOf(parts, source))];
  },
});

/** The tables of a source that have the rows of values, by their names; in Glue's order. */
export async function partsOf(
  { glue }: Clients,
  { settings, owners, database, catalogId }: DividedSource,
): Promise<Table[]> {
  const tables: Table[] = [];
  const asked = { CatalogId: catalogId, DatabaseName: database, Expression: `${settings.name}_*` };
  for await (const { TableList = [] } of paginateGetTables({ client: glue }, asked)) {
    tables.push(...TableList.filter(({ Name = '' }) => mayHaveRowsOf(settings.name, Name, owners)));
  }
  return tables;
}

async function foldersOf({ s3 }: Clients, { settings, owners, lakeBucket }: DividedSource): Promise<string[]> {
  const names: string[] = [];
  const asked = { Bucket: lakeBucket, Prefix: `${ICEBERG_PREFIX}${settings.name}_`, Delimiter: '/' };
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: s3 }, asked)) {
    names.push(...CommonPrefixes.map(({ Prefix = '' }) => Prefix.slice(ICEBERG_PREFIX.length, -1)));
  }
  return names.filter((name) => mayHaveRowsOf(settings.name, name, owners));
}

function lost({ tables }: Parts, source: DividedSource): Verdict[] {
  const names = [...tables.values()]
    .filter(({ Parameters }) => !Parameters?.[METADATA_LOCATION])
    .map(({ Name = '' }) => Name);
  if (names.length === 0) return [];
  const says = `${quantity(names.length, 'table')} lost the metadata: ${listed(names)}. Rows of these wait, and nobody can read those of before.`;
  return [problem(says, rebuild(names[0], source))];
}

/** Of a value that is not listed any more, no rows come that could wait; the folder may be of a source that is gone, too. */
function dropped({ tables, folders }: Parts, source: DividedSource): Verdict[] {
  const names = folders.filter((name) => !tables.has(name));
  const expected = tablesOf(source);
  const needed = names.filter((name) => expected.includes(name));
  const others = names.filter((name) => !expected.includes(name));
  return [
    ...(needed.length > 0
      ? [
          problem(
            `${quantity(needed.length, 'table')} with files in the lake bucket cannot be found in the catalog: ${listed(needed)}. ` +
              'Batches with rows of these wait, and nobody can read those of before.',
            rebuild(needed[0], source),
          ),
        ]
      : []),
    ...(others.length > 0
      ? [
          warning(
            `There are files of ${quantity(others.length, 'table')} that the catalog does not have: ${listed(others)}, of values that are ` +
              'not listed any more, or of a source that is gone. Nobody can read them.',
            rebuild(others[0], source),
          ),
        ]
      : []),
  ];
}

/** A column of int becomes one of bigint with the next rows; any other type refuses them. */
function unfit({ tables }: Parts, source: DividedSource): Verdict[] {
  const wanted = new Map(columnsOf(source).map(({ name, type }) => [name, type as string]));
  const verdicts = [...tables.values()].flatMap(({ Name = '', StorageDescriptor }) => {
    const other = (StorageDescriptor?.Columns ?? []).find(({ Name: column = '', Type: type = '', Parameters }) => {
      const expected = wanted.get(column);
      const isInteger = [type, expected].every((each) => each === 'int' || each === 'bigint');
      return Parameters?.[CURRENT] !== 'false' && expected !== undefined && expected !== type && !isInteger;
    });
    return other ? [{ Name, column: other.Name ?? '', type: other.Type ?? '' }] : [];
  });
  const [first] = verdicts;
  if (!first) return [];
  const { Name, column, type } = first;
  const expected = wanted.get(column) ?? '';
  return [
    problem(
      `${quantity(verdicts.length, 'table')} cannot take the source's rows: ${listed(verdicts.map((each) => each.Name))}. ` +
        `The column ${column} of ${Name} has the type ${type}, and the source's has ${expected}: batches with rows of it wait.`,
      `${rebuild(Name, source)} --retype ${column}=${expected}`,
    ),
  ];
}

/** Set to false, the column was dropped. https://iceberg.apache.org/docs/latest/aws/#glue-catalog */
const CURRENT = 'iceberg.field.current';

function stateOf({ tables }: Parts, source: DividedSource): string {
  const names = columnsOf(source).map(({ name }) => name);
  const behind = [...tables.values()].filter(({ StorageDescriptor }) => {
    const has = new Set((StorageDescriptor?.Columns ?? []).map(({ Name }) => Name));
    return names.some((name) => !has.has(name));
  });
  const without = (source.allow ?? []).filter((value) => !tables.has(fanOutTable(source.settings.name, value)));
  return [
    `There are ${quantity(tables.size, 'table')} of values, all with their metadata.`,
    ...(behind.length > 0
      ? [`${quantity(behind.length, 'table')} will get columns that the source has got since with the next rows.`]
      : []),
    ...(without.length > 0
      ? [
          `No row has come of ${quantity(without.length, 'value')} of cdk.json that may have a table: ` +
            `${listed(without.map((value) => JSON.stringify(value)))}. Values are compared as they are, with capitals and spaces.`,
        ]
      : []),
  ].join(' ');
}

function tablesOf({ settings: { name }, fanOut, allow = [] }: DividedSource): string[] {
  return [...allow.map((value) => fanOutTable(name, value)), otherTable(name, fanOut)];
}

function columnsOf({ settings }: DividedSource) {
  const [source] = compiledSources([settings]);
  return source
    ? sourceTable(settings.name, '', source.format.columns, settings.lane, isExported(settings)).columns
    : [];
}

function rebuild(table: string | undefined, { stackName }: DividedSource): string {
  return `npm run lake -- rebuild ${table} --stack ${stackName}`;
}
