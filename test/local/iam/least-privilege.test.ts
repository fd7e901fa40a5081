/**
 * A lake with all lanes loads what is common. Each permission of the template that nothing of it needs is below, with why it is
 * there nevertheless: so none is in the template for nothing, and what is missing is denied.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { synthesize } from '../../../lib/synth.ts';
import type { Intercept } from '../../../local/endpoint.ts';
import { openStack } from '../../../local/open-stack.ts';
import { newFolder, remove } from '../../helpers/folder.ts';
import { type Asked, grantsIn } from '../../helpers/grants.ts';
import { NOTHING_FAILED } from '../../helpers/nothing-failed.ts';
import { KEY } from '../../helpers/stacks.ts';

const NGINX = { format: 'nginx' };
const EVENTS = { format: 'json', preset: 'server-logs' };

const CONTEXT = {
  sources: [
    {
      ...{ name: 'divided', ...NGINX, from: { prefix: 'divided/' }, delivery: 'direct', tableFormat: 'iceberg' },
      fanOut: { by: 'request_method', allow: ['GET'] },
    },
    { name: 'sent', ...NGINX, from: { prefix: 'sent/' }, delivery: 'firehose', tableFormat: 'parquet' },
    { name: 'written', ...NGINX, from: { prefix: 'written/' }, delivery: 'direct', tableFormat: 'parquet' },
    { name: 'app', ...EVENTS, from: { logGroups: ['/ecs/app'] }, delivery: 'firehose', tableFormat: 'parquet' },
    {
      ...{ name: 'jobs', ...EVENTS, from: { logGroups: ['/ecs/jobs'] }, delivery: 'direct', tableFormat: 'iceberg' },
      schemaEvolution: 'auto',
    },
  ],
  kmsKey: KEY,
};

const OBJECTS = ['divided', 'sent', 'written'];

/** Permissions that what is common does not need: of a role, as a regular expression, and the reason. */
const RARE: readonly (readonly [RegExp, string])[] = [
  [/^\S+ sqs:GetQueueUrl /, 'CDK gives it to each function that reads a queue, and cannot be told not to.'],
  [/^\S+ sqs:ChangeMessageVisibility /, 'A message that failed comes back soon.'],
  [/^\S+ glue:GetDatabase /, 'Guides to the Iceberg endpoint ask for it; it is not proven that Glue does not.'],
  [/^\S+ glue:GetCatalog glue:(database|table)/, 'One statement has all actions on all three kinds of resource.'],
  [/^(direct-write|iceberg-manage)-role glue:UpdateTable /, 'A table gets columns that it lacks.'],
  [/^iceberg-(commit|manage)-role glue:UpdateTableOptimizer /, 'The settings of maintenance are changed.'],
  [
    /^(direct-write|duplicates-track|iceberg-commit|schema-evolution-promote|load-objects|direct-plan)-role s3:ListBucket /,
    'A file or an object is missing.',
  ],
  [/^(direct-write|load-objects)-role \S+ s3:::lake\/direct\/\*$/, 'A former version of an object is looked for.'],
  [/^direct-plan-role s3:GetObject s3:::lake\/direct/, 'A batch is gone on with whose planner has died.'],
  [
    /^direct-plan-role s3:ListBucketMultipartUploads /,
    'Once an hour, uploads that nobody has completed are looked for.',
  ],
  [/^direct-plan-role (dynamodb:GetItem|kms:Decrypt) /, 'A batch is gone on with whose planner has died.'],
  [
    /^direct-write-role s3:(AbortMultipartUpload|GetObject|DeleteObject) s3:::lake\//,
    'An attempt failed, or a reload has replaced a file.',
  ],
  [
    /^direct-write-role s3:PutObject s3:::lake\/data\//,
    'Tables without new rows, and tables that were Parquet when a batch was planned.',
  ],
  [/^direct-write-role s3:GetObject s3:::landing\/sent\//, 'Batches of a source that has gone back to Firehose.'],
  [/^direct-write-role sqs:SendMessage /, 'A batch is split, or an object becomes a dead letter.'],
  [/^direct-write-role dynamodb:PutItem /, 'A batch is split.'],
  [
    /^load-objects-role (s3:GetObject s3:::landing|firehose:PutRecordBatch)/,
    'Objects that Firehose’s lane has begun, and rejected lines.',
  ],
  [/^load-objects-role sqs:SendMessage /, 'An object is looked at again later, or goes on in another invocation.'],
  [/^load-objects-role kms:Decrypt /, 'The list of a batch is looked at for a former version.'],
  [
    /^load-log-events-role firehose:PutRecordBatch \S+(jobs|rejected-lines)$/,
    'Events of before a change of lanes, and rejected lines.',
  ],
  [/^load-log-events-role dynamodb:GetItem /, 'Another invocation holds the payload, or has ended it.'],
  [/^load-log-events-role s3:PutObject /, 'An event that no attempt could load.'],
  [/^iceberg-manage-role (s3:GetObject|kms:Decrypt) /, 'A table is there already.'],
  [/^schema-evolution-promote-role /, 'A key becomes a column only when many lines have it.'],
  [/^iceberg-access-optimizing /, 'Glue’s maintenance, which no local run does: its guide lists these.'],
];

const dir = newFolder();
let asked: Asked[] = [];
let grants: ReturnType<typeof grantsIn>;

beforeAll(async () => {
  const assembly = join(dir, 'stack');
  synthesize({ context: CONTEXT, outdir: assembly, checked: false });
  const onAccess = (principal: Asked['principal'], access: Asked['access']) => void asked.push({ principal, access });
  // An object that is gone when it is read, whoever is faster.
  const intercept: Intercept = (_service, { url = '' }) => {
    const [, path = ''] = /^\/landing\/(\w+\/gone\.gz)/.exec(url) ?? [];
    if (path !== '') rmSync(join(dir, 'buckets/landing', path), { force: true });
    return false;
  };
  const lake = await openStack({ dir, assembly, hooks: { onAccess, intercept, durable: false } });
  const put = async (key: string, first: number) => {
    const lines = Array.from(
      { length: 5 },
      (_, line) => `192.0.2.1 - - [29/Nov/2026:10:00:00 +0000] "GET /${first + line} HTTP/1.1" 200 5 "-" "curl/8"\n`,
    );
    const file = join(dir, 'input');
    writeFileSync(file, gzipSync(lines.join('')));
    await lake.putObject('landing', key, file);
  };
  const putEvents = (logGroup: string) =>
    lake.putLogEvents(logGroup, 'stream', [
      { timestamp: Date.now(), message: '{"level":"info","message":"begun","key":1}' },
    ]);
  try {
    for (const source of OBJECTS) await put(`${source}/a.gz`, 0);
    await putEvents('/ecs/app');
    await putEvents('/ecs/jobs');
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    // A replaced object, and one that is gone before it is loaded.
    for (const source of OBJECTS) {
      await put(`${source}/a.gz`, 10);
      await put(`${source}/gone.gz`, 20);
    }
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    grants = grantsIn(lake.resources, asked);
  } finally {
    await lake.close();
    remove(dir);
    asked = [];
  }
}, 120_000);

describe('the roles of the stack', () => {
  test('have no permission that nothing needs, but those that are listed', () => {
    const unused = grants.all.filter((grant) => !grants.needed.has(grant));
    expect(unused.filter((grant) => !RARE.some(([pattern]) => pattern.test(grant)))).toEqual([]);
  });

  test('have each permission that is listed as rare', () => {
    expect(RARE.filter(([pattern]) => !grants.all.some((grant) => pattern.test(grant)))).toEqual([]);
  });

  test('would be denied much without theirs', () => {
    expect(grants.needed.size).toBeGreaterThan(100);
    for (const grant of [
      'load-objects-role dynamodb:PutItem dynamodb:table/ledger-table',
      'load-objects-role s3:GetObject s3:::landing/sent/*',
      'load-objects-role s3:ListBucket s3:::landing',
      'direct-write-role dynamodb:BatchGetItem dynamodb:table/ledger-table',
      'iceberg-commit-role glue:UpdateTable glue:table/tributary_iceberg/*',
      'load-log-events-role lambda:InvokeFunction lambda:function:duplicates-log-events-track',
    ]) {
      expect([...grants.needed]).toContain(grant);
    }
  });
});
