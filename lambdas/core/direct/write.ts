/**
 * Writes one batch: reads its members, uploads its files, has the attempt sealed and publishes it. batch.ts has the
 * states, and what a crash leaves. This file calls no AWS service and reads no clock itself.
 */
import { canPromote, evolvedSource } from '../evolution/promoted.ts';
import type { WantedColumn } from '../evolution/suggest.ts';
import { KeyCounter } from '../evolution/unknown-keys.ts';
import { keyItemId, objectInputKey, originOf } from '../loading/input.ts';
import { loadsRow } from '../loading/lake-rows.ts';
import { LineBatcher } from '../loading/line-batcher.ts';
import { summary } from '../loading/load-summary.ts';
import { recycle } from '../loading/pack.ts';
import { bodyOf, isUnavailable, type OpenObject, readObject } from '../loading/read-object.ts';
import type { FoundSource } from '../loading/sources.ts';
import { askAgain, type UnavailableReason } from '../loading/unavailable.ts';
import { type Version, type VersionMarks, versionMarks } from '../loading/versions.ts';
import type { KeepRaw } from '../reading/row.ts';
import {
  type Delivery,
  type Evolution,
  type InputPlace,
  isEvolving,
  isExported,
  type ReadingSettings,
} from '../settings.ts';
import type { FanOutTables } from '../tables/fan-out.ts';
import { rejectedTable } from '../tables/lake-tables.ts';
import { sourceTable } from '../tables/table.ts';
import { type AttemptList, loadedIn, type MemberEnd, type MemberResult, sealedAs, without } from './attempt-list.ts';
import {
  attemptKey,
  BATCH,
  type Batch,
  type BatchState,
  type Candidate,
  candidatesKey,
  isPublishable,
  MAX_ATTEMPTS,
} from './batch.ts';
import { BatchFiles } from './batch-files.ts';
import type { EventDays } from './event-days.ts';
import { finishFailing, type GiveUpPorts, giveUp } from './give-up.ts';
import { type IcebergTables, RefusedError, type Spill } from './ports.ts';
import { type Published, type PublishPorts, publish, store } from './publish.ts';
import { isToBeRenewed, renewFiles } from './renew-files.ts';
import { RowDivider } from './rows-by-table.ts';

/** A source whose objects come in batches. */
export type BatchSource = FoundSource<
  ReadingSettings &
    InputPlace & {
      readonly keepRaw: KeepRaw;
      readonly delivery?: Delivery;
      readonly retentionDays?: number;
      readonly schemaEvolution?: Evolution;
    }
> & {
  /** Absent: all rows are in the source's table. */
  readonly fanOut?: FanOutTables;
};

export interface WritePorts extends PublishPorts, GiveUpPorts {
  readonly sources: readonly BatchSource[];
  /** The columns that were promoted for a source. */
  readonly promoted: (source: string) => Promise<readonly WantedColumn[]>;
  readonly open: (member: Candidate) => ReturnType<OpenObject>;
  readonly spill: Spill;
  readonly tables: IcebergTables;
  readonly days: EventDays;
  readonly now: () => Date;
  /** A name that no other attempt has. */
  readonly newAttempt: () => string;
  /** True if a service failed, and not what was asked of it: the batch is not to blame. */
  readonly isServiceError: (error: unknown) => boolean;
  /** True if this invocation has no time to go on. */
  readonly outOfTime: () => boolean;
}

/** The invocation's time ended before the batch did. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

/** A member of a batch that is to be written again is not there any more: its rows must stay as they are. */
export class ReloadError extends Error {
  override readonly name = 'ReloadError';
}

/** How an attempt ended. */
export type WriteResult =
  | { readonly outcome: 'written'; readonly published: Published }
  /** Its files wait for the commits of their Iceberg tables. */
  | { readonly outcome: 'stored' }
  /** The batch was split, or its only member is a dead letter. */
  | { readonly outcome: 'given_up' }
  /** Others have done what there was to do, or the planner must do something first. */
  | { readonly outcome: 'nothing_to_do' };

/**
 * Does what is to be done with a batch.
 *
 * @throws what failed the attempt, which counts unless a service did it
 */
export async function writeBatch(id: string, ports: WritePorts): Promise<WriteResult> {
  const { ledger, lake } = ports;
  const batch = await ledger.read(id);
  if (batch && SEALED.includes(batch.state)) return await publishSealed(batch, ports);
  if (batch?.state !== BATCH.open && batch?.state !== BATCH.failing) return { outcome: 'nothing_to_do' };
  const candidates = await lake.getList<Candidate[]>(candidatesKey(batch));
  const members = await ledger.membersOf(id, candidates);
  if (batch.state === BATCH.failing) {
    await finishFailing(batch, members, ports);
    return { outcome: 'given_up' };
  }
  if (batch.attempts >= MAX_ATTEMPTS) {
    await giveUp(batch, members, ports);
    return { outcome: 'given_up' };
  }
  const before = batch.before === undefined ? undefined : await lake.findList<AttemptList>(batch.before);
  // If the process dies after this, the attempt counts: the batch may be what killed it.
  const attempt = ports.newAttempt();
  if (!(await ledger.beginAttempt(batch, attempt, ports.now().toISOString()))) return { outcome: 'nothing_to_do' };
  // A reload leaves rows in the tables that have them.
  const isReload = batch.before !== undefined;
  const tables = isReload ? HIVE_ONLY : ports.tables;
  const isAnew = batch.generation > 1 && !isReload;
  const { spill, openFile } = ports;
  const replaces = before && new Set(before.files.map((file) => file.key));
  const files = new BatchFiles({ batch: id, attempt, isAnew, replaces, lake, spill, openFile, tables });
  const key = attemptKey(batch, attempt);
  let list: AttemptList;
  try {
    if (isReload) requireMembersOf(batch, before, members);
    list = await writeFiles(batch, members, files, ports);
    await lake.putList(key, list);
  } catch (error) {
    // No seal names this attempt: none was asked for.
    await files.abort().catch(() => undefined);
    if (ports.isServiceError(error)) await ledger.forgiveAttempt(batch, attempt);
    throw error;
  }
  // If the answer is lost, the attempt may be the one: its uploads stay. The next attempt reads whom the seal names.
  const sealed = await ledger.seal(batch, key, sealedAs(list), ports.now().toISOString());
  if (sealed?.attempt !== key) await files.abort();
  return sealed ? await publishSealed(sealed, ports) : { outcome: 'nothing_to_do' };
}

const SEALED: readonly BatchState[] = [BATCH.sealed, BATCH.storing, BATCH.stored];

async function publishSealed(batch: Batch, ports: WritePorts): Promise<WriteResult> {
  if (isPublishable(batch)) return { outcome: 'written', published: await publish(batch, ports) };
  if (isToBeRenewed(batch, ports.now().getTime())) await renewFiles(batch, ports.lake);
  if (batch.state !== BATCH.storing) return { outcome: 'nothing_to_do' };
  await store(batch, ports);
  return { outcome: 'stored' };
}

const HIVE_ONLY: IcebergTables = { of: async () => undefined };

/** Reads the members in their order and uploads what comes of them. */
async function writeFiles(
  batch: Batch,
  members: readonly Candidate[],
  files: BatchFiles,
  ports: WritePorts,
): Promise<AttemptList> {
  const configured = ports.sources.find(({ settings }) => settings.name === batch.source);
  if (!configured) throw new Error(`batch ${batch.id}: expected a source of this stack, got ${batch.source}`);
  // One set of columns for the whole batch: what is promoted meanwhile is in extra, in all of its rows.
  const promoted = canPromote(configured.settings) ? await ports.promoted(batch.source) : [];
  const source = evolvedSource(configured, promoted);
  const results: MemberResult[] = [];
  const loads: string[] = [];
  const latest = new Map<string, Version>();
  const counter = isEvolving(source.settings) ? new KeyCounter() : undefined;
  const divider = dividerOf(source, batch, ports);
  for (const candidate of members) {
    const origin = originOf(objectInputKey(batch.source, candidate));
    const ended = await writeMember({ source, candidate, origin, files, loads, latest, counter, divider }, ports);
    if (batch.before !== undefined && ended.outcome !== 'loaded') {
      throw new ReloadError(`batch ${batch.id}: expected every member, got ${ended.outcome} for ${candidate.key}`);
    }
    results.push({ candidate, origin, ended });
  }
  const day = ports.days.dayOf(ports.now().getTime());
  const uploaded = await files.finish(loads, day);
  return { ...uploaded, members: results, day, ...(counter && { unknown: counter.result() }) };
}

/**
 * A member whose entry has expired is none any more: its rows would be missing from the next generation. A member that was not
 * loaded is loaded by another batch once it is announced again, so this one must not have its rows.
 */
function requireMembersOf({ id }: Batch, before: AttemptList | undefined, members: readonly Candidate[]): void {
  if (!before) throw new ReloadError(`batch ${id}: expected the list of what it has written before, got none`);
  const loaded = loadedIn(before);
  const missing = without(loaded, members)[0];
  if (missing) throw new ReloadError(`batch ${id}: expected every member, the ledger forgot ${missing.key}`);
  const other = without(members, loaded)[0];
  if (other) throw new ReloadError(`batch ${id}: expected members that were loaded before, got ${other.key}`);
}

interface MemberWork {
  readonly source: BatchSource;
  readonly candidate: Candidate;
  readonly origin: string;
  readonly files: BatchFiles;
  /** Rows of `loads`, to which the member's is added. */
  readonly loads: string[];
  /** The latest versions that members of this batch are, by the id of their key. */
  readonly latest: Map<string, Version>;
  /** Counts what is no column; undefined if the source's schema does not evolve. */
  readonly counter: KeyCounter | undefined;
  readonly divider: RowDivider;
}

async function writeMember(work: MemberWork, ports: WritePorts): Promise<MemberEnd> {
  const { source, candidate, origin, loads } = work;
  const open = () => ports.open(candidate);
  const startedAt = ports.now();
  const body = await bodyOf(open).catch((error: unknown) => {
    if (error instanceof RefusedError) return error;
    throw error;
  });
  if (body === 'replaced') return { outcome: 'replaced' };
  const batcher = new LineBatcher({
    source: source.settings.name,
    origin,
    format: source.format,
    lane: source.settings.lane,
    exported: isExported(source.settings),
    keepRaw: source.settings.keepRaw,
    shared: source.format.keyFacts?.(candidate.key) ?? new Map<string, string>(),
    now: ports.now,
  });
  const addLoadsRow = (more: VersionMarks & { readonly not_loaded?: UnavailableReason }) => {
    const { bucket, key, etag } = candidate;
    const facts = { kind: 'object', bucket, object_key: key, etag };
    const row = { ...facts, ...summary(source.settings.name, batcher, startedAt, ports.now()), ...more };
    loads.push(loadsRow(origin, row));
    return row;
  };
  if (isUnavailable(body) || body instanceof RefusedError) {
    const waited = askAgain(candidate.waited);
    if (waited) return { outcome: 'unavailable', waited };
    if (body instanceof RefusedError) return { outcome: 'refused', detail: body.message };
    addLoadsRow({ not_loaded: body });
    return { outcome: 'not_loaded', reason: body };
  }
  const { sequencer } = candidate;
  const version = { origin, openedAt: startedAt.getTime(), ...(sequencer !== undefined && { sequencer }) };
  const take = rowsTaker(work, ports);
  const taken = async () => {
    await take(batcher.takeFullBatches());
    if (ports.outOfTime()) throw new OutOfTimeError(`${candidate.key}: expected the batch to end within the timeout`);
    return true;
  };
  await readObject(batcher, body, open, taken, source.settings.lane);
  await take(batcher.takeRemaining());
  const row = addLoadsRow(await marksOf(work, version, ports));
  const { counts, reasons } = batcher;
  return { outcome: 'loaded', counts, reasons: Object.fromEntries(reasons), version, row };
}

/** A reload leaves rows in the tables that have them: those of Hive are not divided. */
function dividerOf({ settings, format, fanOut }: BatchSource, { before }: Batch, { days }: WritePorts): RowDivider {
  const table = sourceTable(settings.name, '', format.columns, settings.lane, isExported(settings));
  const tables = before === undefined ? fanOut : undefined;
  return new RowDivider(days.keeping(settings.retentionDays), table, format.columns, tables);
}

/** Appends rows to the files of their tables and days, and rejected lines to those of today. */
function rowsTaker({ candidate, files, counter, divider }: MemberWork, { days, now }: WritePorts) {
  const objectDay = days.dayOf(Date.parse(candidate.modified));
  const today = days.dayOf(now().getTime());
  return async (batches: ReturnType<LineBatcher['takeFullBatches']>): Promise<void> => {
    for (const { rows, rejected, times } of batches) {
      counter?.add(rows, times.rows);
      for (const part of divider.divide(rows, times, objectDay)) await files.append(part.table, part.day, part.rows);
      for (const record of rejected) await files.append(rejectedTable, today, record);
      recycle(rows);
      recycle(rejected);
    }
  };
}

/**
 * What the row of `loads` says about other versions of the object. They are only read here: publishing remembers this
 * version, after the row is visible.
 */
async function marksOf({ source, candidate, latest }: MemberWork, version: Version, { ledger }: WritePorts) {
  const id = keyItemId(source.settings.name, candidate);
  // Whoever has the item of the key is its first version: publishing looks whether there are others by now.
  const before = latest.get(id) ?? (candidate.id === id ? undefined : await ledger.latestVersion(id));
  const marks = versionMarks(version, before);
  if (!marks.replaced_by) latest.set(id, version);
  return marks;
}
