import { STATE } from '../../lambdas/core/loading/ledger.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { objectsOf as objectsIn } from '../../lambdas/core/settings.ts';
import { LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { LAKE } from '../../lib/names.ts';
import { type Books, readBooks } from './audit-books.ts';
import type { LakeHandle, ResultRow } from './lake-handle.ts';
import { type Entry, entriesOf, MAX_BATCH_GET, release, reopen } from './ledger-entries.ts';
import { announce, asSourceObject, listObjects, MAX_BATCH_MESSAGES, type SourceObject } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';

/** A problem that the audit found. */
export interface Finding {
  /**
   * missing: no load of the object was ever started, or S3 did not give it then and would now. unfinished: a load was
   * started but not finished. unbalanced: the object was loaded, but the tables do not contain what `loads` says. damaged:
   * a file of a local lake that could not be read and was set aside.
   */
  readonly finding: 'missing' | 'unfinished' | 'unbalanced' | 'damaged';
  readonly origin: string;
  readonly source: string;
  /** `s3://bucket/key`, the log group and stream, or the path of a damaged file. */
  readonly what: string;
  readonly detail: string;
}

/** Result of an audit. objects = balanced + unbalanced + unfinished + missing + notLoaded. */
export interface Audit {
  /** Objects and payloads. */
  readonly objects: number;
  readonly balanced: number;
  readonly unbalanced: number;
  readonly unfinished: number;
  readonly missing: number;
  /** Objects that were deleted or archived before they were loaded: `loads` says so, and nothing can be mended. */
  readonly notLoaded: number;
  /** Files of a local lake that were set aside, until they are deleted. */
  readonly damaged: number;
  /** Too recent to judge: rows that Firehose has acknowledged may not be in the tables yet. */
  readonly recent: number;
  /** Objects that `fix` announced to the queue; in a dry run, objects that it would have announced. */
  readonly queued: number;
  readonly findings: readonly Finding[];
}

/** What to audit, and whether to repair it. */
export interface AuditTask {
  /** Audit only objects modified, and loads started, at or after this time. */
  readonly since?: Date;
  readonly fix: boolean;
}

/** Compares objects, ledger, `loads` and tables. With `fix`, the objects with problems are loaded again. */
export async function audit(lake: LakeHandle, task: AuditTask, options: OperationOptions): Promise<Audit> {
  const settled = lake.settledBefore();
  const books = await readBooks(lake, task, settled, options);
  const queue = new FixQueue(lake, task.fix, options);
  const progress = options.progress('objects');
  const found = new Found();
  for (const source of lake.sources) {
    for await (const objects of objectsOf(lake, source, task)) {
      await auditObjects({ lake, books, settled, found, queue }, objects);
      progress.add(objects.length);
    }
  }
  progress.end();
  await queue.flush();
  for (const [origin, { row, problem }] of books.loads) {
    // Loads of expired objects and of payloads, which the listing of objects cannot contain.
    if (books.seen.has(origin)) continue;
    if (problem !== undefined) found.add(finding('unbalanced', origin, row, problem));
    else found.addGood(row);
  }
  await failedEvents(lake, found);
  damagedFiles(lake, found);
  const damaged = found.count('damaged');
  return {
    objects: found.balanced + found.notLoaded + found.findings.length - damaged,
    balanced: found.balanced,
    unbalanced: found.count('unbalanced'),
    unfinished: found.count('unfinished'),
    missing: found.count('missing'),
    notLoaded: found.notLoaded,
    damaged,
    recent: found.recent + books.recent,
    queued: queue.queued,
    findings: found.findings,
  };
}

class Found {
  balanced = 0;
  notLoaded = 0;
  recent = 0;
  readonly findings: Finding[] = [];

  /** Adds a load whose counts agree. Of an object that was replaced, another version is there to be loaded. */
  addGood({ not_loaded }: ResultRow): void {
    if (not_loaded === null || not_loaded === STATE.replaced) this.balanced++;
    else this.notLoaded++;
  }

  add(finding: Finding): void {
    this.findings.push(finding);
  }

  count(kind: Finding['finding']): number {
    return this.findings.filter(({ finding: each }) => each === kind).length;
  }
}

/** The objects of a source that are audited, page by page. */
async function* objectsOf(
  lake: LakeHandle,
  { settings }: Source,
  { since }: AuditTask,
): AsyncGenerator<SourceObject[]> {
  const objects = objectsIn(settings);
  if (!objects) return;
  const { name } = settings;
  const { bucket, prefix = '' } = objects;
  for await (const page of listObjects(lake, { bucket, prefix })) {
    const own = page
      .filter(({ lastModified }) => !since || lastModified >= since)
      .map((object) => asSourceObject(lake, object))
      .filter((object) => object !== undefined)
      .filter(({ source }) => source.settings.name === name);
    for (let at = 0; at < own.length; at += MAX_BATCH_GET) yield own.slice(at, at + MAX_BATCH_GET);
  }
}

interface Auditing {
  readonly lake: LakeHandle;
  readonly books: Books;
  readonly settled: Date;
  readonly found: Found;
  readonly queue: FixQueue;
}

async function auditObjects({ lake, books, settled, found, queue }: Auditing, objects: readonly SourceObject[]) {
  const unknown: SourceObject[] = [];
  for (const object of objects) {
    const { origin } = object;
    const load = books.loads.get(origin);
    books.seen.add(origin);
    if (load?.problem !== undefined) {
      found.add(finding('unbalanced', origin, load.row, load.problem));
      await queue.add(object);
    } else if (load && load.row.not_loaded !== null && !object.object.archived) {
      found.add(finding('missing', origin, load.row, THERE_AGAIN[String(load.row.not_loaded)] ?? ''));
      await queue.add(object);
    } else if (load) found.addGood(load.row);
    else if (!books.young.has(origin)) unknown.push(object);
  }
  const entries = await entriesOf(lake, unknown);
  for (const each of unknown) {
    const entry = entries.get(each.id);
    const judged = judge(entry, each, settled);
    if (!judged) found.recent++;
    else {
      const { bucket, key } = each.object;
      found.add({
        ...judged,
        origin: each.origin,
        source: each.source.settings.name,
        what: `s3://${bucket}/${key}`,
      });
      await queue.add(each);
    }
  }
}

/** Details of objects that can be loaded now, by the state in which the attempt to load them ended. */
const THERE_AGAIN: Readonly<Record<string, string>> = {
  [STATE.replaced]: 'another object had replaced it when it was to be read, but now it is in the bucket again',
  [STATE.gone]: 'it had been deleted when it was to be read, but now it is in the bucket again',
  [STATE.archived]: 'it was archived when it was to be read, but now it is restored',
};

/** Details of objects whose rows are not there yet on the direct lane, by the state of their entries. */
const ON_DIRECT_LANE: Readonly<Record<string, string>> = {
  [STATE.waiting]: 'waits for a batch',
  [STATE.batched]: 'is in a batch whose files are not written, or not committed to their Iceberg table',
  [STATE.failed]: 'three attempts to write it failed, so it is a dead letter: lake redrive has it tried again',
};

/** The problem of an object that has no row in `loads`, or undefined if the object is too recent to judge. */
function judge(
  entry: Entry | undefined,
  { object }: SourceObject,
  settled: Date,
): Pick<Finding, 'finding' | 'detail'> | undefined {
  if ((entry?.claimedAt ?? object.lastModified) > settled) return undefined;
  if (!entry) return { finding: 'missing', detail: 'no load was started' };
  if (entry.state === STATE.loading)
    return {
      finding: 'unfinished',
      detail: `started${entry.claimedAt ? ` at ${entry.claimedAt.toISOString()}` : ''} and not finished`,
    };
  const direct = ON_DIRECT_LANE[entry.state];
  if (direct !== undefined) return { finding: 'unfinished', detail: direct };
  const detail = THERE_AGAIN[entry.state];
  if (detail !== undefined) return { finding: 'missing', detail };
  return { finding: 'unbalanced', detail: `the ledger says ${entry.state}, ${LOADS} has no row for it` };
}

function finding(kind: Finding['finding'], origin: string, row: ResultRow, detail: string): Finding {
  const what = row.object_key === null ? `${row.log_group} ${row.log_stream}` : `s3://${row.bucket}/${row.object_key}`;
  return { finding: kind, origin, source: String(row.source), what, detail };
}

/** Adds the payloads that Lambda gave up on. They are kept in the lake bucket; `redrive` loads them. */
async function failedEvents(lake: LakeHandle, found: Found): Promise<void> {
  for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix: LAKE.failedEvents })) {
    for (const { bucket, key } of page) {
      const detail = 'log events that Lambda gave up on; lake redrive loads them';
      found.add({ finding: 'unfinished', origin: '', source: '', what: `s3://${bucket}/${key}`, detail });
    }
  }
}

/** Adds the files that were set aside. Objects that they stood for are findings of their own; log events are not. */
function damagedFiles(lake: LakeHandle, found: Found): void {
  for (const { file, what } of lake.damaged()) {
    const detail = `could not be read and was set aside; it stood for ${what}; load the files of lost log events again, then delete this one`;
    found.add({ finding: 'damaged', origin: '', source: '', what: file, detail });
  }
}

/** Announces objects to be loaded again, in batches of one SQS request. */
class FixQueue {
  queued = 0;
  readonly #lake: LakeHandle;
  readonly #fix: boolean;
  readonly #options: OperationOptions;
  #objects: SourceObject[] = [];

  constructor(lake: LakeHandle, fix: boolean, options: OperationOptions) {
    this.#lake = lake;
    this.#fix = fix;
    this.#options = options;
  }

  /** Reopens entries that are marked done (their rows will repeat) and releases entries whose holder crashed. */
  async add(object: SourceObject): Promise<void> {
    if (!this.#fix) return;
    this.queued++;
    if (this.#options.dryRun) return;
    await this.#options.rateLimit();
    await release(this.#lake, object.id);
    await reopen(this.#lake, object.id);
    this.#objects.push(object);
    if (this.#objects.length === MAX_BATCH_MESSAGES) await this.flush();
  }

  async flush(): Promise<void> {
    const objects = this.#objects;
    this.#objects = [];
    if (objects.length > 0) await announce(this.#lake, objects, false);
  }
}
