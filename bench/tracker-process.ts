/** The duplicate check's measures in a process of their own, started by `measureTrackerApart`: `tracker.ts`. */
import type { TrackerAsk, TrackerTold } from './tracker.ts';
import { measureTracker, measureUnits, trackedObjects } from './tracker.ts';

// Whoever started this process may be killed at any time.
process.on('disconnect', () => process.exit(0));

process.on('message', (ask: TrackerAsk) => {
  answer(ask).then(
    (told) => process.send?.(told),
    (error) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    },
  );
});

async function answer({ tables, kind, seed, scale }: TrackerAsk): Promise<TrackerTold> {
  const objects = trackedObjects(kind, seed, scale);
  const units = await measureUnits(tables, kind, objects);
  return { objects: objects.length, units, tracked: await measureTracker(tables, kind, objects, scale) };
}
