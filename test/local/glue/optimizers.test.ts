import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateTableOptimizerCommand,
  GetPartitionsCommand,
  GetTableOptimizerCommand,
  GlueClient,
  type TableOptimizerConfiguration,
  type TableOptimizerType,
  UpdateTableOptimizerCommand,
} from '@aws-sdk/client-glue';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { OPTIMIZERS } from '../../../lambdas/core/iceberg/optimizers.ts';
import { maintain } from '../../../lambdas/edges/table-optimizers.ts';
import { ACCOUNT } from '../../../local/account.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { DATABASE, type LocalCatalog, openLocalCatalog } from '../../helpers/local-catalog.ts';
import { ONE_COLUMN } from '../../helpers/table-changes.ts';

const ROLE = `arn:aws:iam::${ACCOUNT}:role/maintains`;
const OF = { CatalogId: ACCOUNT, DatabaseName: DATABASE, TableName: 'web', Type: 'compaction' as TableOptimizerType };

let local: LocalCatalog;
let client: GlueClient;
beforeEach(async () => {
  await open();
  await local.catalog.create('web', ONE_COLUMN);
});

async function open(dir?: string): Promise<void> {
  local = await openLocalCatalog({ dir });
  client = new GlueClient(clientOptions(local.url));
  onTestFinished(() => client.destroy());
}

/** The settings of the kinds of maintenance of a table, or the name of the error. */
async function settings(changed: object = {}): Promise<TableOptimizerConfiguration | string | undefined> {
  return client.send(new GetTableOptimizerCommand({ ...OF, ...changed })).then(
    ({ TableOptimizer }) => TableOptimizer?.configuration,
    (error: Error) => error.name,
  );
}

const create = (given: object, changed: object = {}) =>
  client.send(new CreateTableOptimizerCommand({ ...OF, TableOptimizerConfiguration: given, ...changed }));
const update = (given: object, changed: object = {}) =>
  client.send(new UpdateTableOptimizerCommand({ ...OF, TableOptimizerConfiguration: given, ...changed }));
const binpack = (minInputFiles: number) => ({
  roleArn: ROLE,
  enabled: true,
  compactionConfiguration: { icebergConfiguration: { strategy: 'binpack', minInputFiles } },
});

describe('the maintenance of a table', () => {
  test('is set as the lake wants it, in one request a kind, and stays so when the lake is opened again', async () => {
    const table = { catalogId: ACCOUNT, database: DATABASE, table: 'web' };
    await maintain(client, table, OPTIMIZERS, ROLE);
    const all = async () => [
      await settings(),
      await settings({ Type: 'retention' }),
      await settings({ Type: 'orphan_file_deletion' }),
    ];
    const set = await all();
    expect(set).toMatchObject([
      { roleArn: ROLE, enabled: true, compactionConfiguration: { icebergConfiguration: { minInputFiles: 20 } } },
      { retentionConfiguration: { icebergConfiguration: { cleanExpiredFiles: true, runRateInHours: 24 } } },
      { orphanFileDeletionConfiguration: { icebergConfiguration: { orphanFileRetentionPeriodInDays: 30 } } },
    ]);
    await open(local.dir);
    await update(binpack(50));
    await maintain(client, table, OPTIMIZERS, ROLE);
    expect(await all()).toEqual(set);
  });

  test('has the values of Glue where none are given, and is replaced as a whole', async () => {
    await create(binpack(7));
    await update({ roleArn: ROLE, enabled: false });
    expect(await settings()).toEqual({
      ...{ roleArn: ROLE, enabled: false },
      compactionConfiguration: {
        icebergConfiguration: { strategy: 'binpack', minInputFiles: 100, deleteFileThreshold: 1 },
      },
    });
  });

  test('goes with the table', async () => {
    await create(binpack(7));
    await local.glue.tables.drop(DATABASE, 'web');
    expect(await settings()).toBe('EntityNotFoundException');
    await local.catalog.create('web', ONE_COLUMN);
    expect(await settings()).toBe('EntityNotFoundException');
  });

  test('is none if its file is damaged, so that it is set again', async () => {
    await create(binpack(7));
    writeFileSync(join(local.dir, 'glue', DATABASE, 'web.optimizers'), '{');
    expect(await settings()).toBe('EntityNotFoundException');
    await create(binpack(8));
    expect(await settings()).toMatchObject(binpack(8));
    expect(await local.glue.tables.list(DATABASE)).toEqual(['web']);
  });
});

describe('an error has the name that Glue gives it', () => {
  const retention = { roleArn: ROLE, retentionConfiguration: { icebergConfiguration: {} } };
  test.each<[string, () => Promise<unknown>, string]>([
    ['of a table that is not there', () => create(binpack(7), { TableName: 'none' }), 'EntityNotFoundException'],
    ['of a database that is not there', () => create(binpack(7), { DatabaseName: 'x' }), 'EntityNotFoundException'],
    ['of another account', () => create(binpack(7), { CatalogId: '999999999999' }), 'EntityNotFoundException'],
    ['of a kind that is not set', () => update(binpack(7)), 'EntityNotFoundException'],
    ['of a kind that is set', () => create(binpack(7)).then(() => create(binpack(7))), 'AlreadyExistsException'],
    ['of settings of another kind', () => create(retention), 'InvalidInputException'],
    ['of a strategy without local behaviour', () => create(strategy('sort')), 'InvalidInputException'],
    ['of a role that is none', () => create({ ...binpack(7), roleArn: 'me' }), 'InvalidInputException'],
    ['of an unknown kind', () => create(binpack(7), { Type: 'vacuum' }), 'InvalidInputException'],
    [
      'of an operation without local behaviour',
      () => client.send(new GetPartitionsCommand({ DatabaseName: DATABASE, TableName: 'web' })),
      'UnsupportedOperationException',
    ],
  ])('%s', async (_, send, name) => {
    await expect(send()).rejects.toMatchObject({ name });
  });

  const strategy = (name: string) => ({
    roleArn: ROLE,
    compactionConfiguration: { icebergConfiguration: { strategy: name } },
  });
});

test('kinds that are set at the same time are all set', async () => {
  const kinds: TableOptimizerType[] = ['compaction', 'retention', 'orphan_file_deletion'];
  await Promise.all(kinds.map((Type) => create({ roleArn: ROLE }, { Type })));
  for (const Type of kinds) expect(await settings({ Type })).toMatchObject({ roleArn: ROLE, enabled: true });
});
