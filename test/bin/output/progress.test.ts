import { describe, expect, test } from 'vitest';
import { progressText } from '../../../bin/output/progress.ts';

const of = { label: 'files', unit: 'items' as const, all: undefined };

describe('progress', () => {
  test('shows counts, how much there is in all, and the rate', () => {
    expect(progressText({ ...of, done: 2500, all: 10_000, millis: 5000 })).toBe(
      'files [#####...............] 2,500 of 10,000, 500/s',
    );
    expect(progressText({ ...of, done: 3, millis: 6000 })).toBe('files 3, 0.5/s');
    expect(progressText({ ...of, label: 'read', unit: 'bytes', done: 3 * 2 ** 30, millis: 2000 })).toBe(
      'read 3.0 GiB, 1.5 GiB/s',
    );
  });

  test('shows how long it takes as long as there is nothing to count', () => {
    expect(progressText({ ...of, label: 'running the query', done: 0, millis: 65_000 })).toBe(
      'running the query, 65 s',
    );
  });
});
