import { STATE } from '../../lambdas/core/loading/ledger.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { UsageError } from '../output/command-error.ts';
import { isOld } from './arrival-note.ts';
import { type LakeHandle, sourceNamed } from './lake-handle.ts';
import { entriesOf, MAX_BATCH_GET, reopen } from './ledger-entries.ts';
import {
  announce,
  asSourceObject,
  type ListedObject,
  listObjects,
  MAX_BATCH_MESSAGES,
  type SourceObject,
} from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { State } from './state.ts';

/** Which objects to load. */
export interface ObjectsToLoad {
  readonly bucket: string;
  readonly prefix: string;
  /** Only objects last modified at or after `since` and before `until`. */
  readonly since?: Date;
  readonly until?: Date;
  /** Only objects of this source. */
  readonly source?: string;
  /** Include objects that have already been loaded: their rows repeat, with the same origin and position. */
  readonly reload: boolean;
}

/** Result of a backfill. listed = queued + alreadyLoaded + outOfTime + noLogs. */
export interface ObjectCounts {
  readonly listed: number;
  /** Objects announced to the queue; in a dry run, objects that would have been announced. */
  readonly queued: number;
  /** Of the queued objects, those written before yesterday whose rows will lie under the day on which they arrive. */
  readonly old: number;
  readonly alreadyLoaded: number;
  /** Not modified between `since` and `until`. */
  readonly outOfTime: number;
  /** Objects that belong to no source, or whose names show that they are not its logs. */
  readonly noLogs: number;
}

interface Progress extends ObjectCounts {
  /** The last key processed. */
  readonly after?: string;
}

/**
 * Announces objects to the lake's queue, as if they had just been created. The keys are listed once, in
 * order; after each page of the listing, the last key and the counts are saved. After an interruption the next run
 * continues there: objects announced after the last save are announced again, and the ledger skips them.
 *
 * @throws UsageError if no source has the bucket
 */
export async function backfillObjects(
  lake: LakeHandle,
  task: ObjectsToLoad,
  options: OperationOptions,
): Promise<ObjectCounts> {
  sourcesAt(lake, task);
  const now = new Date();
  const state = new State<Progress>(lake.stateFolder, 'backfill', task);
  const resume = options.dryRun ? undefined : state.read();
  let counts: ObjectCounts = { listed: 0, queued: 0, old: 0, alreadyLoaded: 0, outOfTime: 0, noLogs: 0, ...resume };
  const progress = options.progress('objects listed');
  progress.add(counts.listed);
  const { bucket, prefix } = task;
  for await (const page of listObjects(lake, { bucket, prefix, after: resume?.after })) {
    for (let at = 0; at < page.length; at += MAX_BATCH_GET) {
      const objects = page.slice(at, at + MAX_BATCH_GET);
      const { toQueue, ended, ...sorted } = await sortOut(lake, objects, task);
      if (!options.dryRun) await queueAll(lake, toQueue, ended, options);
      const old = toQueue.filter(
        ({ object, source }) => source.settings.delivery !== 'direct' && isOld(object.lastModified, now),
      );
      counts = added(counts, { ...sorted, listed: objects.length, queued: toQueue.length, old: old.length });
      if (!options.dryRun) await state.write({ ...counts, after: objects.at(-1)?.key });
      progress.add(objects.length);
    }
  }
  progress.end();
  if (!options.dryRun) await state.end();
  return counts;
}

/**
 * The sources whose objects a backfill may load.
 *
 * @throws UsageError if none has the bucket and prefix, or if one cannot be loaded again
 */
export function sourcesAt(lake: LakeHandle, { bucket, prefix, source, reload }: ObjectsToLoad): readonly Source[] {
  const sources = source === undefined ? lake.sources : [sourceNamed(lake, source)];
  const ofObjects = sources.map(({ settings }) => settings).filter((settings) => settings.lane === 'objects');
  const fitting = sources.filter(
    ({ settings }) =>
      settings.lane === 'objects' &&
      settings.bucket === bucket &&
      ((settings.prefix ?? '').startsWith(prefix) || prefix.startsWith(settings.prefix ?? '')),
  );
  const direct = ofObjects.find(({ delivery }) => delivery === 'direct');
  if (reload && direct) {
    throw new UsageError(
      `--reload: the rows of ${direct.name} came by the direct lane, which delivers each object once; give --source with a source of the other lane`,
    );
  }
  if (fitting.length > 0) return fitting;
  const places = ofObjects.map(({ name, bucket: own, prefix: below = '' }) => `s3://${own}/${below} (${name})`);
  throw new UsageError(
    `s3://${bucket}/${prefix}: expected a prefix of a source: ${places.join(', ') || 'none loads objects'}`,
  );
}

/** States of entries whose objects need not be announced: they were loaded, or their batch will be written. */
const KNOWN: readonly string[] = [STATE.loaded, STATE.waiting, STATE.batched];

async function sortOut(lake: LakeHandle, objects: readonly ListedObject[], task: ObjectsToLoad) {
  const inTime = objects.filter(
    ({ lastModified: at }) => (!task.since || at >= task.since) && (!task.until || at < task.until),
  );
  const wanted = inTime
    .map((object) => asSourceObject(lake, object))
    .filter((found) => found !== undefined)
    .filter(({ source }) => task.source === undefined || source.settings.name === task.source);
  const entries = await entriesOf(
    lake,
    wanted.map(({ id }) => id),
  );
  const toQueue = task.reload ? wanted : wanted.filter(({ id }) => !KNOWN.includes(entries.get(id)?.state ?? ''));
  return {
    toQueue,
    ended: new Set([...entries].filter(([, { state }]) => state !== STATE.loading).map(([id]) => id)),
    alreadyLoaded: wanted.length - toQueue.length,
    outOfTime: objects.length - inTime.length,
    noLogs: inTime.length - wanted.length,
  };
}

/** @param ended ids of ledger entries to reopen: loaded objects, and replaced objects that are in the bucket again */
async function queueAll(
  lake: LakeHandle,
  objects: readonly SourceObject[],
  ended: ReadonlySet<string>,
  options: OperationOptions,
): Promise<void> {
  for (let at = 0; at < objects.length; at += MAX_BATCH_MESSAGES) {
    const batch = objects.slice(at, at + MAX_BATCH_MESSAGES);
    await options.rateLimit(batch.length);
    for (const { id } of batch) if (ended.has(id)) await reopen(lake, id);
    await announce(lake, batch, true);
  }
}

function added(one: ObjectCounts, other: ObjectCounts): ObjectCounts {
  return {
    listed: one.listed + other.listed,
    queued: one.queued + other.queued,
    old: one.old + other.old,
    alreadyLoaded: one.alreadyLoaded + other.alreadyLoaded,
    outOfTime: one.outOfTime + other.outOfTime,
    noLogs: one.noLogs + other.noLogs,
  };
}
