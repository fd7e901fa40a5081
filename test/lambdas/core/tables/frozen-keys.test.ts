import { describe, expect, test } from 'vitest';
import { frozenKeys, keysOfToday } from '../../../helpers/frozen-keys.ts';

describe('keys of columns, which are in test/golden/keys.txt', () => {
  const today = new Map(keysOfToday().map(({ column, as }) => [column, as]));
  const frozen = frozenKeys();

  test('stay as they are: Firehose delivers the rows in its buffer with the mapping of a later day', () => {
    const changed = frozen
      .filter(({ column, as }) => today.get(column) !== as)
      .map(({ column, as }) => `${column}: was ${as}, is ${today.get(column) ?? 'removed'}`);
    expect(changed, 'columns are added at the end of a format; none is renamed, retyped, moved or removed').toEqual([]);
  });

  test('are there for every column of today', () => {
    const columns = new Set(frozen.map(({ column }) => column));
    const missing = [...today.keys()].filter((column) => !columns.has(column));
    expect(missing, '`npm run golden` adds them').toEqual([]);
    expect(columns.size).toBe(frozen.length);
  });
});
