import { describe, expect, test } from 'vitest';
import { measuredRates } from '../../../../bin/plan/rates.ts';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { COLUMN_NAME } from '../../../../lambdas/core/tables/table.ts';
import { readLines } from '../../../helpers/read-lines.ts';

describe.each([...FORMATS.values()].map((format) => [format.name, format] as const))('the format %s', (_, format) => {
  const { exampleOptions = {}, exampleLines, exampleKey, accepts, ratesLike } = format;
  const compiled = format.compile(exampleOptions);

  test('reads its example lines as rows, all of them understood', () => {
    const readings = readLines(compiled, exampleLines);
    expect(readings.length).toBeGreaterThan(0);
    for (const reading of readings) {
      expect(reading).toHaveProperty('row');
      expect(reading).not.toHaveProperty('row.errors');
      expect(reading).not.toHaveProperty('row.extra');
      expect(Object.keys('row' in reading ? reading.row : {}).length).toBeGreaterThan(2);
    }
  });

  test('accepts the name of its example object', () => {
    const name = exampleKey?.slice(exampleKey.lastIndexOf('/') + 1) ?? '';
    if (exampleKey === undefined) expect(accepts).toBeUndefined();
    else expect(accepts?.(name)).toBe(true);
  });

  test('has names of columns that a table can have', () => {
    expect(Object.keys(compiled.columns).filter((name) => !COLUMN_NAME.test(name))).toEqual([]);
  });

  test('names a measured format for the rates it takes', () => {
    if (ratesLike !== undefined) expect(Object.keys(measuredRates().formats)).toContain(ratesLike);
  });
});
