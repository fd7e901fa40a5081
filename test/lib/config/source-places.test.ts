import { describe, expect, test } from 'vitest';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { refusal, source } from '../../helpers/refusal.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

describe('sources from buckets', () => {
  test('take a bucket with all that belongs to it', () => {
    const from = {
      bucket: 'example-logs',
      prefix: 'alb/',
      suffix: '.log.gz',
      notifications: 'eventbridge',
      kmsKeyArn: KEY,
      account: '123456789012',
    };
    expect(readConfig(source({ from })).sources[0]).toMatchObject({ lane: 'objects', ...from });
  });

  test.each([
    ['bucket', 'Example_Logs'],
    ['prefix', 'alb/*'],
    ['prefix', ''],
    ['suffix', '?.gz'],
    ['notifications', 'sns'],
    ['kmsKeyArn', 'alias/mine'],
    ['account', '12345678901'],
    ['account', 123456789012],
  ])('refuse %s %j', (key, value) => {
    const from = { bucket: 'example-logs', [key]: value };
    expect(refusal(source({ from }))).toContain(`sources[0].from.${key}: got ${JSON.stringify(value)}, allowed: `);
  });

  test('refuse a misspelt key', () => {
    expect(refusal(source({ from: { buckett: 'x' } }))).toBe('sources[0].from.buckett: unknown, did you mean bucket?');
  });

  test.each(['notifications', 'kmsKeyArn', 'account', 'exportedLogs'])('refuse %s for the landing bucket', (key) => {
    const values: Context = { notifications: 's3', kmsKeyArn: KEY, account: '123456789012', exportedLogs: true };
    expect(refusal(source({ from: { [key]: values[key] } }))).toContain('only with a bucket of your own');
  });

  test('take a folder of the landing bucket, and only a folder', () => {
    expect(readConfig(source({ from: { prefix: 'web/' } })).sources[0]).toMatchObject({ prefix: 'web/' });
    expect(refusal(source({ from: { prefix: 'web' } }))).toContain('ending with /');
  });

  test.each(['tributary-lake5f1b88ea-abcdefgh', 'tributary-landingf95672e9-abcdefgh'])(
    "refuse the stack's own bucket %s",
    (bucket) => {
      expect(refusal(source({ from: { bucket } }))).toContain(`sources[0].from.bucket: got "${bucket}"`);
    },
  );

  test.each([
    ['both the whole bucket', undefined, undefined],
    ['one within the other', 'a/', 'a/b/'],
    ['the other within the one', 'a/b/', 'a/'],
    ['the whole and a part', undefined, 'a/'],
  ])('refuse overlapping prefixes: %s', (_, first, second) => {
    for (const bucket of ['example-logs', undefined]) {
      const sources = [
        { name: 'a', format: 'alb', from: { bucket, prefix: first } },
        { name: 'b', format: 'alb', from: { bucket, prefix: second } },
      ];
      expect(refusal({ sources })).toContain('allowed: a prefix that does not overlap that of a');
    }
  });

  test('take one prefix in two buckets, and two prefixes in one', () => {
    const sources = [
      { name: 'a', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/' } },
      { name: 'b', format: 'alb', from: { bucket: 'example-logs', prefix: 'y/' } },
      { name: 'c', format: 'alb', from: { bucket: 'more-logs', prefix: 'x/' } },
      { name: 'd', format: 'alb', from: { prefix: 'x/' } },
    ];
    expect(readConfig({ sources }).sources).toHaveLength(4);
  });
});

describe('sources from log groups', () => {
  test('have a table with the group and the stream', () => {
    const [app] = readConfig(source({ from: { logGroups: ['/example/app'], filterPattern: 'ERROR' } })).sources;
    expect(app).toMatchObject({ lane: 'events', logGroups: ['/example/app'], filterPattern: 'ERROR' });
    expect(app?.table.columns.map(({ name }) => name)).toEqual(expect.arrayContaining(['log_group', 'log_stream']));
  });

  test.each([
    ['nothing', []],
    ['a pattern', ['/example/*']],
    ["the stack's own group", ['/tributary/load-objects']],
    ["the stack's own group by CDK", ['/aws/lambda/Tributary-Handler']],
    ['a group twice', ['/example/app', '/example/app']],
  ])('refuse %s', (_, logGroups) => {
    expect(refusal(source({ from: { logGroups } }))).toMatch(/^sources\[0\]\.from\.logGroups.*: got /);
  });

  test('refuse a group of another source', () => {
    const from = { logGroups: ['/example/app'] };
    const sources = ['a', 'b'].map((name) => ({ name, format: 'alb', from }));
    expect(refusal({ sources })).toBe(
      'sources[1].from.logGroups: got "/example/app", allowed: each log group in one source; it is in a',
    );
  });

  test('take the direct lane by themselves or with the stack', () => {
    const from = { logGroups: ['/example/app'] };
    expect(readConfig({ ...source({ from }), delivery: 'direct' }).sources[0]).toMatchObject({ delivery: 'direct' });
    expect(readConfig(source({ from, delivery: 'direct' })).sources[0]).toMatchObject({ delivery: 'direct' });
  });

  test('refuse what belongs to buckets, and buckets what belongs to log groups', () => {
    expect(refusal(source({ from: { logGroups: ['/example/app'], bucket: 'example-logs' } }))).toContain(
      'sources[0].from.bucket: got "example-logs", allowed: only without logGroups',
    );
    expect(refusal(source({ from: { filterPattern: 'ERROR' } }))).toContain('only with logGroups');
  });
});
