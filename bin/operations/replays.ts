/** How the rows that a replay makes of rejected lines get into their table: by the lane of their source. */
import { BATCH } from '../../lambdas/core/direct/batch.ts';
import { entryIdOf, objectInputKey } from '../../lambdas/core/loading/input.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { AddedRows, type Amended, batchesOf, isDirect, newBatchId } from './added-rows.ts';
import { amend, begin } from './amend.ts';
import { type LakeHandle, type ResultRow, timeOf } from './lake-handle.ts';
import { type Entry, entriesOf } from './ledger-entries.ts';
import { sendRows } from './send-rows.ts';

/** The rows of one origin. */
export interface Replay extends Amended {
  readonly rows: readonly string[];
  /** ISO 8601: when its object was created, if that is known. */
  readonly created: string | undefined;
}

export interface Replays {
  add(replay: Replay): Promise<void>;
  /** Has what was added written, if it is not. */
  end(): Promise<void>;
}

/** Origins and bytes of rows that are added at a time: their rows share files. */
const MAX_ORIGINS = 1000;
const MAX_BYTES = 32 * 1024 * 1024;

/** What was begun through Firehose is ended there: some of its rows may be on their way. */
export function replaysOf(lake: LakeHandle, source: Source): Replays {
  let waiting: Replay[] = [];
  let bytes = 0;
  const end = async () => {
    const replays = waiting;
    waiting = [];
    bytes = 0;
    if (replays.length > 0) await addRows(lake, source, replays);
  };
  return {
    async add(replay) {
      if (!isDirect(source) || replay.before.begun.length > 0) return await sendThroughFirehose(lake, source, replay);
      waiting.push(replay);
      bytes += replay.rows.reduce((sum, row) => sum + row.length, 0);
      if (waiting.length >= MAX_ORIGINS || bytes >= MAX_BYTES) await end();
    },
    end,
  };
}

/** If the process dies, the rows are there once or not at all: added-rows.ts says how. */
function addRows(lake: LakeHandle, source: Source, replays: readonly Replay[]): Promise<void> {
  return AddedRows.write(lake, source, newBatchId(new Date()), async (added) => {
    for (const replay of replays) {
      const { base, rows, created } = replay;
      await added.append(rows, created === undefined ? timeOf(base.started_at) : new Date(created));
      added.amend(replay);
    }
  });
}

/** If the process dies before `loads` has its row, the next replay sends the rows again. */
async function sendThroughFirehose(lake: LakeHandle, source: Source, { base, before, more, rows }: Replay) {
  const begun = await begin(lake, base, before, more.rows);
  await sendRows(lake, source.settings.streams, rows);
  await amend(lake, base, begun, more);
}

/** The ledger's entry of the object that was loaded; undefined for a payload, and if the ledger has forgotten it. */
export async function entryOfLoad(lake: LakeHandle, { settings }: Source, base: ResultRow): Promise<Entry | undefined> {
  const { bucket, object_key, etag } = base;
  if (object_key === null) return undefined;
  const object = { bucket: String(bucket), key: String(object_key), etag: String(etag) };
  const id = entryIdOf(objectInputKey(settings.name, object));
  return (await entriesOf(lake, [id])).get(id);
}

/** True if the batch of an object is to be written again: its lines may become rows by that. */
export async function isBeingLoaded(lake: LakeHandle, entry: Entry | undefined): Promise<boolean> {
  const batch = entry?.batch === undefined ? undefined : await batchesOf(lake).read(entry.batch);
  return batch !== undefined && batch.state !== BATCH.written;
}
