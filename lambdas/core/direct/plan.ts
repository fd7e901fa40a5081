/**
 * Plans batches, and finishes whatever is open. It runs each minute, and two at once do no harm: they cost work, because
 * each candidate is claimed by one of them. batch.ts has the states, and what a crash leaves.
 */
import { eachOf } from './at-a-time.ts';
import {
  BATCH,
  type Batch,
  type BatchState,
  type Candidate,
  candidatesKey,
  halvesOf,
  isPublishable,
  KINDS,
} from './batch.ts';
import { type CutLimits, cut } from './cut.ts';
import { isPending } from './pending-batches.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';

export interface PlanPorts {
  readonly ledger: BatchLedger;
  readonly lake: LakeFiles;
  readonly now: () => Date;
  /** Tells a writer of a batch. */
  readonly send: (batch: string) => Promise<void>;
}

export interface PlannerPorts extends PlanPorts {
  /** Called before anything is made of what the ledger knows. @throws if the ledger was set back to an earlier time */
  readonly requireCurrent: () => Promise<void>;
}

export interface PlanOptions extends CutLimits {
  /** The time of this run, in milliseconds since the epoch: it decides what has waited long enough. */
  readonly dueAt: number;
  /** Batches of a source that are open at a time. */
  readonly maxOpen: number;
  /** Milliseconds without a sign of a batch's writer, after which the batch is sent again. */
  readonly silentMs: number;
  /** Ends the id of a batch; nobody else has it. */
  readonly newId: () => string;
  readonly outOfTime: () => boolean;
}

/** What is left of a source: objects that wait, and batches that a writer has to do something with. */
export interface Planned {
  readonly waiting: number;
  readonly unfinished: number;
  /** ISO 8601: since when the oldest object waits, and since when the oldest of these batches is not written. */
  readonly waitingSince?: string | undefined;
  readonly unfinishedSince?: string | undefined;
  /** ISO 8601: since when the oldest seal waits for its files to be completed. */
  readonly sealedSince?: string | undefined;
}

/** Objects that are looked at in a run, of each kind. */
const MAX_LOOKED_AT = 20_000;
/** Batches that are looked at in a run: far more than are open at a time. */
const MAX_UNWRITTEN = 10_000;
const CLAIMS_AT_A_TIME = 32;

export async function planSource(source: string, ports: PlannerPorts, options: PlanOptions): Promise<Planned> {
  const { ledger } = ports;
  const unwritten = await unwrittenOf(ledger, source);
  let isCurrent = unwritten.length > 0;
  if (isCurrent) await ports.requireCurrent();
  for (const { id } of unwritten) {
    if (options.outOfTime()) break;
    await finish(id, ports, options);
  }
  let open = unwritten.length;
  let waiting = 0;
  let waitingSince: string | undefined;
  for (const kind of KINDS) {
    const objects = await ledger.waiting(source, kind, new Date(options.dueAt).toISOString(), MAX_LOOKED_AT);
    waiting += objects.length;
    // Objects of a backfill wait for all others.
    if (kind === 'live') waitingSince = objects[0]?.since;
    for (const candidates of cut(objects, options)) {
      if (open >= options.maxOpen || options.outOfTime()) break;
      if (!isCurrent) await ports.requireCurrent();
      isCurrent = true;
      await begin(source, candidates, ports, options);
      waiting -= candidates.length;
      open++;
    }
  }
  const seals = unwritten.filter(isSealed).map(({ sealedAt, since }) => sealedAt ?? since);
  return {
    ...{ waiting, waitingSince },
    ...{ unfinished: open, unfinishedSince: unwritten[0]?.since, sealedSince: seals.sort()[0] },
  };
}

/** A batch that waits for its commits needs no writer, so it holds up no other: any number may be before the open ones. */
async function unwrittenOf(ledger: BatchLedger, source: string): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of ledger.unfinished(source)) {
    if (!isPending(batch)) found.push(batch);
    if (found.length === MAX_UNWRITTEN) break;
  }
  return found;
}

/**
 * Makes a batch. If the process dies between two steps: a list that no batch names is never read; a planned batch is in
 * the index, and the next planner goes on from there; an open one is sent again.
 */
async function begin(source: string, candidates: readonly Candidate[], ports: PlanPorts, { newId }: PlanOptions) {
  const since = ports.now().toISOString();
  const batch = { id: `${since.replace(/\D/g, '').slice(0, 14)}-${newId()}`, source, since };
  await openBatch(batch, candidates, ports);
}

async function openBatch(
  batch: Pick<Batch, 'id' | 'source' | 'since' | 'from'>,
  candidates: readonly Candidate[],
  ports: PlanPorts,
): Promise<void> {
  const { ledger, lake } = ports;
  await lake.putList(candidatesKey(batch), candidates);
  await ledger.plan(batch);
  await claimAndOpen(batch, candidates, ports);
}

async function claimAndOpen(
  { id, from }: Pick<Batch, 'id' | 'from'>,
  candidates: readonly Candidate[],
  { ledger, send }: PlanPorts,
): Promise<void> {
  await eachOf(candidates, CLAIMS_AT_A_TIME, (candidate) => ledger.claim(id, candidate, from));
  if (await ledger.advance(id, BATCH.planned, BATCH.open)) await send(id);
}

/** States in which a writer has to do something. */
const FOR_WRITERS: readonly BatchState[] = [BATCH.open, BATCH.storing, BATCH.failing];

/** Whether the files that a seal names are being completed, which takes a writer some seconds. */
function isSealed({ state }: Batch): boolean {
  return state === BATCH.sealed || state === BATCH.storing;
}

/** A seal that waits for longer is sent again: two that complete the same files do no harm. */
const COMPLETING_MS = 180_000;

/** Does what is missing of a batch that was begun. */
async function finish(id: string, ports: PlanPorts, { silentMs, dueAt }: PlanOptions): Promise<void> {
  // The index may be stale.
  const batch = await ports.ledger.read(id);
  if (!batch) return;
  if (batch.state === BATCH.planned) {
    await claimAndOpen(batch, await ports.lake.getList<Candidate[]>(candidatesKey(batch)), ports);
  } else if (batch.state === BATCH.split) {
    await finishSplit(batch, ports);
  } else if (FOR_WRITERS.includes(batch.state) || isPublishable(batch)) {
    const lastSign = Date.parse(batch.attemptedAt ?? batch.since);
    const sealedAt = isSealed(batch) && batch.sealedAt !== undefined ? Date.parse(batch.sealedAt) : undefined;
    const isLate = lastSign + silentMs <= dueAt || (sealedAt !== undefined && sealedAt + COMPLETING_MS <= dueAt);
    if (isLate) await ports.send(id);
  }
}

/**
 * Gives the members of a split batch to its two halves, as a plan does. Anyone may do it, and again: the halves have the
 * same ids, lists and members.
 */
export async function finishSplit(batch: Batch, ports: PlanPorts): Promise<void> {
  const { ledger, lake } = ports;
  const candidates = await lake.getList<Candidate[]>(candidatesKey(batch));
  const middle = Math.ceil(candidates.length / 2);
  const halves = [candidates.slice(0, middle), candidates.slice(middle)];
  for (const [index, id] of halvesOf(batch.id).entries()) {
    const { source, since } = batch;
    await openBatch({ id, source, since, from: batch.id }, halves[index] ?? [], ports);
  }
  await ledger.advance(batch.id, BATCH.split, BATCH.halved);
}
