import { describe, expect, test } from 'vitest';
import { belongsTo, placesOf } from '../../../bin/operations/lake-handle.ts';
import type { Source } from '../../../lambdas/core/loading/load.ts';

const sourceOf = (name: string, fanOut?: object) => ({ settings: { name, ...(fanOut && { fanOut }) } }) as Source;

const SOURCES = [sourceOf('app', { by: 'tenant' }), sourceOf('app_web'), sourceOf('web')];

describe('the tables that may have rows of a source', () => {
  test.each([
    ['app', 'app', true],
    ['app', 'app_acme', true],
    ['app', 'app_rest', true],
    ['app', 'app_web', false],
    ['app', 'apple', false],
    ['app', 'web', false],
    ['web', 'web', true],
    ['web', 'web_a', false],
  ])('of the source %s: %s', (source, table, is) => {
    expect(belongsTo(source, table, SOURCES)).toBe(is);
  });

  test('are read together, unless they are more than a query can name', async () => {
    const lakeOf = (count: number) => ({
      database: 'tributary',
      icebergTables: async () =>
        Array.from({ length: count }, (_, index) => ({ database: 'tributary_iceberg', name: `app_${index}` })),
    });
    expect(await placesOf(lakeOf(500), 'app')).toHaveLength(501);
    await expect(placesOf(lakeOf(501), 'app')).rejects.toThrow(
      'source app: its rows are in 501 tables, and a query reads',
    );
  });
});
