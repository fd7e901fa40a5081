import { STATE } from '../../lambdas/core/loading/ledger.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { objectsOf } from '../../lambdas/core/settings.ts';
import { UsageError } from '../output/command-error.ts';
import { isOld } from './arrival-note.ts';
import { type LakeHandle, sourceNamed } from './lake-handle.ts';
import { type Entry, entriesOf, MAX_BATCH_GET, reopen } from './ledger-entries.ts';
import {
  announce,
  asSourceObject,
  type ListedObject,
  listObjects,
  MAX_BATCH_MESSAGES,
  type SourceObject,
} from './objects.ts';
import type { OperationOptions } from './operation-options.ts';
import { BatchReloader, type Refusal } from './reload-batches.ts';
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

/** Result of a backfill. listed = queued + alreadyLoaded + outOfTime + noLogs + refused. */
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
  /** Objects of the direct lane that cannot be loaded again. */
  readonly refused: number;
}

/** Objects that cannot be loaded again, by the reason. */
export type Refusals = Map<Refusal, number>;

interface Progress extends ObjectCounts {
  /** The last key processed. */
  readonly after?: string;
}

/**
 * Announces objects to the lake's queue, as if they had just been created. The keys are listed once, in
 * order; after each page of the listing, the last key and the counts are saved. After an interruption the next run
 * continues there: objects announced after the last save are announced again, and the ledger skips them.
 *
 * @param refusals counts why objects were refused
 * @throws UsageError if no source has the bucket
 */
export async function backfillObjects(
  lake: LakeHandle,
  task: ObjectsToLoad,
  options: OperationOptions,
  refusals: Refusals = new Map(),
): Promise<ObjectCounts> {
  sourcesAt(lake, task);
  const reloader = new BatchReloader(lake, options.dryRun);
  const now = new Date();
  const state = new State<Progress>(lake.stateFolder, 'backfill', task);
  const resume = options.dryRun ? undefined : state.read();
  let counts: ObjectCounts = { ...NOTHING, ...resume };
  const progress = options.progress('objects listed');
  progress.add(counts.listed);
  const { bucket, prefix } = task;
  for await (const page of listObjects(lake, { bucket, prefix, after: resume?.after })) {
    for (let at = 0; at < page.length; at += MAX_BATCH_GET) {
      const objects = page.slice(at, at + MAX_BATCH_GET);
      const { toQueue, toReload, entries, ...sorted } = await sortOut(lake, objects, task);
      if (!options.dryRun) await queueAll(lake, toQueue, entries, options);
      const refused = await reloadAll(reloader, toReload, entries, { options, refusals });
      const old = toQueue.filter(
        ({ object, source }) => source.settings.delivery !== 'direct' && isOld(object.lastModified, now),
      );
      const queued = toQueue.length + toReload.length - refused;
      counts = added(counts, { ...sorted, listed: objects.length, queued, old: old.length, refused });
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
 * @throws UsageError if none has the bucket and prefix
 */
export function sourcesAt(lake: LakeHandle, { bucket, prefix, source }: ObjectsToLoad): readonly Source[] {
  const sources = source === undefined ? lake.sources : [sourceNamed(lake, source)];
  const ofObjects = sources.flatMap(({ settings }) => {
    const objects = objectsOf(settings);
    return objects ? [{ ...settings, ...objects }] : [];
  });
  const fitting = sources.filter(({ settings }) => {
    const objects = objectsOf(settings);
    const own = objects?.prefix ?? '';
    return objects?.bucket === bucket && (own.startsWith(prefix) || prefix.startsWith(own));
  });
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
  const entries = await entriesOf(lake, wanted);
  const isKnown = ({ id }: SourceObject) => KNOWN.includes(entries.get(id)?.state ?? '');
  const isDirect = ({ id, source }: SourceObject) =>
    source.settings.delivery === 'direct' || entries.get(id)?.isDirect === true;
  // On the direct lane whole batches are written anew; what was not loaded waits when it is announced.
  const toReload = task.reload ? wanted.filter((object) => isKnown(object) && isDirect(object)) : [];
  const toQueue = task.reload
    ? wanted.filter((object) => !toReload.includes(object))
    : wanted.filter((object) => !isKnown(object));
  return {
    toQueue,
    toReload,
    entries,
    alreadyLoaded: wanted.length - toQueue.length - toReload.length,
    outOfTime: objects.length - inTime.length,
    noLogs: inTime.length - wanted.length,
  };
}

async function queueAll(
  lake: LakeHandle,
  objects: readonly SourceObject[],
  entries: ReadonlyMap<string, Entry>,
  options: OperationOptions,
): Promise<void> {
  for (let at = 0; at < objects.length; at += MAX_BATCH_MESSAGES) {
    const batch = objects.slice(at, at + MAX_BATCH_MESSAGES);
    await options.rateLimit(batch.length);
    // Loaded objects, and replaced objects that are in the bucket again.
    const ended = batch.filter(({ id }) => entries.has(id) && entries.get(id)?.state !== STATE.loading);
    for (const { id } of ended) await reopen(lake, id);
    await announce(lake, batch, true);
  }
}

/** @returns how many objects cannot be loaded again */
async function reloadAll(
  reloader: BatchReloader,
  objects: readonly SourceObject[],
  entries: ReadonlyMap<string, Entry>,
  { options, refusals }: { readonly options: OperationOptions; readonly refusals: Refusals },
): Promise<number> {
  let refused = 0;
  for (const { id } of objects) {
    await options.rateLimit();
    const result = await reloader.reload(entries.get(id));
    if (result === 'reloaded') continue;
    refused++;
    refusals.set(result, (refusals.get(result) ?? 0) + 1);
  }
  return refused;
}

const NOTHING: ObjectCounts = {
  ...{ listed: 0, queued: 0, old: 0, alreadyLoaded: 0, outOfTime: 0, noLogs: 0, refused: 0 },
};

function added(one: ObjectCounts, other: ObjectCounts): ObjectCounts {
  return {
    listed: one.listed + other.listed,
    queued: one.queued + other.queued,
    old: one.old + other.old,
    alreadyLoaded: one.alreadyLoaded + other.alreadyLoaded,
    outOfTime: one.outOfTime + other.outOfTime,
    noLogs: one.noLogs + other.noLogs,
    refused: one.refused + other.refused,
  };
}
