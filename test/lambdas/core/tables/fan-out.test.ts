import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fanOutTable, isPlainValue, otherTable } from '../../../../lambdas/core/tables/fan-out.ts';
import { LOADS, REJECTED_LINES } from '../../../../lambdas/core/tables/lake-tables.ts';
import { isViewName } from '../../../../lambdas/core/tables/views.ts';

describe('fanOutTable', () => {
  test.each([
    ['checkout', 'app_checkout'],
    ['team_7', 'app_team_7'],
    ['10000001', 'app_10000001'],
    ['20251129', 'app_20251129'],
  ])('names the table of %j as it is', (value, name) => {
    expect(fanOutTable('app', value)).toBe(name);
    expect(isPlainValue('app', value)).toBe(true);
  });

  test.each([
    ['a capital', 'Acme', /^app_acme_h[0-9a-f]{8}$/],
    ['a hyphen', 'acme-eu', /^app_acme_eu_h[0-9a-f]{8}$/],
    ['a host', 'api.example.com', /^app_api_example_com_h[0-9a-f]{8}$/],
    ['an underscore at an end', '_acme', /^app_acme_h[0-9a-f]{8}$/],
    ['two underscores', 'acme__eu', /^app_acme_eu_h[0-9a-f]{8}$/],
    ['no letter of ASCII', '日本', /^app_h[0-9a-f]{8}$/],
    ['no letter', '-', /^app_h[0-9a-f]{8}$/],
    ['nothing', '', /^app_h[0-9a-f]{8}$/],
    ['a letter that is lower case only in part', 'İstanbul', /^app_i_stanbul_h[0-9a-f]{8}$/],
    ['the ending of a view', 'at_once', /^app_at_once_h[0-9a-f]{8}$/],
    ['the whole ending of a view', 'once', /^app_once_h[0-9a-f]{8}$/],
    ['the ending of another view', 'local_time', /^app_local_time_h[0-9a-f]{8}$/],
    ['the look of a hash', 'acme_h0123abcd', /^app_acme_h0123abcd_h[0-9a-f]{8}$/],
    ['what would break out of a quoted name', '"; DROP TABLE x --', /^app_drop_table_x_h[0-9a-f]{8}$/],
    ['very many characters', 'x'.repeat(100_000), /^app_x{32}_h[0-9a-f]{8}$/],
  ])('adds a hash to the name for a value with %s', (_, value, name) => {
    expect(fanOutTable('app', value)).toMatch(name);
    expect(isPlainValue('app', value)).toBe(false);
  });

  test("gives no value the name of one of the lake's own tables", () => {
    expect(fanOutTable('rejected', 'lines')).toMatch(/^rejected_lines_h/);
  });

  /** Pairs that look alike: of the same few characters, or of other cases, or one with what a hash adds to the other. */
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({ unit: fc.constantFrom('a', 'A', '_', '-', '.', '1'), maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 30, maxLength: 60 }),
  );
  const source = fc.constantFrom('app', 'rejected', 'a', 'x'.repeat(63));

  test('gives two values two names, in which only what Glue takes is', () => {
    fc.assert(
      fc.property(source, value, value, (name, one, two) => {
        const table = fanOutTable(name, one);
        expect(table).toMatch(/^[a-z][a-z0-9_]{0,126}$/);
        expect(table.startsWith(`${name}_`)).toBe(true);
        expect(isViewName(table)).toBe(false);
        expect([LOADS, REJECTED_LINES, name]).not.toContain(table);
        if (one !== two) expect(fanOutTable(name, two)).not.toBe(table);
      }),
      { numRuns: 500 },
    );
  });

  test('gives no value the name that another value has with its hash', () => {
    fc.assert(
      fc.property(source, value, (name, one) => {
        const asValue = fanOutTable(name, one).slice(name.length + 1);
        if (asValue !== one) expect(fanOutTable(name, asValue)).not.toBe(fanOutTable(name, one));
      }),
      { numRuns: 500 },
    );
  });
});

test('a value keeps its name from one version to the next: rows of today would else be in another table than those before', () => {
  expect(fanOutTable('app', 'Acme/EU')).toBe('app_acme_eu_h06e13f8a');
});

describe('otherTable', () => {
  test("is the source's own, unless the configuration names another one", () => {
    expect(otherTable('app', {})).toBe('app');
    expect(otherTable('app', { other: 'rest' })).toBe('app_rest');
  });
});
