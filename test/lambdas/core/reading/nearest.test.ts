import { describe, expect, test } from 'vitest';
import { nearest } from '../../../../lambdas/core/reading/nearest.ts';

const KNOWN = ['sources', 'bufferSizeMiB', 'bufferIntervalSeconds', 'retentionDays', 'kmsKey', 'duplicates.enabled'];

describe('the name that was meant', () => {
  test.each([
    ['bufferSizeMB', 'bufferSizeMiB'],
    ['bufferSize', 'bufferSizeMiB'],
    ['buffersizemib', 'bufferSizeMiB'],
    ['bufferInterval', 'bufferIntervalSeconds'],
    ['retention', 'retentionDays'],
    ['soruces', 'sources'],
    ['source', 'sources'],
    ['kmsKeyArn', 'kmsKey'],
    ['duplicates.enable', 'duplicates.enabled'],
  ])('by %s is %s', (given, meant) => {
    expect(nearest(given, KNOWN)).toBe(meant);
  });

  test.each(['x', 'region', '', 'a'.repeat(1_000_000)])('is not guessed if nothing is like it', (given) => {
    expect(nearest(given, KNOWN)).toBeUndefined();
  });
});
