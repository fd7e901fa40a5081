import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { DeploymentError } from '../../local/custom-resources.ts';
import { openStack } from '../../local/open-stack.ts';
import { permissive, resource, writeAssembly } from '../helpers/assembly.ts';
import { temporaryFolder } from '../helpers/folder.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

/** Notes each event, and answers as the properties of the resource say. */
const CODE = `
  import { appendFileSync } from 'node:fs';
  export const handler = async (event) => {
    appendFileSync(process.env.REPORT, JSON.stringify(event) + '\\n');
    const { StackId, RequestId, LogicalResourceId, ResourceProperties: { Does, Reason } } = event;
    if (Does === 'throws') throw new Error('no permission yet');
    if (Does === 'says nothing') return;
    const answer = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'tables', Status: Reason ? 'FAILED' : 'SUCCESS', Reason };
    await fetch(event.ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify(answer)) });
    if (Does === 'dies after its answer') process.exit(1);
  };`;

/** Opens a stack with a custom resource of these properties; without any, with none. @returns the events of its function */
async function opened(properties?: object) {
  const report = join(dir, 'report');
  writeFileSync(report, '');
  const assembly = writeAssembly(join(dir, 'stack'), {
    bundles: { code: CODE },
    resources: permissive({
      Manage: resource('AWS::Lambda::Function', 'Manage', {
        ...{ Code: { S3Key: 'code.zip' }, Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 20 },
        Environment: { Variables: { REPORT: report } },
      }),
      ...(properties && {
        Tables: resource('Custom::IcebergTables', 'Tables', {
          ServiceToken: { 'Fn::GetAtt': ['Manage', 'Arn'] },
          ...properties,
        }),
      }),
    }),
  });
  try {
    const lake = await openStack({ dir, assembly });
    onTestFinished(() => lake.close());
    await lake.close();
  } finally {
    events = readFileSync(report, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
  return events;
}
let events: readonly Record<string, unknown>[];

describe('the function of a custom resource', () => {
  test('is called when the resource is new, and when it has other properties than before', async () => {
    const [created, ...more] = await opened({ Tables: ['web'] });
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      ...{ RequestType: 'Create', ResourceType: 'Custom::IcebergTables', LogicalResourceId: 'Tables' },
      ResourceProperties: { Tables: ['web'] },
    });
    expect(await opened({ Tables: ['web'] })).toEqual([]);
    expect(await opened({ Tables: ['web', 'app'] })).toMatchObject([
      {
        ...{ RequestType: 'Update', PhysicalResourceId: 'tables' },
        ...{ ResourceProperties: { Tables: ['web', 'app'] }, OldResourceProperties: { Tables: ['web'] } },
      },
    ]);
    expect(await opened({ Tables: ['web', 'app'] })).toEqual([]);
  });

  test('is called as for a new one when the stack had none in between', async () => {
    await opened({ Tables: ['web'] });
    expect(await opened()).toEqual([]);
    expect(await opened({ Tables: ['web'] })).toMatchObject([{ RequestType: 'Create' }]);
  });

  test('is called again if nobody knows what it has answered', async () => {
    await opened({});
    writeFileSync(join(dir, 'custom-resources.json'), '{"Tables":');
    expect(await opened({})).toMatchObject([{ RequestType: 'Create' }]);
    expect(await opened({})).toEqual([]);
  });

  test('has answered, whatever becomes of its process then', async () => {
    expect(await opened({ Does: 'dies after its answer' })).toHaveLength(1);
    expect(await opened({ Does: 'dies after its answer' })).toEqual([]);
  });
});

describe('a stack is not opened, and the next opening tries again, if the function', () => {
  test.each([
    ['says why not', { Reason: 'column id: string and int' }, 'column id: string and int', 1],
    ['fails', { Does: 'throws' }, 'Error: no permission yet', 3],
    ['says nothing', { Does: 'says nothing' }, 'its function ended without an answer', 3],
  ])('%s', async (_, properties, message, calls) => {
    const failure = await opened(properties).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DeploymentError);
    expect(String(failure)).toContain(`the stack cannot be deployed: tables: ${message}`);
    expect(events).toHaveLength(calls);
    expect(await opened({})).toMatchObject([{ RequestType: 'Create' }]);
  });
});
