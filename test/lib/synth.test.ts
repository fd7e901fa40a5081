import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { synthesize } from '../../lib/synth.ts';
import { CONFIGURATIONS } from '../conformance/configurations.ts';
import { FAN_OUT } from '../faults/assembly.ts';
import { sharedFolder } from '../helpers/folder.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SLOW_MS = 120_000; // Bundles, validates and checks as a deploy would.

/** Tests that run a stack do not check it: their configurations are here, too. */
const CHECKED = {
  ...CONFIGURATIONS,
  direct: { sources: DEMO_SOURCES, delivery: 'direct' },
  kept: { sources: DEMO_SOURCES, keepDirectLane: 'true', 'duplicates.enabled': 'false' },
  divided: {
    sources: [{ name: 'alb', format: 'alb', fanOut: FAN_OUT }],
    ...{ delivery: 'direct', tableFormat: 'iceberg', 'duplicates.enabled': 'false' },
  },
};

const dir = sharedFolder();

describe('synthesize', () => {
  const outdir = join(dir, 'everything');

  beforeAll(() => {
    const sources = [
      ...DEMO_SOURCES,
      { name: 'notified', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/' } },
      {
        name: 'bussed',
        format: 'alb',
        from: { bucket: 'busy-logs', notifications: 'eventbridge', account: '210987654321' },
      },
    ];
    const whom = { alarmEmail: 'oncall@example.com' };
    synthesize({ context: { sources, logGroupRetentionDays: 30, parquetCompression: 'GZIP', ...whom }, outdir });
  }, SLOW_MS);

  test('leaves no warning of the validators without an acknowledgement', () => {
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
    expect(report.pluginReports).toEqual([]);
  });

  test.each(Object.entries(CHECKED))('leaves no warning in the configuration %s either', (name, context) => {
    const { directory } = synthesize({ context, outdir: join(dir, name) });
    const report = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8'));
    expect(report.pluginReports).toEqual([]);
  });

  test('makes the same template, checked or not', () => {
    const template = (checked: boolean) => {
      const { directory, stackName } = synthesize({ outdir: join(dir, `checked-${checked}`), checked });
      return readFileSync(join(directory, `${stackName}.template.json`), 'utf8');
    };
    expect(template(false) === template(true)).toBe(true);
  });

  test('takes params over those of cdk.json', () => {
    const template = readFileSync(join(outdir, 'Tributary.template.json'), 'utf8');
    expect(template).toContain('"GZIP"');
    expect(template).not.toContain('"SNAPPY"');
  });

  test('makes bundles that start, each with its handler and its source map', () => {
    const bundles = readdirSync(outdir)
      .map((name) => join(outdir, name))
      .filter((folder) => folder.includes('asset.') && !folder.endsWith('.zip'))
      .filter((folder) => readdirSync(folder).includes('index.mjs'));
    expect(bundles).toHaveLength(5);
    const numbers: readonly string[] = [ENV.ledgerDays, ENV.duplicatesSampleRate, ENV.duplicatesWindowHours];
    const settings = Object.fromEntries(Object.values(ENV).map((name) => [name, numbers.includes(name) ? '1' : '[]']));
    for (const bundle of bundles) {
      expect(readdirSync(bundle)).toContain('index.mjs.map');
      const kind = execFileSync(
        process.execPath,
        ['--input-type=module', '-e', `console.log(typeof (await import('${bundle}/index.mjs')).handler)`],
        {
          env: { ...settings, AWS_REGION: 'us-east-1' },
          encoding: 'utf8',
        },
      );
      expect(kind.trim()).toBe('function');
    }
  });

  test('stops where a security rule is broken', () => {
    // The same checks on a bucket that takes plain HTTP: without it, a check that never ran would pass too.
    const app = new App({ outdir: join(dir, 'broken') });
    new Bucket(new Stack(app, 'Broken'), 'Bucket');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).toThrow(/AwsSolutions-S10/);
  });
});

describe('bin/app.ts', () => {
  const synth = (context: Readonly<Record<string, string>>) =>
    spawnSync(process.execPath, [join(ROOT, 'bin/app.ts')], {
      env: { PATH: process.env.PATH, CDK_OUTDIR: join(dir, 'app'), CDK_CONTEXT_JSON: JSON.stringify(context) },
      encoding: 'utf8',
    });

  test('says what is wrong with a param in one line, and exits with 2', { timeout: SLOW_MS }, () => {
    const { status, stderr, stdout } = synth({ bufferSizeMiB: '63' });
    expect({ status, stderr, stdout }).toEqual({
      status: 2,
      stderr:
        'bufferSizeMiB: got 63, allowed: a whole number from 64 to 128, unless every source has delivery=direct\n',
      stdout: '',
    });
  });

  test('synthesizes the unconfigured stack without credentials', { timeout: SLOW_MS }, () => {
    expect(synth({}).status).toBe(0);
    const report = JSON.parse(readFileSync(join(dir, 'app', 'validation-report.json'), 'utf8'));
    expect(report.pluginReports).toEqual([]);
    expect(readdirSync(join(dir, 'app'))).toContain('Tributary.template.json');
  });
});
