import { describe, expect, test } from 'vitest';
import { checkSource } from '../../../bin/input/local-context.ts';

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
