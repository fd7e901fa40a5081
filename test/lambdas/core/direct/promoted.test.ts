import { expect, test } from 'vitest';
import { evolvedTable, type PromotedColumn } from '../../../../lambdas/core/evolution/promoted.ts';
import { OWN } from '../../../../lambdas/core/tables/table.ts';
import { Random } from '../../../../local/sample/random.ts';
import { NO_FAULTS, World, type WorldObject } from '../../../helpers/direct-world.ts';
import { live } from '../../../helpers/world-life.ts';

/** Worlds with faults: each has another seed. */
const RUNS = Number(process.env.TRIBUTARY_FAULT_RUNS ?? 60);

const KEYS = ['tenant', 'order', 'count'] as const;
const promoted = (name: string, type: PromotedColumn['type'], by: PromotedColumn['by']): PromotedColumn => ({
  ...{ name, type, from: name, at: '2026-11-22T12:00:00Z', by },
});
/** The job's choices, and those of a user who wants some of them otherwise. */
const WANTED = [
  promoted('tenant', 'string', 'job'),
  promoted('order', 'string', 'job'),
  promoted('count', 'string', 'job'),
  promoted('count', 'bigint', 'user'),
  promoted('order', 'string', 'user'),
];

const SETTINGS = {
  ...{ name: 'app', format: 'json', lane: 'objects' as const, bucket: 'logs', delivery: 'direct' as const },
  options: { columns: { time: 'timestamp', message: 'string' } },
};

/** The JSON keys of the column of a key, as text and as a number. */
const KEYS_OF = new Map(
  KEYS.map((name) => [
    name,
    (['string', 'bigint'] as const).map((type) => {
      const { columns } = evolvedTable(SETTINGS, [promoted(name, type, 'job')]);
      return columns.find((column) => column.name === name)?.key ?? '';
    }),
  ]),
);

/** What rows have under a key: in its column, of whichever type, or in extra. */
function valuesOf(row: Record<string, unknown>, name: (typeof KEYS)[number]) {
  const columns = (KEYS_OF.get(name) ?? []).map((key) => row[key]);
  const extra = JSON.parse(String(row[OWN.extra.key] ?? '{}')) as Record<string, string>;
  return { columns, extra: extra[name] };
}

const objectOf = (index: number): WorldObject => ({
  key: `o${index}`,
  lines: [1, 2, 3].map((line) =>
    JSON.stringify({ message: 'm', tenant: `t${index}-${line}`, order: index * 10 + line, count: index * 100 + line }),
  ),
});

test(`a key that is promoted while batches run is in its column or in extra, never in both nor in none (${RUNS} worlds)`, {
  timeout: 60_000,
}, async () => {
  let [inColumns, inExtra] = [0, 0];
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new Random(`promoted ${seed}`);
    const objects = Array.from({ length: 8 }, (_, index) => objectOf(index));
    const world = new World(seed, objects);
    const each = Math.floor(random.fraction() * 60);
    const faults = { refused: each, answerLost: each, diesBefore: each, diesAfter: each, stale: 300, late: 0 };
    const also = () => {
      if (random.fraction() < 0.02)
        world.promote([WANTED[Math.floor(random.fraction() * WANTED.length)] as PromotedColumn]);
    };
    await live(world, random, objects, faults, false, also);
    world.faults = NO_FAULTS;
    world.outage = false;
    for (const { key } of objects) world.announce(key);
    await world.drain();
    for (const { key } of objects) if (world.deadLetters.includes(key)) world.announce(key);
    await world.drain();

    const { columns } = world.promotions.record;
    expect({ seed, early: world.promotions.early }).toEqual({ seed, early: [] });
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
    const rows = world.rows('app');
    for (const name of KEYS) {
      const found = rows.map((row) => valuesOf(row, name));
      const values = found.map(({ columns: [text, number], extra }) => {
        const there = [text, number, extra].filter((value) => value !== undefined);
        expect({ seed, name, there: there.length }).toEqual({ seed, name, there: 1 });
        if (extra === undefined) inColumns++;
        else inExtra++;
        return String(there[0]);
      });
      const wanted = objects.flatMap(({ lines }) => lines.map((line) => String(JSON.parse(line)[name])));
      expect({ seed, name, values: values.toSorted() }).toEqual({ seed, name, values: wanted.toSorted() });
      // One type, whoever was first.
      expect([0, 1].filter((type) => found.some((each) => each.columns[type] !== undefined)).length).toBeLessThan(2);
    }
    for (const [key, bytes] of world.files) {
      if (!key.startsWith('data/app/')) continue;
      const inFile = bytes
        .toString()
        .split('{"0"')
        .slice(1)
        .map((row) => valuesOf(JSON.parse(`{"0"${row}`), 'tenant').extra);
      expect({ key, mixed: new Set(inFile.map((value) => value === undefined)).size }).toEqual({ key, mixed: 1 });
    }
  }
  expect([inColumns > 0, inExtra > 0]).toEqual([true, true]);
});

test('a key is in its column in the batches after its promotion, and not in extra any more', async () => {
  const world = new World(1, [objectOf(1), objectOf(2)]);
  world.announce('o1');
  await world.drain();
  world.promote([promoted('tenant', 'string', 'job')]);
  while (world.busy) await world.step();
  world.announce('o2');
  await world.drain();
  expect(world.rows('app').map((row) => valuesOf(row, 'tenant'))).toEqual([
    ...[1, 2, 3].map((line) => ({ columns: [undefined, undefined], extra: `t1-${line}` })),
    ...[1, 2, 3].map((line) => ({ columns: [`t2-${line}`, undefined], extra: undefined })),
  ]);
});
