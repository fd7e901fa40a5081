/** The ledger of a world of the direct lane (direct-world.ts): in memory, with the conditions of the one in DynamoDB. */
import type { AttemptList } from '../../lambdas/core/direct/attempt-list.ts';
import { BATCH, type Batch, type Candidate } from '../../lambdas/core/direct/batch.ts';
import type { BatchLedger } from '../../lambdas/core/direct/ports.ts';
import type { ReconcileLedger } from '../../lambdas/core/direct/reconcile.ts';
import type { FilesLedger } from '../../lambdas/core/direct/reconcile-files.ts';
import { type EntryPlaces, entryPlaces } from '../../lambdas/core/loading/input.ts';
import type { LatestVersion } from '../../lambdas/core/loading/versions.ts';
import type { Request } from './world-tables.ts';

export interface Entry {
  id: string;
  round: number;
  state: string;
  source: string;
  object: Omit<Candidate, 'id' | 'round'>;
  /** Set while it waits. */
  since?: string | undefined;
  batch?: string | undefined;
}

/** What the item of a key says of versions: the one that it was made for, and the latest one. */
type KeyItem = { -readonly [Name in keyof LatestVersion]: LatestVersion[Name] } & {
  first?: string;
  standing?: string;
};

type StoredBatch = { -readonly [Key in keyof Batch]: Batch[Key] } & { attemptedBy?: string; indexed: boolean };

export class WorldLedger {
  readonly entries = new Map<string, Entry>();
  readonly batches = new Map<string, StoredBatch>();
  readonly keys = new Map<string, KeyItem>();
  readonly #lists: ReadonlyMap<string, string>;
  readonly #isStale: () => boolean;
  #past: { waiting: Entry[]; batches: StoredBatch[] } = { waiting: [], batches: [] };

  /**
   * @param lists the lists of the lake bucket, as JSON
   * @param isStale whether a read of the index is answered from the past
   */
  constructor(lists: ReadonlyMap<string, string>, isStale: () => boolean) {
    this.#lists = lists;
    this.#isStale = isStale;
  }

  /** Has stale reads of the index give what it has now. */
  remember(): void {
    this.#past = structuredClone(this.index());
  }

  forget(): void {
    this.#past = { waiting: [], batches: [] };
  }

  /** What the index has: objects that wait, and batches that need somebody. */
  index() {
    return {
      waiting: [...this.entries.values()].filter(({ since }) => since !== undefined),
      batches: [...this.batches.values()].filter(({ indexed }) => indexed),
    };
  }

  /** The ledger as one process sees it. */
  ports(request: Request): BatchLedger {
    const { entries, batches } = this;
    const update = (id: string, condition: (entry: Entry) => boolean, change: (entry: Entry) => void) => {
      const entry = entries.get(id);
      if (!entry || !condition(entry)) return false;
      change(entry);
      return true;
    };
    const queried = () => structuredClone(this.#isStale() ? this.#past.batches : this.index().batches);
    const waitAgain = (entry: Entry, object: Entry['object'], since: string) => {
      Object.assign(entry, { state: 'waiting', round: entry.round + 1, object, since, batch: undefined });
    };
    const isUnconfirmed = ({ first, standing, origin }: KeyItem) => standing !== undefined && origin === first;
    const loadedOf = (id: string, key: KeyItem): LatestVersion | undefined => {
      const { state, batch: of } = entries.get(id) ?? {};
      if (state !== 'batched' || of === undefined) return undefined;
      const batch = batches.get(of);
      if (!batch) return latestOf(key);
      const sealed = batch.attempt ?? batch.before;
      if (sealed === undefined) return undefined;
      const list = this.#lists.get(sealed);
      if (list === undefined) return { ...latestOf(key), openedAt: Date.parse(batch.sealedAt ?? '') || 0 };
      const { ended } = (JSON.parse(list) as AttemptList).members.find(({ origin }) => origin === key.first) ?? {};
      return ended?.outcome === 'loaded' ? ended.version : undefined;
    };
    const latestOf = ({ first: _, standing: __, ...latest }: KeyItem): LatestVersion => latest;
    return {
      announce: ({ id, keyId, origin, source, since, ...object }) =>
        request('announce', () => {
          const places = { id, keyId, origin };
          const entry = this.#entryOf(places);
          if (!entry) {
            this.#putEntry(places, { round: 1, state: 'waiting', source, object, since });
            return 'waiting';
          }
          if (!['gone', 'archived', 'replaced', 'failed'].includes(entry.state)) return 'known';
          waitAgain(entry, object, since);
          return 'waiting';
        }),
      waitAgain: (batch, { id, round, ...object }, { since, waited }) =>
        request('wait again', () => {
          const isMember = (entry: Entry) => entry.batch === batch && entry.round === round;
          update(id, isMember, (entry) => waitAgain(entry, { ...object, ...(waited && { waited }) }, since));
        }),
      notLoaded: (batch, { id, round }, state) =>
        request('not loaded', () => {
          const isMember = (entry: Entry) => entry.batch === batch && entry.round === round;
          update(id, isMember, (entry) => {
            entry.state = state;
          });
        }),
      waiting: (source, kind, before, limit) =>
        request('query waiting', () => {
          const { waiting } = this.#isStale() ? this.#past : this.index();
          return waiting
            .filter(({ source: of, object, since = '' }) => of === source && object.kind === kind && since <= before)
            .map(({ id, round, object, since = '' }) => ({ candidate: { id, round, ...object }, since }))
            .toSorted((a, b) => a.since.localeCompare(b.since))
            .slice(0, limit);
        }),
      unfinished: async function* (_source, { from = '', before = '9', newestFirst = false } = {}) {
        const found = await request('query batches', queried);
        const ordered = found.toSorted((a, b) => a.since.localeCompare(b.since));
        if (newestFirst) ordered.reverse();
        yield* ordered.filter(({ since }) => since >= from && since <= before);
      },
      plan: (batch) =>
        request('plan', () => {
          if (batches.has(batch.id)) return;
          batches.set(batch.id, { ...batch, state: BATCH.planned, attempts: 0, generation: 1, indexed: true });
        }),
      claim: (batch, { id, round }, from) =>
        request('claim', () => {
          update(
            id,
            (entry) => entry.round === round && entry.batch === from,
            (entry) => Object.assign(entry, { batch, state: 'batched', since: undefined }),
          );
        }),
      read: (batch) => request('read', () => structuredClone(batches.get(batch))),
      membersOf: (batch, candidates) =>
        request('members', () => candidates.filter(({ id }) => entries.get(id)?.batch === batch)),
      beginAttempt: ({ id, attempts }, attempt, now) =>
        request('begin attempt', () => {
          const batch = batches.get(id);
          if (batch?.state !== 'open' || (batch.attempts !== attempts && batch.attemptedBy !== attempt)) return false;
          Object.assign(batch, { attempts: attempts + 1, attemptedBy: attempt, attemptedAt: now });
          return true;
        }),
      forgiveAttempt: ({ id, attempts }, attempt) =>
        request('forgive', () => {
          const batch = batches.get(id);
          if (batch?.state === 'open' && batch.attemptedBy === attempt) batch.attempts = attempts;
        }),
      advance: (id, from, to) =>
        request(`advance to ${to}`, () => {
          const batch = batches.get(id);
          if (batch?.state !== from) return false;
          batch.state = to;
          batch.indexed = !['written', 'halved', 'failed'].includes(to);
          return true;
        }),
      seal: ({ id, generation }, attempt, state, now) =>
        request('seal', () => {
          const batch = batches.get(id);
          if (batch?.state === 'open' && batch.generation === generation) {
            Object.assign(batch, { state, attempt, sealedAt: now });
          }
          return structuredClone(batch);
        }),
      store: (id, attempt, tables, now) =>
        request('store', () => {
          const batch = batches.get(id);
          if (batch?.state !== 'storing' || batch.attempt !== attempt) return false;
          Object.assign(batch, { state: 'stored', tables, storedAt: now, uncommitted: [...Array(tables).keys()] });
          return true;
        }),
      committed: (id, attempt, tables) =>
        request('committed', () => {
          const batch = batches.get(id);
          if (batch?.state !== 'stored' || batch.attempt !== attempt) return undefined;
          batch.uncommitted = batch.uncommitted?.filter((table) => !tables.includes(table)) ?? [];
          if (batch.uncommitted.length === 0) delete batch.uncommitted;
          return structuredClone(batch);
        }),
      writeAnew: ({ id, attempt }, from, now) =>
        request(`write anew from ${from}`, () => {
          const batch = batches.get(id);
          if (batch?.state !== from || batch.attempt !== attempt || attempt === undefined) return false;
          if (from === 'stored' && !batch.uncommitted) return false;
          Object.assign(batch, { state: 'open', generation: batch.generation + 1, attempts: 0 });
          Object.assign(batch, { attemptedAt: new Date(0).toISOString(), since: now, indexed: true });
          for (const name of ['attempt', 'attemptedBy', 'sealedAt', 'tables', 'storedAt', 'uncommitted'] as const) {
            delete batch[name];
          }
          return true;
        }),
      written: (id, attempt) =>
        request('written', () => {
          const batch = batches.get(id);
          const isReady = batch?.state === 'sealed' || (batch?.state === 'stored' && !batch.uncommitted);
          if (!batch || !isReady || batch.attempt !== attempt) return false;
          Object.assign(batch, { state: 'written', indexed: false });
          delete batch.before;
          return true;
        }),
      reopen: ({ id, generation, attempt }, now) =>
        request('reopen', () => {
          const batch = batches.get(id);
          if (!batch || attempt === undefined) return false;
          if (batch.state !== 'written' || batch.generation !== generation || batch.attempt !== attempt) return false;
          if (batch.tables !== undefined) return false;
          Object.assign(batch, { state: 'open', generation: generation + 1, before: attempt, attempts: 0 });
          Object.assign(batch, { attemptedAt: new Date(0).toISOString(), since: now, indexed: true });
          delete batch.attempt;
          delete batch.attemptedBy;
          return true;
        }),
      giveUpReload: ({ id, generation, before }) =>
        request('give up reload', () => {
          const batch = batches.get(id);
          if (batch?.state !== 'open' || batch.generation !== generation || before === undefined) return;
          Object.assign(batch, { state: 'written', attempt: before, indexed: false });
          delete batch.before;
        }),
      latestVersion: (id) =>
        request('latest version', () => {
          const key = this.keys.get(id);
          if (!key) return undefined;
          return isUnconfirmed(key) ? loadedOf(id, key) : latestOf(key);
        }),
      remember: (id, version, _days, instead) =>
        request('remember', () => {
          const key = this.keys.get(id);
          const isAlone = key?.standing === 'alone' && key.first === version.origin;
          if (isAlone && instead === undefined) return latestOf(key);
          const loaded = key && isUnconfirmed(key) ? loadedOf(id, key) : undefined;
          const isFree = key && isUnconfirmed(key) && !loaded;
          const isOther = key && key.origin !== version.origin && key.origin !== instead;
          if (isOther && !isFree) {
            Object.assign(key, loaded);
            delete key.standing;
            return latestOf(key);
          }
          // As the ledger: what is known of this version is kept, such as which one it has replaced.
          const known = key?.origin === version.origin ? latestOf(key) : undefined;
          const replaces = isOther ? undefined : instead;
          const now = { ...known, ...version, ...(replaces !== undefined && { replaces }) };
          this.keys.set(id, { ...now, ...(key?.first !== undefined && { first: key.first }) });
          return now;
        }),
    };
  }

  /** What reconciling does beside that. */
  reconciling(
    request: Request,
  ): Pick<ReconcileLedger, 'entriesOf' | 'settle' | 'putBack'> & Pick<FilesLedger, 'putSealed'> {
    return {
      entriesOf: (places) =>
        request('entries', () => {
          const found = places.map((each) => [each.id, structuredClone(this.#entryOf(each))] as const);
          return new Map(found.flatMap(([id, entry]) => (entry ? [[id, entry] as const] : [])));
        }),
      settle: ({ id: batch, source }, { id: _, round, ...object }, ended) =>
        request('settle', () => {
          const places = entryPlaces(source, object);
          const entry = this.#entryOf(places);
          const now = { state: 'batched', batch, since: undefined };
          if (!entry) this.#putEntry(places, { round, source, object, ...now });
          else if (ended === undefined ? entry.state !== 'batched' : entry.batch === ended) Object.assign(entry, now);
        }),
      putBack: (before, { id, ...more }) =>
        request('put back', () => {
          const now = this.batches.get(id);
          if (now?.state !== before?.state || now?.attempt !== before?.attempt) return;
          const { uncommitted, ...rest } = more;
          this.batches.set(id, {
            ...{
              id,
              attempts: 0,
              generation: 1,
              state: 'stored',
              indexed: true,
              attemptedAt: new Date(0).toISOString(),
            },
            ...rest,
            ...(uncommitted.length > 0 && { uncommitted }),
          });
        }),
      putSealed: (before, batch) =>
        request('put back', () => {
          const now = this.batches.get(batch.id);
          if (now?.state !== before?.state || now?.attempt !== before?.attempt) return;
          const attemptedAt = new Date(0).toISOString();
          this.batches.set(batch.id, { ...batch, state: 'sealed', attempts: 0, attemptedAt, indexed: true });
        }),
    };
  }

  #entryOf({ id, keyId, origin }: EntryPlaces): Entry | undefined {
    const inKey = this.keys.get(keyId)?.first === origin ? this.entries.get(keyId) : undefined;
    return this.entries.get(id) ?? inKey;
  }

  #putEntry({ id: own, keyId, origin }: EntryPlaces, entry: Omit<Entry, 'id'>): void {
    const id = this.keys.has(keyId) ? own : keyId;
    this.entries.set(id, { id, ...entry });
    const { sequencer } = entry.object;
    if (id === own) return;
    const version = { origin, openedAt: 0, ...(sequencer !== undefined && { sequencer }) };
    this.keys.set(keyId, { first: origin, standing: 'alone', ...version });
  }
}
