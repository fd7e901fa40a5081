import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { allView, onceSelect, onceView } from '../../../../lambdas/core/tables/views.ts';

const columns = ['copy', 'origin', 'position'];

async function once(rows: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('CREATE SCHEMA lake');
  await connection.run('CREATE TABLE lake.web ("copy" INT, "origin" VARCHAR, "position" BIGINT, dt VARCHAR)');
  await connection.run(`INSERT INTO lake.web VALUES ${rows}`);
  const sql = `SELECT "copy", "origin", dt FROM (${onceSelect({ tables: [{ database: 'lake', name: 'web' }], columns })}) ORDER BY ALL`;
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows();
}

describe('the view of a table', () => {
  test.each([
    ['', 'lake'],
    [', of a table in another database', 'lake_iceberg'],
  ])(
    'leaves out the rows of versions that were replaced, whichever row of loads says so, and on whatever day%s',
    async (_, database) => {
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      await connection.run('CREATE SCHEMA lake; CREATE SCHEMA IF NOT EXISTS lake_iceberg');
      await connection.run(
        `CREATE TABLE ${database}.web ("copy" INT, "origin" VARCHAR, "position" BIGINT, dt VARCHAR)`,
      );
      await connection.run(
        'CREATE TABLE lake.loads ("origin" VARCHAR, "replaces" VARCHAR, "replaced_by" VARCHAR, dt VARCHAR)',
      );
      await connection.run(`INSERT INTO ${database}.web VALUES (1, 'a', 1, '2026-11-21'), (2, 'b', 1, '2026-11-22'),
      (3, 'c', 1, '2026-11-23'), (4, 'late', 1, '2026-11-23'), (5, 'other', 1, '2026-11-21')`);
      await connection.run(`INSERT INTO lake.loads VALUES ('a', NULL, NULL, '2026-11-21'), ('other', NULL, NULL, '2026-11-21'),
      ('b', 'a', NULL, '2026-11-22'), ('c', 'b', NULL, '2026-11-23'), ('c', NULL, NULL, '2026-11-24'),
      ('late', NULL, 'c', '2026-11-24')`);
      await connection.run(onceView('lake', 'web', { tables: [{ database, name: 'web' }], columns }));
      const reader = await connection.runAndReadAll('SELECT origin FROM lake.web_once ORDER BY ALL');
      expect(reader.getRows().flat()).toEqual(['c', 'other']);
    },
  );
});

describe('the rows of a table without its repeats', () => {
  test('shows one row of each origin and position, also where the repeat came on another day', async () => {
    const repeats = `(5, 'a', 1, '2026-11-21'), (5, 'a', 1, '2026-11-22'), (6, 'a', 2, '2026-11-22'), (7, 'b', 1, '2026-11-22')`;
    expect(await once(repeats)).toEqual([
      [5, 'a', '2026-11-22'],
      [6, 'a', '2026-11-22'],
      [7, 'b', '2026-11-22'],
    ]);
  });

  test('takes a column of any name for a column', async () => {
    expect(await once(`(5, 'a', 1, '2026-11-22')`)).toHaveLength(1);
  });

  test('shows an event once that came in a payload twice, on either lane or on both', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const own = ['origin', 'position', 'payload', 'payload_position'];
    await connection.run('CREATE SCHEMA lake');
    await connection.run(
      'CREATE TABLE lake.app ("origin" VARCHAR, "position" BIGINT, "payload" VARCHAR, "payload_position" BIGINT, dt VARCHAR)',
    );
    await connection.run(`INSERT INTO lake.app VALUES ('object1', 1, 'p', 1, '2026-11-22'), ('object1', 2, 'p', 2, '2026-11-22'),
      ('object1', 3, 'p', 1, '2026-11-22'), ('object2', 1, 'p', 2, '2026-11-23'), ('object2', 2, 'q', 1, '2026-11-23'),
      ('p', 1, NULL, NULL, '2026-11-22'), ('r', 1, NULL, NULL, '2026-11-22'), ('r', 1, NULL, NULL, '2026-11-22')`);
    const select = onceSelect({ tables: [{ database: 'lake', name: 'app' }], columns: own });
    const reader = await connection.runAndReadAll(
      `SELECT coalesce(payload, origin), coalesce(payload_position, position) FROM (${select}) ORDER BY ALL`,
    );
    expect(reader.getRows().map(([payload, position]) => `${payload} ${position}`)).toEqual([
      'p 1',
      'p 2',
      'q 1',
      'r 1',
    ]);
  });
});

describe('the rows of two tables', () => {
  const tables = [
    { database: 'lake', name: 'app' },
    { database: 'lake_iceberg', name: 'app', columns: ['origin', 'position', 'payload', 'payload_position'] },
  ] as const;

  async function twoTables() {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(`CREATE SCHEMA lake; CREATE SCHEMA lake_iceberg;
      CREATE TABLE lake.loads ("origin" VARCHAR, "replaces" VARCHAR, "replaced_by" VARCHAR, dt VARCHAR);
      CREATE TABLE lake.app ("level" VARCHAR, "origin" VARCHAR, "position" BIGINT, "payload" VARCHAR, "payload_position" BIGINT, dt VARCHAR);
      CREATE TABLE lake_iceberg.app ("other" INT, "payload_position" INT, "payload" VARCHAR, "position" BIGINT, "origin" VARCHAR, dt VARCHAR);
      INSERT INTO lake.app VALUES ('info', 'o1', 1, 'p', 1, '2026-11-22'), ('warn', 'q', 1, NULL, NULL, '2026-11-22');
      INSERT INTO lake_iceberg.app VALUES (7, 1, 'p', 5, 'o2', '2026-11-23'), (7, 2, 'p', 6, 'o2', '2026-11-23')`);
    return connection;
  }
  const of = { tables, columns: ['level', 'origin', 'position', 'payload', 'payload_position'] };

  test('are all in one view, with null in a column that a table does not have', async () => {
    const connection = await twoTables();
    await connection.run(allView('lake', 'app', of));
    const reader = await connection.runAndReadAll(
      'SELECT level, origin, dt FROM lake.app_all ORDER BY origin, position',
    );
    expect(reader.getRows()).toEqual([
      ['info', 'o1', '2026-11-22'],
      [null, 'o2', '2026-11-23'],
      [null, 'o2', '2026-11-23'],
      ['warn', 'q', '2026-11-22'],
    ]);
  });

  test('are once in the other view, if an event came in a payload twice, for one table and for the other', async () => {
    const connection = await twoTables();
    await connection.run(onceView('lake', 'app', of));
    const reader = await connection.runAndReadAll('SELECT origin, position FROM lake.app_once ORDER BY ALL');
    expect(reader.getRows().map(([origin, position]) => `${origin} ${position}`)).toEqual(['o2 5', 'o2 6', 'q 1']);
  });
});
