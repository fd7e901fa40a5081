import { describe, expect, test } from 'vitest';
import { checkSource, configuredSources, demoContext } from '../../../bin/input/local-context.ts';

test('the demo has its own sources, whatever cdk.json has, unless -c gives others', () => {
  const names = (context: Parameters<typeof demoContext>[0]) =>
    configuredSources(demoContext(context)).map(({ name }) => name);
  expect(names({ delivery: 'direct' })).toEqual(['alb', 'kong', 'app']);
  expect(names({ sources: [{ name: 'web', format: 'alb' }] })).toEqual(['web']);
});

describe('a source to load files into', () => {
  const sources = [
    { name: 'alb', format: 'alb' },
    { name: 'old', format: 'alb', from: { bucket: 'example-logs' }, retired: true },
  ];

  test('is one that is configured', () => {
    expect(() => checkSource('alb', { sources })).not.toThrow();
    expect(() => checkSource('web', { sources })).toThrow('no source web: give one of alb, old with --source');
  });

  test('is not retired: nobody would be told of its files', () => {
    expect(() => checkSource('old', { sources })).toThrow('the source old is retired: nothing new is loaded into it');
  });
});
