import { describe, expect, test } from 'vitest';
import { compiledSources, sourceOfLogGroup, sourceOfObject } from '../../../../lambdas/core/loading/sources.ts';
import type { InputSettings } from '../../../../lambdas/core/settings.ts';

const OBJECTS = { lane: 'objects', bucket: 'example-logs' } as const;
const sources = compiledSources<InputSettings>([
  { name: 'alb', format: 'alb', ...OBJECTS, prefix: 'AWSLogs/' },
  { name: 'web', format: 'kong', ...OBJECTS, prefix: 'web/', suffix: '.log' },
  { name: 'all', format: 'kong', ...OBJECTS, bucket: 'other-logs' },
  { name: 'old', format: 'kong', ...OBJECTS, bucket: 'old-logs', exportedLogs: true },
  {
    name: 'app',
    format: 'json',
    options: { preset: 'server-logs' },
    lane: 'events',
    logGroups: ['/example/app', '/example/jobs'],
  },
]);

const FOLDER = 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/01/05/';
const NAME =
  '123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20260105T1005Z_192.0.2.10_2v5yvr3j.log.gz';

describe('sourceOfObject', () => {
  test.each([
    ['a log of a load balancer', 'example-logs', `${FOLDER}${NAME}`, 'alb'],
    ["a load balancer's log of connections", 'example-logs', `${FOLDER}conn_log_${NAME}`, 'not_a_log'],
    ["a load balancer's log of health checks", 'example-logs', `${FOLDER}health_check_log_${NAME}`, 'not_a_log'],
    ['the test file of a load balancer', 'example-logs', 'AWSLogs/123456789012/ELBAccessLogTestFile', 'not_a_log'],
    ['any name where the format has none of its own', 'example-logs', 'web/anything at all.log', 'web'],
    ['a key with another suffix', 'example-logs', 'web/a.log.gz', 'no_source'],
    ['a key that ends with a slash, whose object may have lines', 'other-logs', '2026/', 'all'],
    ['a key beside the prefix', 'example-logs', 'website/a.log', 'no_source'],
    ['a key with the prefix in its middle', 'example-logs', 'old/web/a.log', 'no_source'],
    ['a key with the prefix in other letters', 'example-logs', 'Web/a.log', 'no_source'],
    ['any key of a bucket without prefix or suffix', 'other-logs', 'a', 'all'],
    ['an object that CloudWatch exports', 'old-logs', 'cw/task/stream/000000.gz', 'old'],
    ['the object with which CloudWatch tests the bucket', 'old-logs', 'cw/aws-logs-write-test', 'not_a_log'],
    ['an object of that name of a source without exports', 'other-logs', 'aws-logs-write-test', 'all'],
    ['a key in a bucket of no source', 'example', 'web/a.log', 'no_source'],
  ])('finds the source of %s, or says why there is none', (_, bucket, key, expected) => {
    const found = sourceOfObject(sources, { bucket, key, etag: 'd41d8cd98f00b204e9800998ecf8427e', size: 0 });
    expect(found.outcome === 'found' ? found.source.settings.name : found.reason).toBe(expected);
  });
});

describe('sourceOfLogGroup', () => {
  test.each([
    ['/example/app', 'app'],
    ['/example/jobs', 'app'],
    ['/example/app2', undefined],
    ['/example', undefined],
  ])('finds for the log group %s the source %s', (logGroup, expected) => {
    expect(sourceOfLogGroup(sources, logGroup)?.settings.name).toBe(expected);
  });
});

describe('compiledSources', () => {
  test('refuses a format that there is not, naming those that there are', () => {
    expect(() => compiledSources([{ name: 'iis', format: 'w3c' }])).toThrow(
      /^source iis: expected a format of alb, .*, got w3c$/,
    );
  });
});
