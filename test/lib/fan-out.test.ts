import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ENV, FAN_OUT_FILE, type SourceSettings } from '../../lambdas/core/settings.ts';
import { withFanOut } from '../../lambdas/edges/fan-out-values.ts';
import { readable, resource, statements, templateOf } from '../helpers/template.ts';

const VALUES = Array.from({ length: 3_000 }, (_, index) => `tenant-${index}`);

function stackOf(allow: readonly string[] | undefined) {
  const source = { name: 'app', format: 'json', columns: { tenant: 'string', time: 'timestamp' } };
  const fanOut = allow && { fanOut: { by: 'tenant', allow, other: 'rest' } };
  return templateOf({ sources: [{ ...source, ...fanOut }], delivery: 'direct', tableFormat: 'iceberg' });
}

const bare = stackOf(undefined);
const divided = stackOf(VALUES);

function propertiesOf(template: typeof bare, fn: string) {
  return resource(template, 'AWS::Lambda::Function', fn).Properties as {
    readonly Code: unknown;
    readonly EphemeralStorage: { readonly Size: number };
    readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
  };
}

describe('a stack with a source whose rows are divided', () => {
  test('tells the functions how, and not which values there are: an environment has no room for thousands', () => {
    const { Variables } = propertiesOf(divided, 'DirectWrite').Environment;
    const [source] = JSON.parse(String(readable(Variables[ENV.sources]))) as SourceSettings[];
    expect(source?.fanOut).toEqual({ by: 'tenant', other: 'rest' });
    expect(JSON.stringify(Variables)).not.toContain('tenant-0');
  });

  test('has other code for the function that writes, and only for that, when a value is added', () => {
    const more = stackOf([...VALUES, 'one-more']);
    const codeOf = (template: typeof bare, fn: string) => propertiesOf(template, fn).Code;
    expect(codeOf(divided, 'DirectWrite')).not.toEqual(codeOf(bare, 'DirectWrite'));
    expect(codeOf(more, 'DirectWrite')).not.toEqual(codeOf(divided, 'DirectWrite'));
    expect(codeOf(stackOf(VALUES), 'DirectWrite')).toEqual(codeOf(divided, 'DirectWrite'));
    for (const fn of ['DirectPlan', 'LoadObjects', 'IcebergCommit']) {
      expect(codeOf(more, fn)).toEqual(codeOf(bare, fn));
    }
  });

  test('lets the committer see to the maintenance of tables that are made at their first rows', () => {
    const maintains = (template: typeof bare) =>
      statements(template, 'IcebergCommitRole')
        .flatMap(({ Action }) => [Action].flat())
        .filter((action) => /Optimizer|PassRole/.test(String(action)));
    expect(maintains(bare)).toEqual([]);
    expect(propertiesOf(bare, 'IcebergCommit').Environment.Variables[ENV.optimizerRole]).toBeUndefined();
    expect(maintains(divided)).toEqual([
      'glue:GetTableOptimizer',
      'glue:CreateTableOptimizer',
      'glue:UpdateTableOptimizer',
      'iam:PassRole',
    ]);
    expect(propertiesOf(divided, 'IcebergCommit').Environment.Variables[ENV.optimizerRole]).toBeDefined();
  });

  test('has more room on the disk of that function', () => {
    expect(propertiesOf(bare, 'DirectWrite').EphemeralStorage.Size).toBe(4096);
    expect(propertiesOf(divided, 'DirectWrite').EphemeralStorage.Size).toBe(10_240);
  });
});

describe('withFanOut', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-code-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const code = pathToFileURL(join(folder, 'index.mjs')).href;
  const app = { settings: { name: 'app', fanOut: { by: 'tenant', other: 'rest' } } };
  const web = { settings: { name: 'web' } };

  test('reads the values that are beside the code', () => {
    writeFileSync(join(folder, FAN_OUT_FILE), JSON.stringify({ app: ['acme'] }));
    const [withTables, without] = withFanOut([app, web], code);
    expect(withTables?.fanOut?.of('acme')).toBe('app_acme');
    expect(withTables?.fanOut?.of('globex')).toBe('app_rest');
    expect(without).toEqual(web);
  });

  test('reads nothing for sources whose rows are not divided', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expect(withFanOut([web], pathToFileURL(join(empty, 'index.mjs')).href)).toEqual([web]);
  });

  test('names a source whose values are missing', () => {
    writeFileSync(join(folder, FAN_OUT_FILE), JSON.stringify({ web: ['acme'] }));
    expect(() => withFanOut([app], code)).toThrow('source app: expected its values in fan-out.json, got none');
  });
});
