import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, type Logs } from './logs.ts';

/**
 * Requests that load a second version of an object: the item of its key, claim, get, rows, checkpoint, the version that is remembered (which
 * is refused, and on this machine read), the row of `loads`, the version again, finish.
 */
const REQUESTS = 10;

/** The bytes of a chunk that is uploaded for the `upload`th time: only the time in its gzip header differs. */
function chunk({ lines }: Logs, upload: number): Buffer {
  const bytes = gzipSync(`${lines.join('\n')}\n`);
  bytes.writeUInt32LE(upload, 4);
  return bytes;
}

/** By key: the versions that were loaded, and the rows and the versions that the view shows. */
function shown(faulty: FaultyLake): Promise<Record<string, unknown>[]> {
  return faulty.select(
    `SELECT object_key, loaded, "rows", versions FROM
       (SELECT object_key, count(DISTINCT origin) AS loaded FROM loads GROUP BY object_key) JOIN
       (SELECT object_key, count(*) AS "rows", count(DISTINCT origin) AS versions
          FROM alb_once JOIN (SELECT DISTINCT origin, object_key FROM loads) USING (origin) GROUP BY object_key)
     USING (object_key) ORDER BY object_key`,
  );
}

describe('an object uploaded again under its key', { timeout: 300_000 }, () => {
  test('with another gzip header is in the view once, wherever the function dies', async () => {
    const requests = new Map<string, number>();
    let current = { key: '', pid: 0 };
    let killing = false;
    let deaths = 0;
    const faulty = await openFaultyLake({
      changes: { concurrency: 1 },
      onInvocation: ({ payload, pid }) => {
        current = { key: /(before|after)-\d+/.exec(payload)?.[0] ?? '', pid };
      },
      fault: (call) => {
        const { key, pid } = current;
        const [moment, at] = key.split('-');
        if (!killing || at === undefined) return undefined;
        const request = (requests.get(key) ?? 0) + 1;
        requests.set(key, request);
        if (request !== Number(at)) return undefined;
        deaths++;
        const die = () => {
          process.kill(pid, 'SIGKILL');
          call.cut();
        };
        return moment === 'before' ? Promise.resolve(die()) : call.forward().then(die);
      },
    });
    const logs = Array.from({ length: REQUESTS }, (_, index) =>
      ['before', 'after'].map((moment) => albObject(`${moment}-${index + 1}`, 20, 10)),
    )
      .flat()
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const upload = async (count: number) => {
      for (const each of logs) await faulty.putBytes(each.name, chunk(each, count));
      expect((await faulty.drain()).deadLetters).toEqual([]);
    };
    const expected = (loaded: number) =>
      logs.map(({ name, rows }) => ({ object_key: name, loaded, rows: rows.length, versions: 1 }));

    await upload(1);
    expect(await shown(faulty)).toEqual(expected(1));
    killing = true;
    await upload(2);
    expect(deaths).toBe(logs.length);
    expect(await shown(faulty)).toEqual(expected(2));
    killing = false;
    await upload(3);
    expect(await shown(faulty)).toEqual(expected(3));
    // Each version but the first names the one before it, also where its row was sent again.
    const named = await faulty.select(
      `SELECT count(DISTINCT origin) AS origins, count(DISTINCT replaces) AS former FROM loads WHERE replaces IS NOT NULL`,
    );
    expect(named).toEqual([{ origins: 2 * logs.length, former: 2 * logs.length }]);
    const counts = await faulty.select(
      `SELECT (SELECT sum("rows") FROM loads_once) AS said, (SELECT count(*) FROM alb_once) AS shown`,
    );
    expect(counts[0]?.said).toBe(counts[0]?.shown);
    // The same bytes again are the same version: nothing is loaded.
    await upload(3);
    expect(await shown(faulty)).toEqual(expected(3));
  });
});
