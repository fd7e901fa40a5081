import { expect, test } from 'vitest';
import { tablesRead } from '../../../bin/queries/all-days.ts';
import { formerTablesWarning } from '../../../bin/queries/former-tables.ts';

const LAKE = {
  database: 'logs',
  tables: [
    { name: 'web', columns: [], database: 'logs_iceberg' },
    { name: 'alb', columns: [], database: 'logs' },
    { name: 'loads', columns: [], database: 'logs' },
  ],
};

async function warningOf(sql: string): Promise<string | undefined> {
  return formerTablesWarning((await tablesRead(sql)) ?? [], LAKE);
}

test.each([
  ['in FROM', "SELECT 1 FROM web WHERE dt = '2026-11-28'"],
  ['in capitals', 'SELECT 1 FROM Web'],
  ['in a join', 'SELECT 1 FROM alb JOIN web USING (origin)'],
  ['in a subquery', 'SELECT 1 FROM alb WHERE origin IN (SELECT origin FROM "web")'],
])('a name without a database is warned of where it is the table of the rows of before, %s', async (_, sql) => {
  expect(await warningOf(sql)).toBe(
    "warning: web without a database has only the rows of before the source's tableFormat was iceberg: " +
      'read logs_iceberg.web, or the view web_all for the rows of before, too',
  );
});

test.each([
  ['of the Iceberg table', 'SELECT 1 FROM logs_iceberg.web'],
  ['of the rows of before, which is meant', 'SELECT 1 FROM logs.web'],
  ['of a source without an Iceberg table', 'SELECT 1 FROM alb, loads'],
  ['of a view', 'SELECT 1 FROM web_all'],
  ['of a WITH query', 'WITH web AS (SELECT 1 FROM logs_iceberg.web) SELECT * FROM web'],
  ['that Athena alone can read', 'SHOW PARTITIONS web'],
])('nothing is said of the name %s', async (_, sql) => {
  expect(await warningOf(sql)).toBeUndefined();
});
