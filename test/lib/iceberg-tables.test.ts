import { describe, expect, test } from 'vitest';
import { ENV, icebergSettings } from '../../lambdas/core/settings.ts';
import { type Context, DEMO_SOURCES } from '../../lib/config/config.ts';
import { circleIn, readable, resource, resources, statements, templateOf } from '../helpers/template.ts';

const DIRECT = { sources: DEMO_SOURCES, delivery: 'direct' };
const ICEBERG = { ...DIRECT, tableFormat: 'iceberg' };

const parquet = templateOf(DIRECT);
const iceberg = templateOf(ICEBERG);

type Template = ReturnType<typeof templateOf>;

function variablesOf(template: Template, fn: string): Readonly<Record<string, string>> {
  const { Environment } = resource(template, 'AWS::Lambda::Function', fn).Properties;
  const { Variables } = Environment as { readonly Variables: Readonly<Record<string, unknown>> };
  return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, readable(value)]));
}

describe('a stack whose table format changes', () => {
  const [off, on] = [resources(parquet), resources(iceberg)];

  test('keeps every resource that it has, so that it may be changed back, and again', () => {
    expect([...off.keys()].filter((id) => !on.has(id))).toEqual([]);
    // What makes the tables has no state of its own, nor has the text of a query: they may go and come again.
    const added = [...on].filter(([id]) => !off.has(id));
    const others = added.filter(([id, { Type }]) => !/^Iceberg(?:Manage|Tables)/.test(id) && !/NamedQuery$/.test(Type));
    expect(others).toEqual([]);
    expect(added.length).toBeGreaterThan(3);
  });

  test('changes nothing of them but what functions and readers are told, and what these wait for', () => {
    for (const [id, before] of off) {
      const { Type, DependsOn: _, ...after } = on.get(id) ?? { Type: 'none' };
      const { Type: type, DependsOn: __, ...rest } = before;
      const without = ({ Properties, ...others }: Omit<typeof before, 'Type' | 'DependsOn'>) => {
        const { Environment, DashboardBody, QueryString, Database, ...properties } = structuredClone(Properties ?? {});
        const { Parameters } = (properties.TableInput ?? {}) as { Parameters?: Record<string, string> };
        if (Parameters) delete Parameters['tributary.tableFormat'];
        return { ...others, properties };
      };
      expect([id, Type]).toEqual([id, type]);
      expect([id, without(after as typeof rest)]).toEqual([id, without(rest)]);
    }
  });

  test('has the database of the Iceberg tables even without the direct lane, and never takes it away', () => {
    for (const [context, policy] of [
      [{}, 'RetainExceptOnCreate'],
      [ICEBERG, 'RetainExceptOnCreate'],
      [{ removalPolicy: 'destroy' }, 'Delete'],
    ] as const) {
      const database = resource(templateOf(context), 'AWS::Glue::Database', 'CatalogIcebergDatabase');
      expect(database.DeletionPolicy).toBe(policy);
      expect(database.Properties.DatabaseInput).toMatchObject({ Name: 'tributary_iceberg' });
    }
  });

  test('has committed what was written before it changed', () => {
    for (const context of [DIRECT, { sources: DEMO_SOURCES, keepDirectLane: true }]) {
      const template = templateOf(context);
      const { sources } = { sources: JSON.parse(variablesOf(template, 'IcebergCommit')[ENV.sources] ?? '') };
      expect(sources.map(({ name }: { name: string }) => name)).toEqual(['alb', 'kong', 'app']);
      const rules = [...resources(template, 'AWS::Events::Rule')].filter(([id]) => id.startsWith('IcebergEachMinute'));
      expect(rules.map(([, { Properties }]) => Properties.ScheduleExpression)).toEqual(['rate(1 minute)']);
    }
  });

  test('lists no Iceberg file under a rule that expires files', () => {
    const { LifecycleConfiguration } = resource(iceberg, 'AWS::S3::Bucket', 'Lake').Properties;
    const { Rules } = LifecycleConfiguration as { Rules: { Prefix?: string; ExpirationInDays?: number }[] };
    for (const { Prefix, ExpirationInDays } of Rules) {
      if (ExpirationInDays === undefined) continue;
      expect(Prefix).toMatch(/.\/$/);
      expect(Prefix).not.toMatch(/^iceberg/);
    }
  });
});

test('the outputs name the database and the catalog for other engines, if a source has Iceberg tables', () => {
  const outputs = (template: Template) =>
    Object.entries(template.toJSON().Outputs as Record<string, { Value: unknown }>).flatMap(([id, { Value }]) =>
      id.startsWith('Iceberg') ? [[id, readable(Value)]] : [],
    );
  expect(outputs(iceberg)).toEqual([
    ['IcebergDatabase', '<CatalogIcebergDatabase>'],
    ['IcebergCatalog', 'https://glue.<AWS::Region>.<AWS::URLSuffix>/iceberg'],
  ]);
  expect(outputs(parquet)).toEqual([]);
});

test('readers may read the Iceberg tables, and write none', () => {
  const allowed = statements(iceberg, 'ReadersPolicy').flatMap(({ Action, Resource }) =>
    [Resource].flat().flatMap((on) => (readable(on).includes('iceberg') ? [Action].flat() : [])),
  );
  expect(allowed).toEqual(expect.arrayContaining(['glue:GetTable', 's3:GetObject']));
  expect(allowed.filter((action) => !/:Get/.test(action))).toEqual([]);
});

test('no function that runs each minute is tried again when a run fails: the next run finds what is left', () => {
  const all = resources(iceberg);
  const targets = [...all.values()]
    .filter(
      ({ Type, Properties }) => Type === 'AWS::Events::Rule' && Properties.ScheduleExpression === 'rate(1 minute)',
    )
    .flatMap(({ Properties }) => (Properties.Targets as { Arn: unknown }[]).map(({ Arn }) => readable(Arn)));
  const retries = [...all.values()]
    .filter(({ Type }) => Type === 'AWS::Lambda::EventInvokeConfig')
    .map(({ Properties }) => [readable(Properties.FunctionName), Properties.MaximumRetryAttempts]);
  expect(targets).toEqual(expect.arrayContaining(['<IcebergCommit.Arn>', '<DirectPlan.Arn>']));
  for (const target of targets) expect(retries).toContainEqual([target.replace('.Arn', ''), 0]);
});

describe('the functions of Iceberg tables', () => {
  test('are told where the catalog is, and how long files wait', () => {
    const told = { ...ICEBERG, commitIntervalSeconds: 900, stackName: 'Second-Lake' };
    const template = templateOf(told);
    const settings = ['DirectWrite', 'IcebergCommit', 'IcebergManage'].map((fn) =>
      icebergSettings(variablesOf(template, fn)),
    );
    expect(settings[0]).toEqual({
      url: 'https://glue.<AWS::Region>.<AWS::URLSuffix>/iceberg',
      signingName: 'glue',
      region: '<AWS::Region>',
      warehouse: '<AWS::AccountId>',
      database: '<CatalogIcebergDatabase>',
      commitSeconds: 900,
    });
    expect(settings.slice(1)).toEqual([settings[0], settings[0]]);
  });

  test('are told the table format of a source only where it is Iceberg', () => {
    const [alb, ...rest] = DEMO_SOURCES;
    const template = templateOf({ ...ICEBERG, sources: [{ ...alb, tableFormat: 'parquet' }, ...rest] });
    const formats = (fn: string) =>
      JSON.parse(variablesOf(template, fn)[ENV.sources] ?? '').map(
        ({ name, tableFormat }: { name: string; tableFormat?: string }) => [name, tableFormat],
      );
    const all = [
      ['alb', undefined],
      ['kong', 'iceberg'],
      ['app', 'iceberg'],
    ];
    expect(formats('DirectWrite')).toEqual(all);
    expect(formats('IcebergCommit')).toEqual(all);
    expect(formats('IcebergManage')).toEqual(all.slice(1));
  });

  test('write new columns only after the table has them', () => {
    expect(circleIn(iceberg)).toBeUndefined();
    const [made = ''] = resources(iceberg, 'Custom::IcebergTables').keys();
    expect(resource(iceberg, 'AWS::Lambda::Function', 'DirectWrite').DependsOn).toContain(made);
    expect(resource(iceberg, 'AWS::Lambda::EventSourceMapping', 'DirectWrite').DependsOn).toContain(made);
  });

  test('may use the tables and files of the Iceberg database alone, each as little as it needs', () => {
    const allowed = (role: string) =>
      statements(iceberg, role)
        .filter(({ Effect }) => Effect === 'Allow')
        .flatMap(({ Action, Resource }) =>
          [Action].flat().flatMap((action) => [Resource].flat().map((on) => [action, readable(on)] as const)),
        );
    const onTables = (role: string) =>
      [...new Set(allowed(role).flatMap(([action, on]) => (on.endsWith('table/tributary_iceberg/*') ? [action] : [])))]
        .map((action) => action.replace('glue:', ''))
        .sort();
    const reading = ['GetCatalog', 'GetDatabase', 'GetTable'];
    expect(onTables('DirectWriteRole')).toEqual(['CreateTable', ...reading, 'UpdateTable']);
    expect(onTables('IcebergCommitRole')).toEqual([...reading, 'UpdateTable']);
    expect(onTables('IcebergAccessOptimizing')).toEqual(['GetTable', 'UpdateTable']);
    for (const role of ['DirectPlanRole', 'LoadObjectsRole', 'LoadLogEventsRole']) expect(onTables(role)).toEqual([]);
    const glue = ['DirectWriteRole', 'IcebergCommitRole', 'IcebergManageRole', 'IcebergAccessOptimizing'].flatMap(
      (role) => allowed(role).flatMap(([action, on]) => (action.startsWith('glue:') ? [on] : [])),
    );
    expect([...new Set(glue)].map((on) => on.replace(/^arn:.*<AWS::AccountId>:/, ''))).toEqual([
      'catalog',
      'database/tributary_iceberg',
      'table/tributary_iceberg/*',
    ]);
    // Only Glue's own maintenance deletes files.
    const deleting = [...resources(iceberg).keys()].filter((id) =>
      allowed(id).some(([action, on]) => action === 's3:DeleteObject' && on.includes('/iceberg/')),
    );
    expect(deleting).toEqual([expect.stringMatching(/^IcebergAccessOptimizing/)]);
  });
});

describe('the resource that makes the tables', () => {
  const made = (context: Context) => {
    const [[, found] = []] = resources(templateOf(context), 'Custom::IcebergTables');
    return found;
  };
  const definition = (context: Context) => made(context)?.Properties.Definition;
  const json = (columns: object) => ({
    ...ICEBERG,
    sources: [{ name: 'app', format: 'json', columns, from: { bucket: 'example-logs' } }],
  });

  test('is another one when a column is added or becomes of another type, and else the same', () => {
    const now = definition(json({ id: 'int' }));
    expect(definition({ ...json({ id: 'int' }), memoryMiB: 512, retentionDays: 90 })).toBe(now);
    expect(definition(json({ id: 'bigint' }))).not.toBe(now);
    expect(definition(json({ id: 'int', user: 'string' }))).not.toBe(now);
  });

  test('names the tables of the sources with this format, and is not there without one', () => {
    expect(made(ICEBERG)?.Properties.Tables).toEqual(['alb', 'kong', 'app']);
    expect(made(DIRECT)).toBeUndefined();
  });

  test('waits for all permissions, those of Lake Formation too', () => {
    const template = templateOf({ ...ICEBERG, lakeFormation: true });
    const [[, { DependsOn = [] }] = ['', { DependsOn: [] }]] = resources(template, 'Custom::IcebergTables');
    const grants = [...resources(template, 'AWS::LakeFormation::PrincipalPermissions').keys()].filter((id) =>
      id.startsWith('Iceberg'),
    );
    // Of three functions and Glue's maintenance: on the database and on its tables.
    expect(grants).toHaveLength(8);
    expect(DependsOn).toEqual(expect.arrayContaining(grants));
    expect(DependsOn).toContainEqual(expect.stringMatching(/^IcebergManageRoleDefaultPolicy/));
    expect(DependsOn).toContainEqual(expect.stringMatching(/^IcebergAccessOptimizing/));
    expect(circleIn(template)).toBeUndefined();
  });
});
