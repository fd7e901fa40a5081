/** How the rows that a replay makes of rejected lines get into their table: by the lane of their source. */
import type { Source } from '../../lambdas/core/loading/load.ts';
import { AddedRows, type Amended, isDirect, newBatchId, takeHold } from './added-rows.ts';
import { amend, begin } from './amend.ts';
import { type LakeHandle, timeOf } from './lake-handle.ts';
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
async function sendThroughFirehose(lake: LakeHandle, source: Source, { base, before, more, rows, batch }: Replay) {
  const begun = await begin(lake, base, before, more.rows);
  await takeHold(lake, batch ? [batch] : []);
  await sendRows(lake, source.settings.streams, rows);
  await amend(lake, base, begun, more);
}
