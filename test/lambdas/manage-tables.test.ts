import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { currentSchema } from '../../lambdas/core/iceberg/schema.ts';
import { ENV } from '../../lambdas/core/settings.ts';
import { ACCOUNT, REGION } from '../../local/account.ts';
import type { Intercept } from '../../local/endpoint.ts';
import { clientEnvironment } from '../helpers/client-options.ts';
import { openFakeService } from '../helpers/fake-service.ts';
import { DATABASE, LAKE, type LocalCatalog, openLocalCatalog } from '../helpers/local-catalog.ts';

const SOURCE = { name: 'app', format: 'json', lane: 'objects', bucket: 'example-logs', streams: [], keepRaw: 'never' };

/** What Glue was asked about the maintenance of tables, by the names of the operations. */
const asked: string[] = [];
const optimizers: Intercept = (_, request) => {
  const operation = request.headers['x-amz-target'];
  if (operation !== undefined) asked.push(String(operation).replace('AWSGlue.', ''));
  return false;
};

/** The function as a deployment with these columns has it. */
async function deployed({ url, s3Url }: LocalCatalog, columns: Readonly<Record<string, string>>) {
  vi.resetModules();
  const iceberg = {
    ...{ url: 'http://192.0.2.1/iceberg', signingName: 'glue', region: REGION, warehouse: ACCOUNT },
    ...{ database: DATABASE, commitSeconds: 300 },
  };
  const environment = {
    ...clientEnvironment(url, { GLUE: url, S3: s3Url }),
    [ENV.sources]: JSON.stringify([{ ...SOURCE, options: { columns } }]),
    [ENV.iceberg]: JSON.stringify(iceberg),
    [ENV.lakeBucket]: LAKE,
    [ENV.optimizerRole]: `arn:aws:iam::${ACCOUNT}:role/maintains`,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return (await import('../../lambdas/manage-tables.ts')).handler;
}

const columnsOf = async ({ catalog }: LocalCatalog) => {
  const table = await catalog.load('app');
  return table && currentSchema(table.metadata).fields.map(({ name }) => name);
};

/** What CloudFormation sends, and what it was answered. */
async function answered(handler: Awaited<ReturnType<typeof deployed>>, RequestType: 'Create' | 'Update' | 'Delete') {
  const cloudFormation = await openFakeService(() => ({ status: 200 }));
  const event = {
    ...{ RequestType, ResponseURL: `${cloudFormation.url}/answer`, ServiceToken: '', ResourceType: '' },
    ...{ StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Tables', PhysicalResourceId: 'tables' },
    ...{ ResourceProperties: { ServiceToken: '' }, OldResourceProperties: {} },
  };
  try {
    await handler(event as CloudFormationCustomResourceEvent);
    return JSON.parse(cloudFormation.requests[0]?.body ?? '') as { Status: string; Reason?: string };
  } finally {
    await cloudFormation.close();
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
  asked.length = 0;
});

describe('a deployment', () => {
  test('makes the table of a source, with all kinds of maintenance, and adds its new columns', async () => {
    const local = await openLocalCatalog({ intercept: optimizers });
    const first = await deployed(local, { id: 'int' });
    expect(await answered(first, 'Create')).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: `tables of ${DATABASE}`,
    });
    const made = await local.catalog.load('app');
    expect(made?.metadata).toMatchObject({ location: `s3://${LAKE}/iceberg/app`, 'format-version': 2 });
    expect(made?.metadata.properties).toMatchObject({ 'tributary.source': 'app' });
    const columns = (await columnsOf(local)) ?? [];
    expect([columns[0], columns.at(-1)]).toEqual(['id', 'dt']);
    expect(asked.filter((operation) => operation === 'CreateTableOptimizer')).toHaveLength(3);

    const second = await deployed(local, { id: 'int', user: 'string' });
    expect(await answered(second, 'Update')).toMatchObject({ Status: 'SUCCESS' });
    expect(await columnsOf(local)).toEqual(expect.arrayContaining(['id', 'user', 'dt']));
  });

  test('that would give a column another type fails at once, and says which', async () => {
    const local = await openLocalCatalog({ intercept: optimizers });
    await answered(await deployed(local, { id: 'string' }), 'Create');
    const { Status, Reason } = await answered(await deployed(local, { id: 'int' }), 'Update');
    expect([Status, Reason]).toEqual(['FAILED', expect.stringMatching(/table app, column id: .*string.*int/)]);
  });

  test('that finds no table, and files of one, fails and says how to bring it back', async () => {
    const local = await openLocalCatalog({ intercept: optimizers });
    const handler = await deployed(local, { id: 'int' });
    await answered(handler, 'Create');
    await local.glue.tables.drop(DATABASE, 'app');
    expect(await answered(handler, 'Update')).toMatchObject({ Status: 'SUCCESS' });
    await local.files.put(`s3://${LAKE}/iceberg/app/data/dt=2026-11-28/a.parquet`, Buffer.from('PAR1'));
    expect(await answered(handler, 'Update')).toMatchObject({ Status: 'SUCCESS' });
    await local.glue.tables.drop(DATABASE, 'app');
    const { Status, Reason } = await answered(handler, 'Update');
    expect([Status, Reason]).toEqual(['FAILED', expect.stringMatching(/not in the catalog.*`lake rebuild app`/)]);
    expect(await columnsOf(local)).toBeUndefined();
  });

  test('that removes the sources leaves their tables', async () => {
    const local = await openLocalCatalog({ intercept: optimizers });
    const handler = await deployed(local, { id: 'int' });
    await answered(handler, 'Create');
    asked.length = 0;
    expect(await answered(handler, 'Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(await columnsOf(local)).toContain('id');
    expect(asked).toEqual([]);
  });
});

test('an invocation by hand makes what is missing', async () => {
  const local = await openLocalCatalog({ intercept: optimizers });
  const handler = await deployed(local, { id: 'int' });
  await handler({});
  expect(await columnsOf(local)).toContain('id');
});
