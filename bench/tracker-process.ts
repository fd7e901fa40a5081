/** Measures the duplicate check in a process of its own; `measureTrackerApart` in tracker.ts starts it. */
import type { TrackerRequest, TrackerResult } from './tracker.ts';
import { measureTracker, measureUnits, trackedObjects } from './tracker.ts';

// The parent process may be killed at any time: this process must then end too.
process.on('disconnect', () => process.exit(0));

process.on('message', (request: TrackerRequest) => {
  measure(request).then(
    (result) => process.send?.(result),
    (error) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    },
  );
});

async function measure({ tables, kind, seed, scale }: TrackerRequest): Promise<TrackerResult> {
  const objects = trackedObjects(kind, seed, scale);
  const units = await measureUnits(tables, kind, objects);
  return { objects: objects.length, units, tracked: await measureTracker(tables, kind, objects, scale) };
}
