import { expect, test } from 'vitest';
import { tablesRead } from '../../../bin/queries/all-days.ts';
import { ownTableWarning } from '../../../bin/queries/divided.ts';
import { formerTablesWarning } from '../../../bin/queries/former-tables.ts';

const LAKE = {
  database: 'logs',
  tables: [
    { name: 'app', columns: [], database: 'logs_iceberg', fanOut: { by: 'tenant' } },
    { name: 'web', columns: [], database: 'logs_iceberg', fanOut: undefined },
  ],
};

test.each(['SELECT 1 FROM App', 'SELECT 1 FROM logs_iceberg.app', 'SELECT 1 FROM web JOIN app USING (origin)'])(
  'a query of the own table alone of a source whose rows are divided is warned of: %s',
  async (sql) => {
    expect(ownTableWarning((await tablesRead(sql)) ?? [], LAKE)).toBe(
      'warning: app has not the rows of the values of tenant that have a table of their own: `lake tables app` lists these, ' +
        'and the saved queries of app ask all of them',
    );
  },
);

test.each([
  ['of a table of a value', 'SELECT 1 FROM app_acme'],
  ['of the own table and others', 'SELECT 1 FROM app UNION ALL SELECT 1 FROM app_acme'],
  ['of a view over all', 'SELECT 1 FROM app_all'],
  ['of the rows of before', 'SELECT 1 FROM logs.app'],
  ['of a source whose rows are not divided', 'SELECT 1 FROM web'],
])('nothing is said of a query %s', async (_, sql) => {
  expect(ownTableWarning((await tablesRead(sql)) ?? [], LAKE)).toBeUndefined();
});

test('of a source whose rows are divided one warning suffices', async () => {
  expect(formerTablesWarning((await tablesRead('SELECT 1 FROM app')) ?? [], LAKE)).toBeUndefined();
});
