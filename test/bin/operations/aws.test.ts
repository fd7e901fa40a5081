import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { readLakeFolder } from '../../../bin/input/lake-folder.ts';
import { audit } from '../../../bin/operations/audit.ts';
import { backfillLogGroup } from '../../../bin/operations/backfill-log-group.ts';
import { openDeployedLake } from '../../../bin/operations/deployed-lake.ts';
import { auditDuplicates, duplicatesReport } from '../../../bin/operations/duplicates.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { type OperationOptions, rateLimiter } from '../../../bin/operations/operation-options.ts';
import { prove } from '../../../bin/prove/prove.ts';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { type QueryResult, toJson } from '../../../local/athena/query-result.ts';
import type { LocalLake } from '../../../local/local-lake.ts';
import { openLake } from '../../../local/open-lake.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import {
  type FakeService,
  failure,
  json,
  openFakeService,
  type Reply,
  type ServedRequest,
} from '../../helpers/fake-service.ts';
import { sharedFolder } from '../../helpers/folder.ts';

/** S3, SQS, DynamoDB and Firehose are a local lake's; what it has not is answered here, as AWS documents it. */
const dir = sharedFolder();
let localLake: LocalLake;
let athena: Athena;
let lake: LakeHandle;

const GROUP = '/demo/app';
const FUNCTIONS = 'arn:aws:lambda:us-east-1:123456789012:function';
const FROM = Date.parse('2026-01-05T10:00:00Z');
const CONTEXT = { sources: [{ name: 'app', format: 'json', columns: { n: 'int' }, from: { logGroups: [GROUP] } }] };
const OPTIONS: OperationOptions = {
  dryRun: false,
  rateLimit: rateLimiter(undefined),
  progress: () => ({ add() {}, end() {} }),
};

/** Two streams, three minutes. A page of the answer ends within a minute. */
const EVENTS = Array.from({ length: 9 }, (_, index) => ({
  eventId: `event-${index}`,
  logStreamName: index % 3 === 0 ? 'one' : 'two',
  timestamp: FROM + index * 20_000,
  message: JSON.stringify({ n: index }),
}));

let stub: FakeService;

beforeAll(async () => {
  localLake = await openLake({ dir, context: CONTEXT });
  athena = await openAthena(readLakeFolder(dir));
  stub = await openFakeService(answer);
  const { LAMBDA: _, GLUE: __, ...endpoints } = Object.fromEntries(localLake.endpoints);
  for (const [name, value] of Object.entries(clientEnvironment(stub.url, endpoints))) vi.stubEnv(name, value);
  lake = { ...(await openDeployedLake('Logs')), stateFolder: join(dir, 'state') };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stub.close();
  await athena.close();
  await localLake.close();
});

test('a deployed stack tells its names and settings itself', () => {
  expect(lake).toMatchObject({ accountId: '123456789012', lakeBucket: 'lake', database: 'tributary' });
  expect(lake.sources.map(({ settings }) => settings.name)).toEqual(['app']);
});

test('a log group is loaded from CloudWatch once, in payloads of a stream and a minute, and audited by Athena', async () => {
  const range = { logGroup: GROUP, since: FROM, until: FROM + 600_000 };
  const counts = { events: 9, payloads: 6, loaded: 9, old: 9, alreadyLoaded: 0 };

  expect(await backfillLogGroup(lake, range, { ...OPTIONS, dryRun: true })).toEqual(counts);
  await localLake.drain();
  expect(await Array.fromAsync(lake.query('SELECT n FROM app'))).toEqual([]);

  expect(await backfillLogGroup(lake, range, OPTIONS)).toEqual(counts);
  await localLake.drain();
  expect(await Array.fromAsync(lake.query('SELECT n FROM app ORDER BY n'))).toEqual(EVENTS.map((_, n) => ({ n })));
  expect(await backfillLogGroup(lake, range, OPTIONS)).toEqual({ ...counts, loaded: 0, old: 0, alreadyLoaded: 9 });
  await localLake.drain();

  // As `--since 1h` is, said a moment later: its whole minutes are those of before.
  const later = { ...range, since: FROM + 30_000, until: FROM + 150_000 };
  expect(await backfillLogGroup(lake, later, OPTIONS)).toEqual({
    ...counts,
    events: 6,
    payloads: 4,
    loaded: 0,
    old: 0,
    alreadyLoaded: 6,
  });

  expect(await audit(lake, { fix: false }, OPTIONS)).toMatchObject({ objects: 0, recent: 6, findings: [] });
  const settled = { ...lake, settledBefore: () => new Date() };
  expect(await audit(settled, { fix: false }, OPTIONS)).toMatchObject({ objects: 6, balanced: 6, findings: [] });
});

test('what the duplicate check has found is read from its table, and audited by Athena', async () => {
  const at = Date.now() - 60_000;
  const same = Array.from({ length: 3 }, () => ({ timestamp: at, message: '{"n":77}' }));
  await localLake.putLogEvents(GROUP, 'one', same);
  await localLake.putLogEvents(GROUP, 'two', same.slice(1));
  await localLake.drain();
  const report = await duplicatesReport(lake, { source: 'app', since: new Date(at - 86_400_000) });
  expect(report.sources).toMatchObject([{ checked: 5, withinObject: 3, acrossObjects: 1, redelivered: 0 }]);
  const [sample] = report.sample.filter(({ kind }) => kind === 'across');
  expect(sample?.places.map(({ what }) => what).sort()).toEqual([`${GROUP} one`, `${GROUP} two`]);
  const [audited] = await auditDuplicates(lake, report);
  expect(audited?.withinObject).toBe(3);
  await expect(duplicatesReport(lake, { source: 'other' })).rejects.toThrow('no source other: expected one of app');
});

test('the Iceberg table of a source is found, with the columns that it has now', async () => {
  expect(await lake.icebergTables('app')).toEqual([]);
  const columns = [
    { Name: 'n', Type: 'int' },
    { Name: 'dropped', Type: 'string', Parameters: { 'iceberg.field.current': 'false' } },
    { Name: 'dt', Type: 'string', Parameters: { 'iceberg.field.current': 'true' } },
  ];
  icebergTable = { Name: 'app', StorageDescriptor: { Columns: columns } };
  onTestFinished(() => {
    icebergTable = undefined;
  });
  const place = { database: 'tributary_iceberg', name: 'app' };
  expect(await lake.icebergTables('app')).toEqual([{ ...place, columns: ['n', 'dt'] }]);
  icebergTable = { Name: 'app' };
  expect(await lake.icebergTables('app')).toEqual([place]);
});

test('a query that fails ends with the reason Athena gives', async () => {
  await expect(Array.fromAsync(lake.query('SELECT nothing FROM nowhere'))).rejects.toThrow(
    /^Athena: query .* failed: /,
  );
});

test('a proof puts log events and asks CloudWatch for the metric', async () => {
  const proofs = await prove({ ...lake, settle: drained, settledBefore: () => new Date() }, lake, () => {});
  const failed = proofs.filter(({ outcome }) => outcome === 'failed');
  expect(failed).toEqual([]);
  expect(proofs.map(({ claim }) => claim)).toContain('metrics');
  await expect(lake.putLogEvents(GROUP, 'refused', [{ timestamp: 1, message: 'too old' }])).rejects.toThrow(
    `log group ${GROUP}: expected CloudWatch to take 1 events, it refused some: {"tooOldLogEventEndIndex":1}`,
  );
});

/** Waits as `settle` of a local lake does: the deployed one is a local lake here. */
async function drained(): Promise<string[]> {
  await localLake.drain();
  return [];
}

test('a log group of no source is refused with those there are', async () => {
  const range = { logGroup: '/demo/other', since: FROM, until: FROM + 1 };
  await expect(backfillLogGroup(lake, range, OPTIONS)).rejects.toThrow(
    `log group /demo/other: expected a log group of a source: ${GROUP}`,
  );
});

const results = new Map<string, QueryResult | string>();

async function answer({ operation: target, path, body }: ServedRequest): Promise<Reply> {
  const [service, operation = ''] = target.split('.');
  if (service === 'AmazonAthena') return json(await answerAthena(operation, JSON.parse(body)));
  if (service === 'Logs_20140328') return json(await answerLogs(operation, JSON.parse(body)));
  if (service === 'AWSGlue') return answerGlue(operation, JSON.parse(body));
  if (service === 'GraniteServiceVersion20100801') return json(metricStatistics(operation, JSON.parse(body)));
  const [, functionName] = /\/functions\/([^/]+)\/configuration/.exec(path) ?? [];
  if (functionName) return json(functionConfiguration(functionName));
  return { headers: { 'content-type': 'text/xml' }, body: stackAnswer(new URLSearchParams(body)) };
}

/** Set, the source has an Iceberg table. https://docs.aws.amazon.com/glue/latest/webapi/API_GetTable.html */
let icebergTable: object | undefined;

function answerGlue(operation: string, input: Readonly<Record<string, unknown>>): Reply {
  expect([operation, input]).toEqual(['GetTable', { DatabaseName: 'tributary_iceberg', Name: 'app' }]);
  return icebergTable ? json({ Table: icebergTable }) : failure('EntityNotFoundException');
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html */
function stackAnswer(parameters: URLSearchParams): string {
  const action = parameters.get('Action');
  const outputs = Object.entries({ LakeBucket: 'lake', Database: 'tributary', Workgroup: 'tributary' })
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('');
  const member = (type: string, id: string) =>
    `<member><ResourceType>${type}</ResourceType><PhysicalResourceId>${id}</PhysicalResourceId></member>`;
  const functions = localLake.resources.filter(({ type }) => type === 'AWS::Lambda::Function');
  const resources =
    member('AWS::S3::Bucket', 'lake') + functions.map(({ type, localName }) => member(type, localName)).join('');
  const result =
    action === 'DescribeStacks'
      ? `<Stacks><member><StackName>Logs</StackName><Outputs>${outputs}</Outputs></member></Stacks>`
      : `<StackResourceSummaries>${resources}</StackResourceSummaries>`;
  return `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`;
}

function functionConfiguration(name: string): unknown {
  const found = localLake.resources.find(
    ({ type, localName }) => type === 'AWS::Lambda::Function' && localName === name,
  );
  return { FunctionArn: `${FUNCTIONS}:${name}`, Environment: found?.properties.Environment };
}

async function answerLogs(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  if (operation === 'CreateLogStream') return {};
  if (operation === 'PutLogEvents') {
    const events = input.logEvents as readonly { timestamp: number; message: string }[];
    if (events[0]?.timestamp === 1) return { rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } };
    await localLake.putLogEvents(String(input.logGroupName), String(input.logStreamName), events);
    return {};
  }
  if (operation === 'DescribeSubscriptionFilters') {
    return { subscriptionFilters: [{ filterPattern: '{ $.n >= 0 }', destinationArn: `${FUNCTIONS}:load-log-events` }] };
  }
  expect(input).toMatchObject({ logGroupName: GROUP, filterPattern: '{ $.n >= 0 }' });
  const from = Number(input.nextToken ?? 0);
  const [start, end] = [Number(input.startTime), Number(input.endTime)];
  const events = EVENTS.filter(({ timestamp }) => timestamp >= start && timestamp <= end);
  return { events: events.slice(from, from + 4), ...(from + 4 < events.length && { nextToken: String(from + 4) }) };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html */
function metricStatistics(operation: string, input: Readonly<Record<string, unknown>>): unknown {
  expect([operation, input]).toMatchObject([
    'GetMetricStatistics',
    { Namespace: 'Tributary', MetricName: 'RowsAcknowledged', Period: 60, Statistics: ['Sum'] },
  ]);
  return { Datapoints: [{ Sum: 1 }, { Sum: 2 }] };
}

/** https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html */
async function answerAthena(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const id = String(input.QueryExecutionId);
  if (operation === 'StartQueryExecution') {
    expect(input).toMatchObject({ WorkGroup: 'tributary', QueryExecutionContext: { Database: 'tributary' } });
    const next = `query-${results.size}`;
    results.set(next, await athena.query(String(input.QueryString)).catch(String));
    return { QueryExecutionId: next };
  }
  const result = results.get(id);
  if (operation === 'GetQueryExecution') {
    const failed = typeof result === 'string';
    return {
      QueryExecution: { Status: { State: failed ? 'FAILED' : 'SUCCEEDED', StateChangeReason: failed ? result : '' } },
    };
  }
  if (typeof result !== 'object') throw new Error(`no result of ${id}`);
  return resultPage(result, Number(input.NextToken ?? 0));
}

/** Four rows a page, the header among them; all values are text. */
function resultPage(result: QueryResult, from: number): unknown {
  const names = result.columns.map(({ name }) => name);
  const values = toJson(result).map((row) => names.map((name) => row[name]));
  const all = [names, ...values];
  const cell = (value: unknown) => (value === null || value === undefined ? {} : { VarCharValue: String(value) });
  return {
    ResultSet: {
      Rows: all.slice(from, from + 4).map((row) => ({ Data: row.map(cell) })),
      ResultSetMetadata: {
        ColumnInfo: result.columns.map(({ name, type }) => ({ Name: name, Type: ATHENA_TYPE[type] ?? type })),
      },
    },
    ...(from + 4 < all.length && { NextToken: String(from + 4) }),
  };
}

/** Athena's names of types where DuckDB has others. */
const ATHENA_TYPE: Readonly<Record<string, string>> = { hugeint: 'bigint' };
