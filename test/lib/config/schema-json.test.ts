import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { cdkJsonContext, contextIn } from '../../../lib/config/cdk-json.ts';
import { readConfig } from '../../../lib/config/config.ts';
import { openApp } from '../../../lib/synth.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const app = { name: 'app', format: 'json', columns: { time: 'timestamp', level: 'string' }, delivery: 'direct' };

/** A cdk.json with these sources, and a schema.json beside it. */
function files(sources: unknown, schema?: unknown): string {
  const dir = temporaryFolder();
  const cdkJson = join(dir, 'cdk.json');
  writeFileSync(cdkJson, JSON.stringify({ app: 'x', context: { sources } }));
  if (schema !== undefined) {
    writeFileSync(join(dir, 'schema.json'), typeof schema === 'string' ? schema : JSON.stringify(schema));
  }
  return cdkJson;
}

const columnsOf = (cdkJson: string) => {
  const [source] = readConfig(cdkJsonContext({}, cdkJson)).sources;
  return source?.table.columns.slice(0, 5).map(({ name, type }) => [name, type]);
};

describe('schema.json', () => {
  test('gives the sources of cdk.json their promoted columns, behind those that they declare', () => {
    const schema = { app: { tenant: 'string', user_id: { type: 'bigint', from: 'user-id' } }, gone: { a: 'int' } };
    const cdkJson = files([app], schema);
    expect(columnsOf(cdkJson)?.slice(0, 4)).toEqual([
      ['time', 'timestamp'],
      ['level', 'string'],
      ['tenant', 'string'],
      ['user_id', 'bigint'],
    ]);
    expect(contextIn(cdkJson)).toEqual({ sources: [app] });
    expect(columnsOf(files(JSON.stringify([app]), schema))?.[2]).toEqual(['tenant', 'string']);
    expect(columnsOf(files([app]))?.[2]?.[0]).toBe('origin');
  });

  test('gives them to sources that a command names in the place of those of cdk.json', () => {
    const cdkJson = files([], { app: { tenant: 'string' } });
    for (const sources of [[app], JSON.stringify([app])]) {
      const [source] = readConfig(cdkJsonContext({ sources }, cdkJson)).sources;
      expect(source?.table.columns[2]?.name).toBe('tenant');
    }
    expect(cdkJsonContext({ stackName: 'Logs' }, cdkJson)).toEqual({ stackName: 'Logs', sources: [] });
  });

  test('gives them to what the command of the CDK hands on of cdk.json and of its own options', () => {
    const cdkJson = files([app], { app: { tenant: 'string' } });
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ sources: [app], stackName: 'Logs' }));
    const { config } = openApp({ outdir: temporaryFolder(), cdkJson });
    expect(config.stackName).toBe('Logs');
    expect(config.sources[0]?.table.columns[2]?.name).toBe('tenant');
  });

  test('leaves a column to a source that declares it itself with its type, and refuses another type', () => {
    const declares = (type: unknown) => [{ ...app, columns: { ...app.columns, Tenant: type } }];
    const schema = { app: { tenant: 'string' } };
    const same = readConfig(cdkJsonContext({}, files(declares({ type: 'string', from: 'tenantId' }), schema)));
    expect(same.sources[0]?.options.promoted).toEqual({});
    expect(() => cdkJsonContext({}, files(declares('int'), schema))).toThrow(
      'sources[0].columns.tenant: got "int", allowed: string, as files have the column so (schema.json)',
    );
  });

  test.each([
    ['no JSON', '{"app":', 'schema.json: not JSON'],
    ['a list', [], 'schema.json: got [], allowed: an object of sources'],
    ['a column without a type', { app: { tenant: {} } }, 'schema.json: got'],
    ['an unknown type', { app: { tenant: 'text' } }, 'sources[0].promoted.tenant: expected a type of'],
    ['a name twice', { app: { Level: 'string' } }, 'sources[0].promoted.Level'],
  ])('is refused if it is %s', (_, schema, message) => {
    expect(() => columnsOf(files([app], schema))).toThrow(message);
  });
});
