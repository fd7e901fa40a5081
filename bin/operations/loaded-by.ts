/**
 * Which batch of the direct lane has loaded the lines of an origin. An operation that changes what became of them, and one that has
 * the batch written anew, must not both do so: the rows would be there twice. What decides is `amendments` of the batch:
 *
 *   changes lines      base read from `loads` ─► batch read here ─► its notes: pending ─► `amendments` + 1, if the batch is
 *                      still written by that attempt ─► its own batch sealed
 *   writes them anew   batch read ─► notes read, there are none ─► batch open, if `amendments` is still as it was read
 *
 * If the batch is opened first, the other one cannot count `amendments` up any more, or sees another attempt than the one that
 * `base` is of. If that is counted up first, the batch is not opened: its notes are seen, or the condition fails.
 */
import type { AttemptList } from '../../lambdas/core/direct/attempt-list.ts';
import { BATCH } from '../../lambdas/core/direct/batch.ts';
import { entryPlaces } from '../../lambdas/core/loading/input.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { addedBatches } from '../../lambdas/edges/added-batches.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { type LakeHandle, type ResultRow, timeOf } from './lake-handle.ts';
import { type Entry, entriesOf } from './ledger-entries.ts';

/** A batch as an attempt has written it. */
export interface LoadedBatch {
  readonly id: string;
  /** Key of the attempt's list. */
  readonly attempt: string;
  /** Uuids of the Iceberg tables that it has rows for. */
  readonly tables: readonly string[];
}

/** What has loaded an origin. */
export interface LoadedBy {
  /** The ledger's entry of its object; undefined for a payload, and if the ledger has forgotten it. */
  readonly entry: Entry | undefined;
  /** Undefined if its rows came through Firehose, or the ledger has forgotten them. */
  readonly batch: LoadedBatch | undefined;
}

/** What is needed of an attempt's list. */
interface Attempt {
  readonly tables: readonly string[];
  /** When the loads of its members ended, by origin. */
  readonly finishedAt: ReadonlyMap<string, number>;
}

/** Attempts that are remembered: a batch has up to 1,000 members, whose origins come in any order. */
const MAX_REMEMBERED = 200;

export class Loads {
  readonly #lake: LakeHandle;
  readonly #attempts = new Map<string, Attempt | undefined>();

  constructor(lake: LakeHandle) {
    this.#lake = lake;
  }

  /**
   * @param base the row that the origin's load wrote to `loads`
   * @returns undefined if the origin is being loaded, or was loaded again since `base` was read
   */
  async loadedBy({ settings }: Source, base: ResultRow): Promise<LoadedBy | undefined> {
    const { bucket, object_key, etag } = base;
    if (object_key === null) return { entry: undefined, batch: undefined };
    const object = { bucket: String(bucket), key: String(object_key), etag: String(etag) };
    const places = entryPlaces(settings.name, object);
    const entry = (await entriesOf(this.#lake, [places])).get(places.id);
    if (entry?.batch === undefined) return { entry, batch: undefined };
    const { dynamodb, ledgerTable, ledgerDays } = this.#lake;
    const batch = await addedBatches(dynamodb, { table: ledgerTable, entryDays: ledgerDays }).read(entry.batch);
    if (!batch) return { entry, batch: undefined };
    if (batch.state !== BATCH.written || batch.attempt === undefined) return undefined;
    const attempt = await this.#attempt(batch.attempt);
    // The list of an attempt may have expired: the batch was not written anew for as long.
    if (attempt && attempt.finishedAt.get(String(base.origin)) !== timeOf(base.finished_at).getTime()) return undefined;
    return { entry, batch: { id: batch.id, attempt: batch.attempt, tables: attempt?.tables ?? [] } };
  }

  async #attempt(key: string): Promise<Attempt | undefined> {
    if (this.#attempts.has(key)) return this.#attempts.get(key);
    if (this.#attempts.size >= MAX_REMEMBERED) this.#attempts.clear();
    const list = await s3LakeFiles(this.#lake.s3, this.#lake.lakeBucket).findList<AttemptList>(key);
    const attempt = list && attemptOf(list);
    this.#attempts.set(key, attempt);
    return attempt;
  }
}

function attemptOf({ members, tables = [] }: AttemptList): Attempt {
  const loaded = members.flatMap(({ origin, ended }): [string, number][] =>
    ended.outcome === 'loaded' ? [[origin, Date.parse(String(ended.row.finished_at))]] : [],
  );
  return { tables: tables.map(({ uuid }) => uuid), finishedAt: new Map(loaded) };
}
