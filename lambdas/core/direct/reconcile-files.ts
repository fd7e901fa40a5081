/**
 * Tells a ledger that was set back to an earlier time what it has forgotten of batches whose rows are in files of Hive. No table says
 * which files it has: a file is in one if it is in the lake bucket. So the lists of attempts that were put since say what there may
 * be, and the files what there is:
 *
 *   lists of attempts ─► their files: completed, uploaded, or neither ─► the attempt that was sealed ─► objects whose rows are there
 *
 * 1. The entries of these objects are noted as members of their batches, so that nobody loads them again. One that another batch
 *    has which is not sealed is taken from it, after that batch was split: it can not be sealed any more, and its halves take
 *    what is left.
 * 2. The batches are put back as sealed, and the planner has them published again: what is completed is found as it is.
 * 3. When a pass finds nothing of this any more, the ledger's mark counts on (ledger-mark.ts), and the planner with it.
 *
 * Until then the planner plans nothing and sends nothing. Each step can be repeated: if the process dies, the command is run again.
 */

import { entryPlaces } from '../loading/input.ts';
import { STATE } from '../loading/ledger.ts';
import { eachOf } from './at-a-time.ts';
import { type AttemptList, loadedIn } from './attempt-list.ts';
import { BATCH, type Batch, type BatchState, type Candidate, candidatesKey, type UploadedFile } from './batch.ts';
import { countUp, isSetBack, type MarkPorts, marksOf } from './ledger-mark.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';
import { type AmendmentPorts, type EntriesLedger, type KnownEntry, noteEntries } from './reconcile-entries.ts';

/** What became of a file that an attempt has uploaded. */
export type FileState =
  /** It is there, with the same bytes. */
  | 'there'
  /** Its upload can be completed. */
  | 'uploaded'
  | 'gone';

/** The lists of a batch's attempts. */
export interface AttemptKeys {
  readonly batch: string;
  readonly attempts: readonly string[];
}

/** The ledger, as reconciling files uses it. Each write may be repeated. */
export interface FilesLedger extends Pick<BatchLedger, 'read' | 'claim' | 'advance' | 'waitAgain'>, EntriesLedger {
  /** Puts a batch as sealed, if it is still as it was read; undefined: if there is none. */
  putSealed(before: Batch | undefined, batch: SealedBatch): Promise<void>;
}

export type SealedBatch = Required<Pick<Batch, 'id' | 'source' | 'since' | 'attempt' | 'generation' | 'sealedAt'>> &
  Pick<Batch, 'before'>;

export interface ReconcileFilesPorts extends MarkPorts, AmendmentPorts {
  readonly ledger: FilesLedger;
  readonly lake: Pick<LakeFiles, 'findList' | 'putList'>;
  /** Batches of a source of which the list of an attempt was put since a time. */
  readonly attemptsSince: (source: string, since: Date) => AsyncIterable<AttemptKeys>;
  readonly stateOf: (file: UploadedFile) => Promise<FileState>;
}

/** What a pass has found, and done unless it was only to look. */
export interface ReconciledFiles {
  /** Whether the ledger's mark shows that it was set back. */
  readonly isSetBack: boolean;
  /** Batches of which an attempt was sealed since. */
  readonly batches: number;
  /** Objects that were noted as loaded, or wait again. */
  readonly objects: number;
  readonly putBack: readonly string[];
  /** Batches that had such objects, and cannot be sealed any more. */
  readonly closed: readonly string[];
  /** Batches that have rows which another batch has, too: nothing is changed of that. */
  readonly repeated: readonly string[];
  /** Nothing was left to be done, and the ledger is current. */
  readonly isDone: boolean;
}

/** Before the mark of the ledger: a writer's attempt may have been listed then, and sealed after it. */
const BEFORE_MS = 3_600_000;

/** Members that are noted, files that are looked at, and claims that are made at a time. */
const AT_A_TIME = 16;

export async function reconcileFiles(
  source: string,
  ports: ReconcileFilesPorts,
  dryRun: boolean,
): Promise<ReconciledFiles> {
  const marks = await marksOf(source, ports);
  const since = new Date(marks.inLedger ? Date.parse(marks.inLedger.at) - BEFORE_MS : 0);
  const pass = new Pass(source, ports, dryRun);
  for await (const keys of ports.attemptsSince(source, since)) await pass.look(keys);
  const { batches, objects, putBack, closed, repeated } = pass;
  const isDone = objects === 0 && putBack.length === 0 && closed.length === 0;
  if (isDone && !dryRun && isSetBack(marks)) await countUp(source, marks, ports);
  return { isSetBack: isSetBack(marks), batches, objects, putBack, closed, repeated: [...repeated], isDone };
}

/** An attempt that was sealed, as its files show. */
interface SealedAttempt {
  readonly key: string;
  readonly list: AttemptList;
  /** Key of the attempt that wrote the batch before, as far as its files are there, too. */
  readonly before?: string;
}

class Pass {
  batches = 0;
  objects = 0;
  readonly putBack: string[] = [];
  readonly closed: string[] = [];
  readonly repeated = new Set<string>();
  readonly #source: string;
  readonly #ports: ReconcileFilesPorts;
  readonly #dryRun: boolean;

  constructor(source: string, ports: ReconcileFilesPorts, dryRun: boolean) {
    this.#source = source;
    this.#ports = ports;
    this.#dryRun = dryRun;
  }

  async look(keys: AttemptKeys): Promise<void> {
    const { ledger } = this.#ports;
    const sealed = await this.#sealedOf(keys);
    if (!sealed) return;
    this.batches++;
    await this.#settle(keys.batch, sealed);
    // After the files: a batch that was sealed meanwhile is known by then.
    const known = await ledger.read(keys.batch);
    if (isKnown(known, sealed)) return await this.#letGo(keys.batch, sealed);
    this.putBack.push(keys.batch);
    if (!this.#dryRun) await this.#putBack(keys, known, sealed);
  }

  /**
   * Has candidates of a batch wait again that the sealed attempt does not have, because a generation before it has let them go: those
   * that the ledger has as its members, or that it would take from a batch of which it is a half. Only once it is sealed, so that no
   * attempt that has read them can be.
   */
  async #letGo(id: string, { list }: SealedAttempt): Promise<void> {
    const { ledger, lake, now } = this.#ports;
    const source = this.#source;
    const candidates = (await lake.findList<Candidate[]>(candidatesKey({ id, source }))) ?? [];
    const had = new Set(list.members.map(({ candidate }) => this.#ownId(candidate)));
    const others = candidates.filter((candidate) => !had.has(this.#ownId(candidate)));
    const entries = await this.#entriesOf(others);
    for (const other of others) {
      const entry = entries.get(this.#ownId(other));
      const holder = holderOf(entry);
      if (!entry || holder === undefined || !id.startsWith(holder)) continue;
      if (!this.#dryRun) await this.#close(holder);
      if (holder !== id && (await this.#heldBy(holder, other)) !== 'nothing') continue;
      this.objects++;
      const member = { ...other, id: entry.id, round: entry.round };
      if (!this.#dryRun) await ledger.waitAgain(holder, member, { source, since: now().toISOString() });
    }
  }

  /**
   * The last attempt of which files were completed, and whose other files can be: it was sealed, or another one was that has written the
   * same bytes, which is as good. Attempts with files of Iceberg tables are left to reconcile.ts.
   */
  async #sealedOf({ attempts }: AttemptKeys): Promise<SealedAttempt | undefined> {
    const { lake, stateOf } = this.#ports;
    const found: { readonly key: string; readonly list: AttemptList }[] = [];
    for (const key of attempts) {
      const list = await lake.findList<AttemptList>(key);
      if (!list || list.tables || list.files.length === 0) continue;
      const states = new Set<FileState>();
      await eachOf(list.files, AT_A_TIME, async (file) => void states.add(await stateOf(file)));
      if (states.has('there') && !states.has('gone')) found.push({ key, list });
    }
    const [last, before] = found.toSorted((a, b) => endOf(b.list) - endOf(a.list));
    return last && { ...last, ...(before && { before: before.key }) };
  }

  /**
   * Has the entries of a batch's members say so: of those whose rows it has, and of others as far as a batch has them that is not
   * sealed. These wait again, or say why they were not loaded, when the batch is published.
   */
  async #settle(batch: string, { list }: SealedAttempt): Promise<void> {
    const entries = await this.#entriesOf(list.members.map(({ candidate }) => candidate));
    await eachOf(list.members, AT_A_TIME, async ({ candidate, ended }) => {
      const holder = holderOf(entries.get(this.#ownId(candidate)));
      if (holder === batch) return;
      const isLoaded = ended.outcome === 'loaded';
      if (holder === undefined) {
        if (isLoaded) await this.#note(batch, candidate);
        return;
      }
      if (!this.#dryRun) await this.#close(holder);
      const has = await this.#heldBy(holder, candidate);
      if (has === 'rows' && isLoaded) this.repeated.add(holder);
      if (has === 'nothing' || (has === 'no rows' && isLoaded)) await this.#note(batch, candidate, holder);
    });
  }

  #ownId(member: Candidate): string {
    return entryPlaces(this.#source, member).id;
  }

  /** Entries of objects, by their own ids. */
  #entriesOf(members: readonly Candidate[]): Promise<ReadonlyMap<string, KnownEntry>> {
    return this.#ports.ledger.entriesOf(members.map((member) => entryPlaces(this.#source, member)));
  }

  async #note(batch: string, member: Candidate, from?: string): Promise<void> {
    this.objects++;
    if (!this.#dryRun) await this.#ports.ledger.settle({ id: batch, source: this.#source }, member, from);
  }

  /** What a batch has of a member: its rows, also if they are about to be visible; no rows of it; or nothing, as it is not sealed. */
  async #heldBy(holder: string, member: Candidate): Promise<'rows' | 'no rows' | 'nothing'> {
    const batch = await this.#ports.ledger.read(holder);
    const sealed = batch?.attempt ?? batch?.before;
    if (sealed === undefined) return 'nothing';
    const list = await this.#ports.lake.findList<AttemptList>(sealed);
    if (!list) return 'rows';
    return loadedIn(list).some((other) => this.#ownId(other) === this.#ownId(member)) ? 'rows' : 'no rows';
  }

  /** Sees to it that a batch is not sealed any more, if it is not; the planner gives what it has to its halves. */
  async #close(holder: string): Promise<void> {
    const { ledger, lake } = this.#ports;
    const batch = await ledger.read(holder);
    // A reload is never split: the rows of before are there.
    if (!batch || batch.before !== undefined) return;
    if (batch.state === BATCH.planned) {
      // As the planner: whoever claims for it, too, finds that all is claimed.
      const candidates = (await lake.findList<Candidate[]>(candidatesKey(batch))) ?? [];
      await eachOf(candidates, AT_A_TIME, (candidate) => ledger.claim(holder, candidate, batch.from));
      await ledger.advance(holder, BATCH.planned, BATCH.open);
    }
    if (await ledger.advance(holder, BATCH.open, BATCH.split)) this.closed.push(holder);
  }

  async #putBack(
    { batch: id, attempts }: AttemptKeys,
    known: Batch | undefined,
    { key: attempt, list, before }: SealedAttempt,
  ): Promise<void> {
    const { ledger, lake, now, noteAmendments } = this.#ports;
    await noteAmendments(list.amendments ?? []);
    const entries = await this.#entriesOf(list.members.map(({ candidate }) => candidate));
    await noteEntries({ id, source: this.#source }, { attempt, list }, entries, { lake });
    const at = now().toISOString();
    const former = known?.before ?? known?.attempt ?? before;
    await ledger.putSealed(known, {
      ...{ id, source: this.#source, attempt, sealedAt: at, since: known?.since ? known.since : at },
      // Greater than those of all that was forgotten, so that no late attempt of before is sealed.
      generation: Math.max(known?.generation ?? 0, attempts.length) + 1,
      ...(former !== undefined && former !== attempt && { before: former }),
    });
  }
}

/** The batch of which an object is a member. */
function holderOf(entry: KnownEntry | undefined): string | undefined {
  return entry?.state === STATE.batched ? entry.batch : undefined;
}

const SEALED: readonly BatchState[] = [BATCH.sealed, BATCH.storing, BATCH.stored, BATCH.written];

/** Whether the ledger knows that an attempt was sealed, or that it is being replaced. */
function isKnown(batch: Batch | undefined, { key }: SealedAttempt): boolean {
  if (!batch) return false;
  return SEALED.includes(batch.state) ? batch.attempt === key : batch.before === key;
}

/** When the last load of an attempt ended, milliseconds since the epoch. */
function endOf({ members }: AttemptList): number {
  return Math.max(
    0,
    ...members.map(({ ended }) => (ended.outcome === 'loaded' ? Date.parse(`${ended.row.finished_at}`) : 0)),
  );
}
