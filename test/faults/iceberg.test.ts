import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FanOutTables } from '../../lambdas/core/tables/fan-out.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';
import { FAN_OUT } from './assembly.ts';
import type { Call } from './call.ts';
import { FAILING, loadAmidFailures } from './failing-services.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { openKilling } from './killing.ts';
import { albObject, type Logs } from './logs.ts';
import { random } from './random.ts';

/** Kills of the functions of the direct lane; commit.test.ts has many more deaths, without processes. */
const KILLS = Math.ceil(Number(process.env.FAULT_KILLS ?? 60) / 3);

/** Requests of an invocation that writes a batch, or commits some of them. */
const REQUESTS = 26;
/** The third attempt must end, or the batch is split. */
const MOST_KILLS_PER_BATCH = 2;
/** Requests of an invocation where the rows are divided among four tables. */
const DIVIDED_REQUESTS = 45;

const LINES = 60;
const CHANGES = { delivery: 'direct', tableFormat: 'iceberg' } as const;
/** @param hostAt the host name in the line at a position, if there is one */
function someObjects(first: number, count: number, hostAt?: (position: number) => string | undefined): Logs[] {
  return Array.from({ length: count }, (_, index) => albObject(`object-${first + index}`, LINES, 100, hostAt));
}

/** Balanced in the Iceberg table, and nothing was ever repeated. */
async function expectOnce(faulty: FaultyLake, name: string, logs: readonly Logs[], faults: number): Promise<void> {
  expect(await faulty.expectBalanced(name, logs, faults)).toMatchObject({ lost: 0, repeated: 0 });
  const [counts] = await faulty.select(`SELECT
      (SELECT CAST(count(*) AS INTEGER) FROM tributary_iceberg.alb) AS iceberg,
      (SELECT CAST(count(*) AS INTEGER) FROM tributary.alb) AS parquet,
      (SELECT CAST(count(*) AS INTEGER) FROM loads) AS loads`);
  expect(counts).toEqual({ iceberg: logs.flatMap(({ rows }) => rows).length, parquet: 0, loads: logs.length });
}

/** A request to the catalog that asks for a commit. */
const isCommit = ({ service, operation, url }: Call) =>
  service === 'GLUE' && operation === 'POST' && /\/tables\/[^/]+$/.test(url);

describe('commits to Iceberg tables', { timeout: 600_000 }, () => {
  test('lose and repeat nothing, with the functions killed at random points', async () => {
    const { faulty, kills } = await openKilling(random(50), {
      ...{ most: KILLS, mostPerMessage: MOST_KILLS_PER_BATCH, requests: REQUESTS },
      changes: CHANGES,
    });
    const logs: Logs[] = [];
    while (kills() < KILLS) {
      const more = someObjects(logs.length, 3);
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    await expectOnce(faulty, 'iceberg: kill', logs, kills());
  });

  test('have each row once, in the table of its value, where rows are divided and the functions killed', async () => {
    const most = Math.ceil(KILLS / 2);
    const hosts = [...FAN_OUT.allow, 'other.example.com', undefined];
    const hostAt = (position: number) => hosts[position % hosts.length];
    const { faulty, kills } = await openKilling(random(53), {
      ...{ most, mostPerMessage: MOST_KILLS_PER_BATCH, requests: DIVIDED_REQUESTS },
      changes: { ...CHANGES, dividesRows: true },
    });
    const logs: Logs[] = [];
    while (kills() < most) {
      const more = someObjects(logs.length, 3, hostAt);
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    const tables = new FanOutTables('alb', FAN_OUT);
    const found = await faulty.expectBalanced('iceberg: kill, divided', logs, kills(), tables.names);
    expect(found).toMatchObject({ lost: 0, repeated: 0 });
    const rows = logs.flatMap((each) => each.rows);
    const expected = hosts.map((host) => ({
      ...{ table: tables.of(host), host: host ?? null },
      n: rows.filter((position) => hostAt(position) === host).length,
    }));
    expect(new Set(tables.names).size).toBe(4);
    const inTables = tables.names.map(
      (name) =>
        `SELECT '${name}' AS "table", domain_name AS host, CAST(count(*) AS INTEGER) AS n
           FROM tributary_iceberg.${name} GROUP BY host`,
    );
    const counts = await faulty.select(inTables.join(' UNION ALL '));
    expect(counts).toHaveLength(expected.length);
    expect(counts).toEqual(expect.arrayContaining(expected));
    expect(await faulty.select('SELECT 1 FROM tributary.alb')).toEqual([]);
    expect(await faulty.select('SELECT CAST(count(*) AS INTEGER) AS n FROM loads')).toEqual([{ n: logs.length }]);
  });

  test.each(FAILING)('lose and repeat nothing where every service $name', async (failing) => {
    const logs = someObjects(0, 6);
    const { faulty, faults } = await loadAmidFailures(failing, { changes: CHANGES, seed: 51, logs });
    await expectOnce(faulty, `iceberg: every service ${failing.name}`, logs, faults);
  });

  test('lose and repeat nothing where requests for commits are done after they seemed to fail, and some never', async () => {
    const draw = random(52);
    const late: Promise<unknown>[] = [];
    let faults = 0;
    const faulty = await openFaultyLake({
      changes: CHANGES,
      fault: (call) => {
        if (!isCommit(call) || draw(3) === 0) return undefined;
        faults++;
        return cutAndDoLater(call);
      },
    });
    const cutAndDoLater = async (call: Call) => {
      await call.body();
      call.cut();
      if (draw(4) > 0) late.push(sleep(draw(400)).then(() => call.forward()));
    };
    const logs: Logs[] = [];
    for (let round = 0; round < 10; round++) {
      const more = someObjects(logs.length, 2);
      logs.push(...more);
      await faulty.put(...more);
      await faulty.drain();
    }
    await Promise.all(late);
    await faulty.drain();
    expect(late.length).toBeGreaterThan(3);
    await expectOnce(faulty, 'iceberg: late commits', logs, faults);
  });

  test('go on when the format of a running stack is changed, in either direction', async () => {
    const logs = someObjects(0, 6);
    const parquet = await openFaultyLake({ changes: { delivery: 'direct' } });
    await parquet.put(...logs.slice(0, 2));
    await parquet.drain();
    await parquet.lake.close();
    // The catalog takes no commit, so batches wait for theirs when the format is changed back.
    const iceberg = await openFaultyLake({
      dir: parquet.dir,
      changes: CHANGES,
      fault: (call) => (isCommit(call) ? Promise.resolve(call.refuse(403, 'AccessDeniedException')) : undefined),
    });
    await iceberg.put(...logs.slice(0, 4));
    await iceberg.drain();
    expect(await iceberg.select('SELECT 1 FROM tributary_iceberg.alb')).toEqual([]);
    await iceberg.lake.close();
    const back = await openFaultyLake({ dir: parquet.dir, changes: { delivery: 'direct' } });
    await back.put(...logs);
    expect(await back.drain()).toEqual(NOTHING_FAILED);
    const rows = (of: readonly Logs[]) => of.flatMap((each) => each.rows).length;
    const counts = await back.select(`SELECT name, CAST(count(*) AS INTEGER) AS n,
        CAST(count(DISTINCT (origin, position)) AS INTEGER) AS places
      FROM (SELECT 'iceberg' AS name, origin, position FROM tributary_iceberg.alb
        UNION ALL SELECT 'parquet', origin, position FROM tributary.alb
        UNION ALL SELECT 'both', origin, position FROM tributary_iceberg.alb
        UNION ALL SELECT 'both', origin, position FROM tributary.alb) GROUP BY name ORDER BY name`);
    const [both, inIceberg, inParquet] = [logs, logs.slice(2, 4), [...logs.slice(0, 2), ...logs.slice(4)]].map(rows);
    expect(counts).toEqual([
      { name: 'both', n: both, places: both },
      { name: 'iceberg', n: inIceberg, places: inIceberg },
      { name: 'parquet', n: inParquet, places: inParquet },
    ]);
  });
});
