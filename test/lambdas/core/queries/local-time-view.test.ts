import { expect, onTestFinished, test } from 'vitest';
import { DATABASE, EXAMPLE_TABLES, openExampleLake } from '../../../../bin/docs/example-lake.ts';
import { localTimeView } from '../../../../lambdas/core/queries/local-time-view.ts';

function viewOf(name: string, zone: string): string {
  const table = EXAMPLE_TABLES.find((each) => each.table.name === name)?.table;
  return (table && localTimeView(DATABASE, table, zone)) ?? '';
}

test('a view shows the time of the zone beside that of UTC, and reads no more days than are asked for', async () => {
  const views = [viewOf('alb', 'Asia/Seoul'), viewOf('app', 'America/New_York')];
  const lake = await openExampleLake(EXAMPLE_TABLES, views);
  onTestFinished(() => lake.close());
  const alb = `SELECT local_time, "time" FROM alb_local_time WHERE dt = '2026-11-28' ORDER BY 1 LIMIT 1`;
  expect((await lake.athena.query(alb)).rows).toEqual([['2026-11-28 19:00:05.000000', '2026-11-28 10:00:05.000000']]);
  const plan = String((await lake.athena.query(`EXPLAIN ${alb}`)).rows[0]?.[1]);
  expect(plan).toMatch(/Scanning Files: 1\/4/);
  // The third event tells no time itself: CloudWatch's is taken, as everywhere.
  const app = 'SELECT local_time FROM app_local_time ORDER BY position';
  expect((await lake.athena.query(app)).rows.map(([time]) => String(time).slice(0, 19))).toEqual([
    '2026-11-28 05:00:00',
    '2026-11-28 05:00:58',
    '2026-11-28 05:02:00',
    '2026-11-28 06:00:00',
  ]);
});

test('a table without a time, and one that has such a column itself, gets no view', () => {
  const columns = [
    { name: 'time', type: 'timestamp' },
    { name: 'local_time', type: 'string' },
  ] as const;
  expect(localTimeView('d', { name: 'own', columns }, 'Asia/Seoul')).toBeUndefined();
  expect(localTimeView('d', { name: 'own', columns: columns.slice(1) }, 'Asia/Seoul')).toBeUndefined();
});
