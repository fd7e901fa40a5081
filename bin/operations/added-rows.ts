/**
 * Rows that an operation adds to tables of the direct lane, exactly once: files of a batch without members, which hold
 * the rows and the corrected counts of their origins in `loads`.
 *
 *   files uploaded, not completed ─► each origin: amendment pending, in the ledger ─► loads rows ─► list of the attempt
 *     ─► batches of the origins: held (loaded-by.ts) ─► batch: sealed, if there is none of its id ─► each origin: noted
 *
 * The planner has a sealed batch published like any other. If the process dies:
 *
 *   before the seal     the uploads are never completed; who finds a pending amendment next closes its batch, so that it
 *                       is never sealed, and begins anew
 *   the answer is lost  the ledger says whom the batch names
 *   after the seal      the rows come; who finds a pending amendment next notes it as done
 *
 * Two operations at once are decided in the same way: one of them closes the batch of the other, which then says so.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { type AttemptList, sealedAs } from '../../lambdas/core/direct/attempt-list.ts';
import { attemptKey } from '../../lambdas/core/direct/batch.ts';
import { BatchFiles } from '../../lambdas/core/direct/batch-files.ts';
import { EventDays } from '../../lambdas/core/direct/event-days.ts';
import type { Spill } from '../../lambdas/core/direct/ports.ts';
import { RowDivider } from '../../lambdas/core/direct/rows-by-table.ts';
import { replacedBy } from '../../lambdas/core/iceberg/find-metadata.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { openParquetFile } from '../../lambdas/core/parquet/file.ts';
import type { DirectSettings } from '../../lambdas/core/settings.ts';
import type { FanOutTables } from '../../lambdas/core/tables/fan-out.ts';
import { rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { type AddedBatch, type AddedBatches, addedBatches } from '../../lambdas/edges/added-batches.ts';
import { icebergTables } from '../../lambdas/edges/iceberg-tables.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { keepingLostTables } from '../../lambdas/edges/lost-tables.ts';
import { diskSpill } from '../../lambdas/edges/spill.ts';
import { CommandError } from '../output/command-error.ts';
import { amendedRow, changes, merged } from './amend.ts';
import {
  type Amendment,
  listed,
  type Noted,
  note,
  noted,
  OvertakenError,
  type PendingAmendment,
} from './amendment-notes.ts';
import { divisionOf, type LakeHandle, type ResultRow, tableOf } from './lake-handle.ts';
import type { LoadedBatch } from './loaded-by.ts';

/** Whether rows are added to the tables of a source in this way. */
export function isDirect({ settings }: Source): boolean {
  return settings.delivery === 'direct';
}

export function batchesOf({ dynamodb, ledgerTable, ledgerDays }: LakeHandle): AddedBatches {
  return addedBatches(dynamodb, { table: ledgerTable, entryDays: ledgerDays });
}

/**
 * What the ledger has noted of an origin, after it is decided what becomes of a pending amendment.
 *
 * @param base the row that the origin's load wrote to `loads`
 * @param dryRun true: decide and write nothing, only say what would be noted now
 */
export async function decided(lake: LakeHandle, base: ResultRow, dryRun: boolean): Promise<Noted> {
  const { pending, ...found } = await noted(lake, base);
  if (!pending) return found;
  const batches = batchesOf(lake);
  const batch = dryRun
    ? await batches.read(pending.batch)
    : await batches.close({ id: pending.batch, source: String(base.source), since: new Date().toISOString() });
  const amendment = batch?.attempt === pending.attempt ? pending.amendment : found.amendment;
  return dryRun ? { ...found, amendment } : await note(lake, base, { ...found, amendment });
}

/** The id of a batch that no other process makes. */
export function newBatchId(now: Date): string {
  return `${now.toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(6).toString('hex')}`;
}

/** An origin whose counts change by what is added. */
export interface Amended {
  /** The row that the origin's load wrote to `loads`. */
  readonly base: ResultRow;
  /** What `decided` has given: if the ledger has noted more since, nothing is added. */
  readonly before: Noted;
  readonly more: Amendment;
  /** The batch that has loaded the origin; undefined if none has, or the ledger has forgotten it. */
  readonly batch?: LoadedBatch | undefined;
}

/**
 * Sees to it that batches are not written anew without notice of the amendments that the ledger has noted of their origins by now.
 *
 * @throws OvertakenError if one of them was opened since it was read
 */
export async function takeHold(lake: LakeHandle, batches: Iterable<LoadedBatch>): Promise<void> {
  const attempts = new Map([...batches].map(({ id, attempt }) => [id, attempt]));
  for (const [id, attempt] of attempts) {
    if (await batchesOf(lake).amend({ id, attempt })) continue;
    throw new OvertakenError(
      `batch ${id}: another operation has it written anew; run this one again when that is done`,
    );
  }
}

/** A source, and how its rows are divided among tables, if they are. */
type DividedSource = Source & { readonly fanOut?: FanOutTables };

export class AddedRows {
  readonly #lake: LakeHandle;
  readonly #batch: AddedBatch;
  readonly #days: EventDays;
  readonly #divider: RowDivider;
  readonly #files: BatchFiles;
  readonly #attempt = randomUUID();
  readonly #amended: Amended[] = [];

  private constructor(lake: LakeHandle, source: DividedSource, id: string, spill: Spill) {
    const now = new Date();
    const { timeZone, retentionDays } = directOf(lake);
    this.#lake = lake;
    this.#batch = { id, source: source.settings.name, since: now.toISOString() };
    this.#days = new EventDays(timeZone, retentionDays, now.getTime());
    const { settings, format, fanOut } = source;
    this.#divider = new RowDivider(this.#days.keeping(settings.retentionDays), tableOf(source), format.columns, fanOut);
    const files = s3LakeFiles(lake.s3, lake.lakeBucket);
    const catalog = lake.catalog && keepingLostTables(lake.catalog, lake.s3);
    const tables = icebergTables(catalog, lake.lakeBucket, [source]);
    this.#files = new BatchFiles({
      batch: id,
      attempt: this.#attempt,
      lake: files,
      spill,
      openFile: openParquetFile,
      tables,
    });
  }

  /**
   * Begins a batch, has it filled, and seals it.
   *
   * @param id of the batch
   * @param fill adds the rows
   * @throws CommandError if the rows of the source are divided, and it cannot be known how
   * @throws OvertakenError if another operation has closed the batch, or amends one of the origins
   */
  static async write(
    lake: LakeHandle,
    source: Source,
    id: string,
    fill: (rows: AddedRows) => Promise<void>,
  ): Promise<void> {
    const fanOut = await divisionOf(lake, source);
    const spill = await diskSpill();
    const rows = new AddedRows(lake, { ...source, ...(fanOut && { fanOut }) }, id, spill);
    try {
      await fill(rows);
      await rows.#seal();
    } finally {
      await spill.remove();
    }
  }

  /** Adds rows to the tables that they belong to, under the days of their events. @param otherwise when a row without a time came */
  async append(rows: readonly string[], otherwise: Date): Promise<void> {
    const packed = Buffer.from(rows.join(''));
    for (const part of this.#divider.divide([packed], undefined, this.#days.dayOf(otherwise.getTime()))) {
      await this.#files.append(part.table, part.day, part.rows);
    }
  }

  /** Adds rows to `rejected_lines`. */
  async reject(rows: readonly string[]): Promise<void> {
    if (rows.length > 0) await this.#files.append(rejectedTable, this.#today, Buffer.from(rows.join('')));
  }

  /** Corrects the counts of an origin by what is added. */
  amend(amended: Amended): void {
    this.#amended.push(amended);
  }

  get #today(): string {
    return this.#days.dayOf(Date.now());
  }

  async #seal(): Promise<void> {
    const lake = s3LakeFiles(this.#lake.s3, this.#lake.lakeBucket);
    const attempt = attemptKey(this.#batch, this.#attempt);
    let list: AttemptList;
    const pending: (Pick<Amended, 'base' | 'batch'> & { readonly now: Noted; readonly then: Amendment })[] = [];
    try {
      for (const { base, before, more, batch } of this.#amended) {
        const then = merged(before.amendment, more);
        if (!changes(before.amendment, then)) continue;
        const mine: PendingAmendment = { batch: this.#batch.id, attempt, amendment: then };
        pending.push({ base, now: await note(this.#lake, base, { ...before, pending: mine }), then, batch });
      }
      const loads = pending.map(({ base, then }) => amendedRow(base, then));
      const uploaded = await this.#files.finish(loads, this.#today);
      const amendments = pending.map(({ base, then }) => listed(base, then));
      list = { ...uploaded, members: [], day: this.#today, amendments };
      await lake.putList(attempt, list);
      const loaded = pending.flatMap(({ batch }) => batch ?? []);
      await takeHold(this.#lake, loaded);
      await this.#refuseReplaced(list, loaded);
    } catch (error) {
      await this.#files.abort().catch(() => undefined);
      throw error;
    }
    const sealed = await batchesOf(this.#lake).seal(this.#batch, attempt, sealedAs(list));
    if (sealed.attempt !== attempt) {
      await this.#files.abort();
      throw new OvertakenError(`batch ${this.#batch.id}: another operation has closed it; run this one again`);
    }
    for (const { base, now, then } of pending) {
      const done = new Set(then.rows);
      const begun = now.begun.filter((position) => !done.has(position));
      await note(this.#lake, base, { amendment: then, begun, version: now.version });
    }
  }

  /**
   * The lines of a batch that was written for a former table are read again into the one in its place, which the files are for.
   *
   * @throws OvertakenError if one of the batches is to be read again
   */
  async #refuseReplaced({ tables = [] }: AttemptList, loaded: readonly LoadedBatch[]): Promise<void> {
    for (const { name } of tables) {
      const table = await this.#lake.catalog?.load(name);
      const replaced = new Set(table && replacedBy(table));
      const batch = loaded.find((each) => each.tables.some((uuid) => replaced.has(uuid)));
      if (!batch) continue;
      throw new OvertakenError(
        `table ${name}: lake rebuild --from landing has the rows of batch ${batch.id} read again; run this one again when that is done`,
      );
    }
  }
}

function directOf({ direct }: LakeHandle): DirectSettings {
  if (direct) return direct;
  throw new CommandError(
    'a source has "delivery": "direct", but the stack has no function that writes batches: deploy it again',
  );
}
