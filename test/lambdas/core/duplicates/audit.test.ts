import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { auditQuery } from '../../../../lambdas/core/duplicates/audit.ts';

const RECORDS = '"id" VARCHAR, "origin" VARCHAR, "position" BIGINT, dt VARCHAR';

test('of tables that other sources share, the records of the source alone are counted', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`CREATE SCHEMA lake; CREATE SCHEMA lake_iceberg;
    CREATE TABLE lake.web (${RECORDS}); CREATE TABLE lake_iceberg.web_a (${RECORDS});
    CREATE TABLE lake.loads ("origin" VARCHAR, source VARCHAR, dt VARCHAR);
    CREATE TABLE lake.rejected_lines (source VARCHAR, reason VARCHAR, detail VARCHAR, raw VARCHAR, parser_version INT,
      rejected_at TIMESTAMP, logged_at TIMESTAMP, "origin" VARCHAR, "position" BIGINT, log_group VARCHAR, log_stream VARCHAR,
      payload VARCHAR, payload_position BIGINT, dt VARCHAR);
    INSERT INTO lake.web VALUES ('1', 'o', 1, '2026-11-22');
    INSERT INTO lake_iceberg.web_a VALUES ('1', 'o', 2, '2026-11-22'), ('1', 'other', 1, '2026-11-22');
    INSERT INTO lake.loads VALUES ('o', 'web', '2026-11-22'), ('other', 'web_a', '2026-11-22')`);
  const tables = [
    { database: 'lake', name: 'web' },
    { database: 'lake_iceberg', name: 'web_a' },
  ] as const;
  const of = {
    source: 'web',
    lakeDatabase: 'lake',
    tables,
    columns: ['id', 'origin', 'position'],
    recordKeys: [['id']],
  };
  const counts = async (isShared: boolean) =>
    (await connection.runAndReadAll(auditQuery({ ...of, isShared }, "'2026-01-01'"))).getRows()[0]?.map(Number);
  expect(await counts(true)).toEqual([2, 1, 0]);
  expect(await counts(false)).toEqual([3, 1, 1]);
});
