import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../lib/config/config.ts';
import { PARAMS } from '../../lib/config/params.ts';
import { FROM } from '../../lib/config/source-places.ts';
import { allStatements, type Permission, permissionsOf, permissionText } from '../helpers/permissions.ts';
import { resources, templateOf } from '../helpers/template.ts';

const PAGE = new URL('../../docs/permissions.md', import.meta.url);
const OWNER = '210987654321';
const keyOf = (id: string) => `arn:aws:kms:us-east-1:123456789012:key/${id}`;

/** Every kind of source, and every param that brings permissions. */
const EVERYTHING = {
  sources: [
    {
      name: 'landed',
      format: 'alb',
      from: { prefix: 'web/' },
      delivery: 'direct',
      tableFormat: 'iceberg',
      fanOut: { by: 'elb', allow: ['app/shop'] },
    },
    { name: 'ours', format: 'alb', from: { bucket: 'our-logs', prefix: 'alb/', suffix: '.gz', exportedLogs: true } },
    { name: 'theirs', format: 'alb', from: { bucket: 'their-logs', account: OWNER, kmsKeyArn: keyOf('OBJECTS') } },
    { name: 'bus', format: 'alb', from: { bucket: 'bus-logs', notifications: 'eventbridge', account: OWNER } },
    {
      name: 'app',
      format: 'kong',
      from: { logGroups: ['/ecs/app'], filterPattern: 'GET' },
      delivery: 'firehose',
      tableFormat: 'parquet',
    },
    {
      name: 'jobs',
      format: 'json',
      preset: 'server-logs',
      from: { logGroups: ['/ecs/jobs'] },
      delivery: 'direct',
      schemaEvolution: 'auto',
    },
  ],
  logGroupRetentionDays: 30,
  kmsKey: keyOf('LAKE'),
  delivery: 'direct',
  tableFormat: 'iceberg',
  lakeFormation: true,
  removalPolicy: 'destroy',
  duplicates: { alarmPercent: 1 },
  alarmEmail: 'oncall@example.com',
};

/** Params of sizes, times and names, which bring no resource and no permission. */
const WITHOUT_PERMISSIONS = [
  ...['bufferSizeMiB', 'bufferIntervalSeconds', 'parquetCompression', 'timeZone', 'keepRaw', 'streamsPerTable'],
  ...[
    'memoryMiB',
    'logEventsMemoryMiB',
    'timeoutSeconds',
    'maxConcurrency',
    'logEventsConcurrency',
    'scanLimitGiB',
    'stackName',
  ],
  // Without a source on the direct lane, `keepDirectLane` brings what `delivery` does.
  'keepDirectLane',
  'commitIntervalSeconds',
  // The source `jobs` has its own: only sources with lines of JSON have one.
  'schemaEvolution',
  // The topic of a user, which lets CloudWatch publish to it or not.
  'alarmTopicArn',
  ...['retentionDays', 'archiveAfterDays', 'landingRetentionDays', 'ledgerRetentionDays', 'ledgerPointInTimeRecovery'],
];

/** Types of resources whose policies have statements. */
const WITH_STATEMENTS = [
  'AWS::Events::EventBusPolicy',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
];

/** Types of resources whose names say that they give permissions. */
const WITH_PERMISSIONS = [
  ...WITH_STATEMENTS.filter((type) => type !== 'AWS::IAM::Role'),
  ...['AWS::LakeFormation::PrincipalPermissions', 'AWS::Lambda::Permission'],
].sort();

/** The same for every table: its role reaches what has the name of its table. */
const TABLES = [...EVERYTHING.sources.map(({ name }) => name), 'loads', 'rejected_lines'];

/** `arn:<AWS::Partition>:s3:::our-logs/alb/*` as `s3:our-logs/alb/*`, `<LedgerTable.Arn>` as `LedgerTable`. */
function short(text: string): string {
  return text
    .replaceAll(/arn:<AWS::Partition>:(\w+):(?:<AWS::Region>)?:(?:<AWS::AccountId>|aws)?:/g, '$1:')
    .replaceAll(/arn:aws:kms:[\w-]+:\d+:key\/(\w+)/g, 'kms:$1_KEY')
    .replaceAll('arn:<AWS::Partition>:iam::', 'iam:')
    .replaceAll('<AWS::AccountId>', 'ACCOUNT')
    .replaceAll('<AWS::Region>', 'REGION')
    .replaceAll('<AWS::URLSuffix>', 'DOMAIN')
    .replaceAll(OWNER, 'OWNER')
    .replaceAll(/<(\w+)(?:\.Arn)?>/g, '$1')
    .replaceAll(/(BucketNotificationsHandler)[0-9a-f]{32}/g, '$1');
}

/** The permissions of a table's delivery role, with TABLE for the name of the table. */
function ofAnyTable(permission: Permission): Permission {
  const table = TABLES.find((name) => permission.of === `Streams${inIds(name)}Role`);
  if (table === undefined) return permission;
  const name = new RegExp(`(data/|errors/|log-stream:|Catalog)(?:${table}|${inIds(table)})\\b`, 'g');
  return { ...permission, of: 'StreamsTABLERole', on: permission.on.replace(name, '$1TABLE') };
}

/** The name of a table as logical ids have it. */
function inIds(table: string): string {
  return table.replaceAll('_', '');
}

/** The permissions of a template, in the words of docs/permissions.md. */
function given(context: Context): string[] {
  return permissionsOf(templateOf(context))
    .map((permission) => ({
      of: short(permission.of),
      action: short(permission.action),
      on: short(permission.on),
      condition: short(permission.condition),
    }))
    .map((permission) => permissionText(ofAnyTable(permission)));
}

/** One row of the page: each of its actions on each of its resources is a permission. */
interface Row {
  readonly permissions: readonly string[];
  readonly reason: string;
}

function rowsOf(page: string): Row[] {
  let of = '';
  return page.split('\n').flatMap((line) => {
    of = /^### .*\(`(.+)`\)$/.exec(line)?.[1] ?? of;
    if (!of || !line.startsWith('| `')) return [];
    const [, may = '', on = '', condition = '', reason = ''] = line.split('|').map((cell) => cell.trim());
    const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
    const permissions = codes(may).flatMap((action) =>
      codes(on).map((each) => permissionText({ of, action, on: each, condition: codes(condition)[0] ?? '' })),
    );
    return [{ permissions, reason }];
  });
}

/** Here, because the first synthesis of a process takes seconds. */
const all = given(EVERYTHING);
const rows = rowsOf(readFileSync(PAGE, 'utf8'));
const listed = rows.flatMap(({ permissions }) => permissions);

describe('docs/permissions.md', () => {
  test('has every permission of the template, with its reason: add what is missing, with yours', () => {
    expect(all.filter((permission) => !listed.includes(permission))).toEqual([]);
  });

  test('has no permission that the template does not give, and none twice', () => {
    expect(listed.filter((permission) => !all.includes(permission))).toEqual([]);
    expect(listed.filter((permission, index) => listed.indexOf(permission) < index)).toEqual([]);
    expect(listed.length).toBeGreaterThan(150);
  });

  test('gives each as a whole sentence', () => {
    for (const { reason, permissions } of rows) expect(reason, permissions[0]).toMatch(/^[A-Z].{30,}\.$/);
  });

  test('has what a stack with the same sources and without these params gives, too', () => {
    const { sources } = EVERYTHING;
    for (const context of [{ sources }, { sources, duplicates: { enabled: false } }]) {
      expect(given(context).filter((permission) => !listed.includes(permission))).toEqual([]);
    }
  });
});

describe('the list of permissions', () => {
  test('looks at every statement of the template, wherever it is', () => {
    const template = templateOf(EVERYTHING);
    const places = [...resources(template)].filter(([, resource]) => allStatements(resource).length > 0);
    const known = new Set(places.map(([, { Type }]) => Type));
    expect([...known].sort()).toEqual(WITH_STATEMENTS);
    // Beside statements, these give permissions: they would be overlooked under another name.
    const others = [...resources(template).values()]
      .map(({ Type }) => Type)
      .filter((type) => /Polic|Permission|Grant/.test(type));
    expect([...new Set(others)].sort()).toEqual(WITH_PERMISSIONS);
  });

  test('is that of a template with every param: a new param is on above, or brings no permission', () => {
    const params = Object.keys(PARAMS.shape);
    expect(params.filter((name) => !(name in EVERYTHING) && !WITHOUT_PERMISSIONS.includes(name))).toEqual([]);
    expect(WITHOUT_PERMISSIONS.filter((name) => !params.includes(name))).toEqual([]);
    const from = new Set(EVERYTHING.sources.flatMap((source) => Object.keys(source.from)));
    expect(Object.keys(FROM.shape).filter((key) => !from.has(key))).toEqual([]);
  });

  test('would miss no action, resource, principal or condition that is new', () => {
    const [row] = rowsOf('### A role (`Role`)\n\n| `a:B`, `a:C` | `x`, `y/*` |  | Because it has to be so. |');
    expect(row?.permissions).toEqual(['Role | a:B | x', 'Role | a:B | y/*', 'Role | a:C | x', 'Role | a:C | y/*']);
    const [other] = rowsOf(
      '### A queue (`Queue`)\n\n| `s.aws: a:B` | `itself` | `Like k v` | Because it has to be so. |',
    );
    expect(other?.permissions).toEqual(['Queue | s.aws: a:B | itself | if Like k v']);
  });
});
