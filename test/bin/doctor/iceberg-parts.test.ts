import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../bin/doctor/check.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { fanOutTable } from '../../../lambdas/core/tables/fan-out.ts';
import { sourceTable } from '../../../lambdas/core/tables/table.ts';
import { failure, json, type Reply } from '../../helpers/fake-service.ts';
import {
  ACCOUNT,
  type Account,
  examined,
  GOOD,
  serveAccount,
  stackResourcesXml,
  stackXml,
  toolkit,
  xml,
} from './fake-account.ts';

const COLUMNS = { tenant: 'string', time: 'timestamp', n: 'bigint' };
const FROM = { bucket: 'app-logs', prefix: 'app/' };
const BASE = { name: 'app', format: 'json', delivery: 'direct', tableFormat: 'iceberg' };
const APP = {
  ...BASE,
  columns: COLUMNS,
  from: FROM,
  fanOut: { by: 'tenant', allow: ['acme', 'Acme/EU'], other: 'rest' },
};
const DEPLOYED = {
  ...{ ...BASE, options: { columns: COLUMNS }, lane: 'objects', ...FROM, streams: [], keepRaw: 'never' },
  fanOut: { by: 'tenant', other: 'rest' },
};
const OTHER = { ...DEPLOYED, name: 'app_web', fanOut: undefined };

const [TABLES, MAINTENANCE] = ['Iceberg tables of values', 'Iceberg maintenance of values'];
const REBUILD = (table: string) => `npm run lake -- rebuild ${table} --stack Logs`;
const DAY_MS = 86_400_000;

let account: Account = GOOD;
const service = serveAccount(() => account);

const [compiled] = compiledSources([{ name: 'app', format: 'json', options: { columns: COLUMNS } }]);
const TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  sourceTable('app', '', compiled?.format.columns ?? {}, 'objects').columns.map(({ name, type }) => [name, type]),
);

/** A table as Glue lists it. */
function tableOf(
  Name: string,
  { types = TYPES, days = 1, parameters = { metadata_location: 's3://lake/m' } as object } = {},
) {
  const Columns = Object.entries(types).map(([column, Type]) => ({ Name: column, Type }));
  return {
    Name,
    CreateTime: (Date.now() - days * DAY_MS) / 1000,
    Parameters: parameters,
    StorageDescriptor: { Columns },
  };
}

const tables = (...TableList: readonly object[]): Account => ({ GetTables: () => json({ TableList }) });

/** The folders of tables. */
function folders(...names: readonly string[]): Reply {
  const prefixes = names.map((name) => `<CommonPrefixes><Prefix>iceberg/${name}/</Prefix></CommonPrefixes>`).join('');
  return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${prefixes}</ListBucketResult>`);
}

async function of(
  check: string | undefined,
  other: Account = {},
  sources: readonly object[] = [DEPLOYED, OTHER],
): Promise<Finding[]> {
  const iceberg = {
    ...{ url: 'https://glue.us-east-1.amazonaws.com/iceberg', signingName: 'glue', region: 'us-east-1' },
    ...{ warehouse: ACCOUNT, database: 'logs_iceberg', commitSeconds: 300 },
  };
  const Variables = {
    TRIBUTARY_SOURCES: JSON.stringify(sources),
    TRIBUTARY_ICEBERG: JSON.stringify(iceberg),
    TRIBUTARY_LEDGER_TABLE: 'Logs-Ledger',
    TRIBUTARY_LAKE_BUCKET: 'lake',
  };
  account = {
    ...GOOD,
    DescribeStacks: (name) => (name === 'Logs' ? stackXml(name, 'UPDATE_COMPLETE') : toolkit('21')),
    ListStackResources: () => stackResourcesXml([['IcebergCommit1A2B3C4D', 'AWS::Lambda::Function', 'Logs-Commit']]),
    GetFunctionConfiguration: (FunctionName) =>
      json({ FunctionName, FunctionArn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:x`, Environment: { Variables } }),
    GetTable: (Name) => json({ Table: { Name, Parameters: { metadata_location: 's3://lake/m' } } }),
    GetTableOptimizer: (type) => json({ TableOptimizer: { type, configuration: { enabled: true } } }),
    HeadObject: () => ({ headers: { 'content-length': '1' } }),
    Query: () => json({ Items: [] }),
    ...tables(tableOf('app_acme'), tableOf('app_rest'), tableOf('app_web', { types: {} })),
    ListObjectsV2: () => folders('app_acme', 'app_rest', 'app_web'),
    ...other,
  };
  const findings = await examined({ sources: [APP], stackName: 'Logs' }, { stack: 'Logs' });
  return findings.filter((finding) => finding.check === check);
}

describe('the tables of values', () => {
  test('have nothing wrong where all are whole, and those of other sources are not looked at', async () => {
    const [finding, ...more] = await of(TABLES);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ about: 'app', outcome: 'ok' });
    expect(finding?.says).toContain('There are 2 tables of values');
    expect(finding?.says).toContain('No row has come of 1 value of cdk.json that may have a table: "Acme/EU". Values');
    expect(finding?.says).not.toContain('will get columns');
  });

  test('are asked for by their names, in the catalog and in the lake bucket', async () => {
    const asked: unknown[] = [];
    await of(TABLES, {
      GetTables: (_, input) => {
        asked.push(input);
        return json({ TableList: [] });
      },
    });
    expect(asked[0]).toMatchObject({ CatalogId: ACCOUNT, DatabaseName: 'logs_iceberg', Expression: 'app_*' });
    const { path } = service.requests.find((request) => request.path.includes('list-type=2')) ?? {};
    expect(path).toMatch(/^\/lake\/\?/);
    expect(path).toContain('prefix=iceberg%2Fapp_');
  });

  test('may lack columns, and integers may be narrower, which their next rows mend', async () => {
    const { time: _, ...types } = TYPES;
    const older = tableOf('app_acme', { types: { ...types, n: 'int' } });
    const [finding] = await of(TABLES, tables(older, tableOf('app_rest')));
    expect(finding).toMatchObject({ outcome: 'ok', says: expect.stringContaining('1 table will get columns') });
  });

  test('that have lost their metadata are rebuilt', async () => {
    const lost = tableOf('app_acme', { parameters: {} });
    expect(await of(TABLES, tables(lost, tableOf('app_rest')))).toMatchObject([
      { outcome: 'problem', says: expect.stringMatching(/^1 table lost .*app_acme/), next: REBUILD('app_acme') },
    ]);
  });

  test('that were dropped are rebuilt, if their values are listed; of others nobody knows whose they are', async () => {
    const table = fanOutTable('app', 'Acme/EU');
    expect(
      await of(TABLES, { ListObjectsV2: () => folders(table, 'app_rest', 'app_former', 'app_web') }),
    ).toMatchObject([
      { outcome: 'problem', says: expect.stringContaining(table), next: REBUILD(table) },
      { outcome: 'warning', says: expect.stringContaining('app_former'), next: REBUILD('app_former') },
    ]);
  });

  test('that have a column of another type cannot take rows', async () => {
    const other = tableOf('app_acme', { types: { ...TYPES, n: 'string' } });
    expect(await of(TABLES, tables(other, tableOf('app_rest')))).toMatchObject([
      { outcome: 'problem', next: `${REBUILD('app_acme')} --retype n=bigint` },
    ]);
  });

  test('are not asked about where no rows are divided, and are not known to a caller who may not ask', async () => {
    const whole = { ...DEPLOYED, fanOut: undefined };
    for (const check of [TABLES, MAINTENANCE]) {
      expect(await of(check, {}, [whole])).toEqual([]);
      expect(await of(check, { GetTables: () => failure('AccessDeniedException') })).toMatchObject([
        { outcome: 'not known', next: expect.stringMatching(/^allow the caller glue:GetTables/) },
      ]);
    }
  });
});

describe('the maintenance of tables of values', () => {
  const old = Array.from({ length: 45 }, (_, index) => tableOf(`app_${index}`, { days: 3 }));

  test('is looked at in some of those that are two days old', async () => {
    const asked = new Set<unknown>();
    const counted: Account = {
      GetTableOptimizer: (type, { TableName }) => {
        asked.add(TableName);
        return json({ TableOptimizer: { type, configuration: { enabled: true } } });
      },
    };
    expect(await of(MAINTENANCE, counted)).toMatchObject([{ outcome: 'ok', says: expect.stringMatching(/^No table/) }]);
    asked.clear();
    expect(await of(MAINTENANCE, { ...counted, ...tables(...old, tableOf('app_new')) })).toMatchObject([
      { outcome: 'ok', says: 'Glue maintains them: 15 of 45 tables of values were looked at.' },
    ]);
    // The own table of each source, too.
    expect(asked.size).toBe(15 + 2);
  });

  test('is seen to by the function that commits where it is missing', async () => {
    const missing: Account = {
      GetTableOptimizer: (type, { TableName }) =>
        TableName === 'app_1' && type === 'retention'
          ? failure('EntityNotFoundException')
          : json({ TableOptimizer: { type, configuration: { enabled: true } } }),
    };
    const [finding] = await of(MAINTENANCE, { ...missing, ...tables(...old.slice(0, 2)) });
    expect(finding).toMatchObject({
      outcome: 'warning',
      next: expect.stringContaining('/logs/commit-tables --since 2d'),
    });
    expect(finding?.says).toContain(
      'does not maintain 1 table as it should: app_1. 2 tables of values were looked at.',
    );
    expect(finding?.says).toContain('app_1: It has no retention');
  });
});
