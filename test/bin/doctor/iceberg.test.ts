import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../bin/doctor/check.ts';
import { CHECKS } from '../../../bin/doctor/doctor.ts';
import { OPTIMIZERS } from '../../../lambdas/core/iceberg/optimizers.ts';
import { batchGroup } from '../../../lambdas/edges/batches.ts';
import { batchItemId } from '../../../lambdas/edges/ledger-items.ts';
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
} from './fake-account.ts';

const FROM = { bucket: 'web-logs', prefix: 'alb/' };
const WEB = { name: 'web', format: 'alb', from: FROM, delivery: 'direct', tableFormat: 'iceberg' };
const DEPLOYED = { ...{ name: 'web', format: 'alb', lane: 'objects' }, ...FROM, streams: [], keepRaw: 'never' };
const ICEBERG = { ...DEPLOYED, delivery: 'direct', tableFormat: 'iceberg' };
const PARQUET = { ...DEPLOYED, delivery: 'direct' };
const PARTS = { ...ICEBERG, fanOut: { by: 'host' } };

const METADATA = 's3://lake/iceberg/web/metadata/00001-a.metadata.json';
const MINUTE_MS = 60_000;

let account: Account = GOOD;
serveAccount(() => account);

/** A stack with one source, in which everything is as it has to be. */
function deployed(source: object): Account {
  const iceberg = {
    ...{ url: 'https://glue.us-east-1.amazonaws.com/iceberg', signingName: 'glue', region: 'us-east-1' },
    ...{ warehouse: ACCOUNT, database: 'logs_iceberg', commitSeconds: 300 },
  };
  const Variables = {
    TRIBUTARY_SOURCES: JSON.stringify([source]),
    TRIBUTARY_ICEBERG: JSON.stringify(iceberg),
    TRIBUTARY_LEDGER_TABLE: 'Logs-Ledger',
    TRIBUTARY_LAKE_BUCKET: 'lake',
  };
  return {
    ...GOOD,
    DescribeStacks: (name) => (name === 'Logs' ? stackXml(name, 'UPDATE_COMPLETE') : toolkit('21')),
    ListStackResources: () =>
      stackResourcesXml([
        ['IcebergCommit1A2B3C4D', 'AWS::Lambda::Function', 'Logs-Commit'],
        ['IcebergManage1A2B3C4D', 'AWS::Lambda::Function', 'Logs-Manage'],
      ]),
    GetFunctionConfiguration: (name) =>
      json({
        FunctionName: name,
        FunctionArn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`,
        Environment: { Variables },
      }),
    GetTable: (Name) => json({ Table: { Name, Parameters: { metadata_location: METADATA } } }),
    GetTableOptimizer: (type) => optimizer(type),
    HeadObject: () => ofBytes(9_900_000),
    Query: () => json({ Items: [] }),
  };
}

/** https://docs.aws.amazon.com/glue/latest/webapi/API_GetTableOptimizer.html */
function optimizer(type: string, lastRun?: object, enabled = true): Reply {
  return json({ TableOptimizer: { type, configuration: { enabled }, ...(lastRun && { lastRun }) } });
}

function ofBytes(bytes: number): Reply {
  return { headers: { 'content-length': String(bytes) } };
}

/** A batch of the ledger whose files were completed so many minutes ago. */
function stored(id: string, minutesAgo: number, uncommitted: readonly string[] = ['0']) {
  return {
    ...{ id: { S: batchItemId(id) }, source: { S: 'web' }, state: { S: 'stored' }, tables: { N: '1' } },
    storedAt: { S: minutesBefore(minutesAgo) },
    ...(uncommitted.length > 0 && { uncommitted: { NS: uncommitted } }),
  };
}

function minutesBefore(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE_MS).toISOString();
}

/** What one check says of the stack, in an account that answers otherwise than a good one. */
async function of(check: string, other: Account = {}, source: object = ICEBERG): Promise<Finding[]> {
  account = { ...deployed(source), ...other };
  const findings = await examined({ sources: [WEB], stackName: 'Logs' }, { stack: 'Logs' });
  return findings.filter((finding) => finding.check === check);
}

const NAMES = CHECKS.map(({ name }) => name).filter((name) => /^Iceberg (?!.*values)/.test(name));
const GONE = failure('EntityNotFoundException');
const MANAGE =
  "aws lambda invoke --function-name Logs-Manage --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout";
const REBUILD = 'npm run lake -- rebuild web --stack Logs';

describe('an Iceberg table of a deployed stack', () => {
  test('has nothing wrong where everything is as it has to be', async () => {
    for (const name of NAMES) expect(await of(name)).toMatchObject([{ about: 'web', outcome: 'ok' }]);
    expect(NAMES).toHaveLength(4);
  });

  test('is not asked about before the first deployment, nor of sources without one', async () => {
    account = GOOD;
    const before = await examined({ sources: [WEB] });
    expect(before.filter(({ check }) => NAMES.includes(check))).toEqual([]);
    for (const name of NAMES) expect(await of(name, {}, PARQUET)).toEqual([]);
  });

  test('that is not there is made by the function that makes tables, or of the files that it had', async () => {
    const asked: unknown[] = [];
    const other: Account = {
      GetTable: (_, input) => {
        asked.push(input);
        return GONE;
      },
      GetTableOptimizer: () => GONE,
    };
    expect(await of('Iceberg table', other)).toMatchObject([
      { outcome: 'problem', next: `${MANAGE}; if it finds files of a former table: ${REBUILD}` },
    ]);
    expect(asked[0]).toEqual({ CatalogId: ACCOUNT, DatabaseName: 'logs_iceberg', Name: 'web' });
    expect(await of('Iceberg maintenance', other)).toEqual([]);
    expect(await of('Iceberg metadata', other)).toEqual([]);
  });

  test('that has lost its metadata is rebuilt', async () => {
    const lost: Account = { GetTable: (Name) => json({ Table: { Name, Parameters: {} } }) };
    expect(await of('Iceberg table', lost)).toMatchObject([{ outcome: 'problem', next: REBUILD }]);
    expect(await of('Iceberg metadata', lost)).toEqual([]);
    const gone: Account = { HeadObject: () => ({ status: 404 }) };
    expect(await of('Iceberg metadata', gone)).toMatchObject([{ outcome: 'problem', next: REBUILD }]);
  });

  test.each([
    [9_999_999, 'ok'],
    [10_000_000, 'warning'],
  ])('with metadata of %i bytes: %s', async (bytes, outcome) => {
    expect(await of('Iceberg metadata', { HeadObject: () => ofBytes(bytes) })).toMatchObject([
      { outcome, says: expect.stringMatching(/^Its metadata has 10\.0 MB/) },
    ]);
  });

  describe.each(OPTIMIZERS.map(({ kind }) => kind))('whose %s', (kind) => {
    const answer = (reply: Reply): Account => ({
      GetTableOptimizer: (type) => (type === kind ? reply : optimizer(type)),
    });

    test.each([
      ['is not there', GONE, /^It has no /],
      ['is disabled', optimizer(kind, undefined, false), /^Its \w+ is disabled/],
    ])('%s is set up again', async (_, reply, says) => {
      expect(await of('Iceberg maintenance', answer(reply))).toMatchObject([
        { outcome: 'warning', says: expect.stringMatching(says), next: MANAGE },
      ]);
    });

    test('failed when it last ran, with the error', async () => {
      const endTimestamp = Date.parse('2026-01-05T10:00:00Z') / 1000;
      const failed = optimizer(kind, { eventType: 'failed', endTimestamp, error: 'AccessDenied' });
      const [finding, ...others] = await of('Iceberg maintenance', answer(failed));
      expect(others).toEqual([]);
      expect(finding).toMatchObject({ outcome: 'warning', next: expect.stringContaining('/aws-glue/iceberg-') });
      expect(finding?.says).toContain(
        `Its ${kind} failed when it last ran, at 2026-01-05T10:00:00.000Z (AccessDenied): `,
      );
    });

    test.each(['starting', 'in_progress', 'completed'])('is %s has nothing wrong', async (eventType) => {
      const running = optimizer(kind, { eventType });
      expect(await of('Iceberg maintenance', answer(running))).toMatchObject([{ outcome: 'ok' }]);
    });
  });

  test('says of each question that the caller may not ask what the caller needs', async () => {
    const denied = failure('AccessDeniedException');
    const other: Account = {
      ...{ GetTable: () => denied, GetTableOptimizer: () => denied, Query: () => denied },
      HeadObject: () => ({ status: 403 }),
    };
    for (const name of NAMES) {
      expect(await of(name, other)).toMatchObject([
        { outcome: 'not known', next: expect.stringMatching(/^allow the caller (?:glue|dynamodb):/) },
      ]);
    }
    expect(await of('Iceberg metadata', { HeadObject: () => ({ status: 403 }) })).toMatchObject([
      { outcome: 'not known', says: expect.stringContaining('status 403') },
    ]);
  });
});

describe('commits to Iceberg tables', () => {
  const waiting = (...Items: readonly object[]): Account => ({ Query: () => json({ Items }) });

  test('are late ten minutes after the interval, and the oldest file says since when', async () => {
    const [first, ...others] = [stored('b', 40), stored('a', 16), stored('c', 14), stored('d', 99, [])];
    const [finding, ...more] = await of('Iceberg commits', waiting(...others, first as object));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      outcome: 'problem',
      next: expect.stringContaining('aws logs tail /logs/commit-tables --since 1h'),
    });
    expect(finding?.says).toContain('The rows of 2 batches have waited longer than 15 minutes');
    expect(finding?.says).toContain(`the first since ${first?.storedAt.S}`);
  });

  test('that fail are named with the reason, and with when they are tried again', async () => {
    const failing = (table: string, source: string, failure?: string) => ({
      ...{ id: { S: `table ${table}` }, table: { S: table }, source: { S: source } },
      ...(failure && { failures: { N: '7' }, failure: { S: failure }, retryAt: { S: '2026-01-05T10:30:00.000Z' } }),
    });
    const ofBatches = (input: Readonly<Record<string, unknown>>) => JSON.stringify(input).includes(batchGroup('web'));
    const records = [
      failing('web', 'web', '403 AccessDenied'),
      failing('app', 'app', 'other'),
      failing('web_a', 'web'),
    ];
    const [finding] = await of('Iceberg commits', {
      Query: (_, input) => json({ Items: ofBatches(input) ? [stored('a', 99)] : records }),
    });
    expect(finding?.says).toMatch(
      /none is lost\. web: 7 failures, tried again at 2026-01-05T10:30:00\.000Z: 403 AccessDenied\.$/,
    );
  });

  test('are not late before that, nor when all is committed and only publishing is left', async () => {
    const soon = waiting(stored('a', 14), stored('b', 99, []));
    expect(await of('Iceberg commits', soon)).toMatchObject([
      { outcome: 'ok', says: 'No rows have waited longer than 15 minutes for their commit.' },
    ]);
  });

  test('of tables of single values may wait an hour more', async () => {
    expect(await of('Iceberg commits', waiting(stored('a', 74)), PARTS)).toMatchObject([{ outcome: 'ok' }]);
    expect(await of('Iceberg commits', waiting(stored('a', 76)), PARTS)).toMatchObject([{ outcome: 'problem' }]);
  });

  test.each([
    ['format', PARQUET],
    ['lane', DEPLOYED],
  ])('are asked about after the %s has changed, too, as long as files wait', async (_, source) => {
    expect(await of('Iceberg commits', waiting(stored('a', 16)), source)).toMatchObject([{ outcome: 'problem' }]);
    expect(await of('Iceberg commits', waiting(), source)).toEqual([]);
  });

  test('are known from the index of what waits alone', async () => {
    const asked: Readonly<Record<string, unknown>>[] = [];
    const other: Account = {
      Query: (_, input) => {
        asked.push(input);
        return json({ Items: [] });
      },
    };
    await of('Iceberg commits', other);
    expect(asked).toMatchObject([
      {
        TableName: 'Logs-Ledger',
        IndexName: 'waiting',
        ExpressionAttributeValues: { ':group': { S: batchGroup('web') } },
      },
    ]);
  });
});
