/**
 * The part of reconciling (reconcile.ts) that is about entries: which objects have rows in the tables, and whether the
 * ledger knows them as members of the batches that have these rows.
 */
import { type EntryPlaces, entryPlaces } from '../loading/input.ts';
import { STATE } from '../loading/ledger.ts';
import { type AttemptList, type ListedAmendment, loadedIn } from './attempt-list.ts';
import { BATCH, type Batch, type Candidate, candidatesKey } from './batch.ts';
import type { BatchLedger, LakeFiles } from './ports.ts';
import { LedgerSetBackError } from './set-back.ts';

/** Entries of objects, as reconciling uses them. Each write may be repeated. */
export interface EntriesLedger {
  /** Entries of objects, by their own ids, as far as there are any. */
  entriesOf(places: readonly EntryPlaces[]): Promise<ReadonlyMap<string, KnownEntry>>;
  /** Makes an object a member of a batch, unless it is one of some batch other than `ended`. */
  settle(batch: Pick<Batch, 'id' | 'source'>, member: Candidate, ended?: string): Promise<void>;
}

/** The entry of an object, wherever it is. */
export interface KnownEntry extends Pick<Candidate, 'id' | 'round'> {
  readonly state: string;
  readonly batch?: string | undefined;
}

/** A batch as its commits have it. */
export interface CommittedBatch {
  readonly attempt: string;
  readonly list: AttemptList;
  /** Places of tables that have its files. */
  readonly tables: Set<number>;
}

export interface AmendmentPorts {
  /** Notes what operations have changed of origins, as far as the ledger does not know it. It may be repeated. */
  readonly noteAmendments: (amendments: readonly ListedAmendment[]) => Promise<void>;
}

interface Ports {
  readonly ledger: Pick<BatchLedger, 'read'> & EntriesLedger;
  readonly lake: Pick<LakeFiles, 'findList' | 'putList'>;
}

export interface Entries {
  /** Objects with rows in the tables that the ledger knows as members of no batch, or of one that has ended or is not known. */
  readonly unsettled: readonly { readonly batch: string; readonly member: Candidate; readonly ended?: string }[];
  /** Batches that were made of such objects since, and can be closed. */
  readonly closing: readonly Batch[];
  /** The same that are being written. */
  readonly busy: readonly string[];
  /** Batches whose objects are all members of theirs, with the entries of these, by their own ids. */
  readonly settled: ReadonlyMap<string, ReadonlyMap<string, KnownEntry>>;
}

/** @throws LedgerSetBackError if rows are there twice already */
export async function entriesIn(
  source: string,
  batches: ReadonlyMap<string, CommittedBatch>,
  { ledger }: Ports,
): Promise<Entries> {
  const unsettled: { batch: string; member: Candidate; ended?: string }[] = [];
  const others = new Map<string, Batch | undefined>();
  const settled = new Map<string, ReadonlyMap<string, KnownEntry>>();
  for (const [id, { list }] of batches) {
    const members = loadedIn(list).map((member) => ({ member, places: entryPlaces(source, member) }));
    const entries = await ledger.entriesOf(members.map(({ places }) => places));
    let own = 0;
    for (const { member, places } of members) {
      const entry = entries.get(places.id);
      if (entry?.state !== STATE.batched) unsettled.push({ batch: id, member });
      else if (entry.batch === undefined || batches.has(entry.batch)) own++;
      else {
        const other = others.get(entry.batch) ?? (await ledger.read(entry.batch));
        others.set(entry.batch, other);
        // Nobody writes a batch that the ledger does not know.
        if (!other || ENDED.includes(other.state)) unsettled.push({ batch: id, member, ended: entry.batch });
      }
    }
    if (own === members.length) settled.set(id, entries);
  }
  const open = [...others.values()].filter((batch) => batch !== undefined && !ENDED.includes(batch.state)) as Batch[];
  const written = open.find(({ state }) => state === BATCH.written);
  if (written) throw unclear(written.id, 'it has objects that were committed by other batches, and is written');
  const [closing, busy] = [open.filter(isStored), open.filter((batch) => !isStored(batch))];
  return { unsettled, closing, busy: busy.map(({ id }) => id), settled };
}

const ENDED: readonly string[] = [BATCH.failed, BATCH.halved];

function isStored({ state }: Batch): boolean {
  return state === BATCH.stored;
}

/**
 * Has the lists of a batch say where the entries of its members are, for whoever writes it anew one day: after the ledger
 * was set back, another version may have been the first one to be announced. No function reads these lists now.
 */
export async function noteEntries(
  batch: Pick<Batch, 'id' | 'source'>,
  { attempt, list }: Pick<CommittedBatch, 'attempt' | 'list'>,
  entries: ReadonlyMap<string, KnownEntry>,
  { lake }: Pick<Ports, 'lake'>,
): Promise<void> {
  const noted = <Member extends Candidate>(member: Member): Member => {
    const { id, round } = entries.get(entryPlaces(batch.source, member).id) ?? member;
    return { ...member, id, round };
  };
  const isSame = list.members.every(({ candidate }) => {
    const { id, round } = noted(candidate);
    return id === candidate.id && round === candidate.round;
  });
  if (isSame) return;
  // The list of the attempt is last, because it says whether this was done: if the process dies before, all is done again.
  const candidates = await lake.findList<Candidate[]>(candidatesKey(batch));
  if (candidates) await lake.putList(candidatesKey(batch), candidates.map(noted));
  const members = list.members.map((member) => ({ ...member, candidate: noted(member.candidate) }));
  await lake.putList(attempt, { ...list, members });
}

export function unclear(batch: string, why: string): LedgerSetBackError {
  return new LedgerSetBackError(
    `batch ${batch}: ${why}: rows may be there twice, which origin and position show; nothing more was changed`,
  );
}
