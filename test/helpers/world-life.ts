/** What happens in worlds of the direct lane, and what came of it. */
import type { Random } from '../../local/sample/random.ts';
import { type Faults, World, type WorldObject } from './direct-world.ts';

export const line = (index: number, day = 22) =>
  JSON.stringify({ time: `2026-11-${day}T10:00:00.${String(index).padStart(3, '0')}Z`, message: `m${index}` });

export const plain = (key: string, lines = 3): WorldObject => ({
  key,
  lines: Array.from({ length: lines }, (_, index) => line(index)),
});

/** The rows of the source belong into an Iceberg table. */
export const ICEBERG = { iceberg: true };

/** A world whose objects are in stored batches. */
export async function storedWorld(
  objects: readonly WorldObject[] = [plain('a', 4), { key: 'b', lines: [line(1, 21)] }],
) {
  const world = new World(12, objects, ICEBERG);
  for (const { key } of objects) world.announce(key);
  await settled(world);
  for (let step = 0; step < 40; step++) await world.step();
  await writeAll(world);
  return world;
}

export async function writeAll(world: World): Promise<void> {
  world.plan();
  await settled(world);
  for (const batch of world.queue.splice(0)) world.write(batch);
  await settled(world);
}

export async function settled(world: World): Promise<void> {
  while (world.busy) await world.step();
}

/** Positions by origin, of the rows of the table; and the origins in `loads`. */
export function delivered(world: World, rows: readonly Record<string, unknown>[]) {
  const positions = new Map<string, number[]>();
  for (const row of rows) {
    const origin = String(row['0']);
    positions.set(origin, [...(positions.get(origin) ?? []), Number(row['1'])]);
  }
  return {
    positions: [...positions.values()].map((each) => each.toSorted((a, b) => a - b)),
    origins: [...positions.keys()].toSorted(),
    loads: [...new Set(world.rows('loads').map((row) => String(row['0'])))].toSorted(),
  };
}

/** Announces, plans, writes and commits, several processes at a time, while the faults happen. */
export async function live(
  world: World,
  random: Random,
  objects: readonly WorldObject[],
  faults: Faults,
  commits = false,
  also: () => void = () => undefined,
): Promise<void> {
  world.faults = faults;
  const left = [...objects];
  for (let step = 0; left.length > 0 || step < 600; step++) {
    if (step === 200 && random.fraction() < 0.3) world.outage = true;
    if (step === 400) world.outage = false;
    const what = random.fraction();
    // Notifications come at least once, and planners and writers at any time, also at once.
    if (what < 0.15) {
      const at = Math.floor(random.fraction() * left.length);
      const object = left[at];
      if (object) world.announce(object.key, object.version);
      if (object && random.fraction() < 0.6) left.splice(at, 1);
    } else if (what < 0.25) world.plan();
    else if (what < 0.27) {
      const written = [...world.batches.values()].filter(({ state }) => state === 'written');
      const batch = written[Math.floor(random.fraction() * written.length)];
      if (batch) world.reload(batch.id);
    } else if (what < 0.4 && world.queue.length > 0) {
      const batch = world.queue[Math.floor(random.fraction() * world.queue.length)] as string;
      world.write(batch);
      if (random.fraction() < 0.5) world.queue.splice(world.queue.indexOf(batch), 1);
    }
    also();
    if (commits && random.fraction() < 0.1) world.commit();
    if (commits && random.fraction() < 0.02) await world.iceberg.compact();
    if (commits && random.fraction() < 0.01) await world.iceberg.rebuild();
    if (commits && random.fraction() < 0.02) world.iceberg.expire(new Date(world.now).toISOString());
    await world.step();
  }
}
