/**
 * A world for the direct lane in memory: ledger, lake bucket and queues with the semantics of the services, in which each
 * request can be refused, lost, answered late, or be the last thing that its process does. Which of these happens, and in
 * which order requests are done, follows from a seed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { isReplaced, readAgain } from '../../bin/operations/read-again.ts';
import { type AnnouncePorts, announceObject } from '../../lambdas/core/direct/announce.ts';
import type { Candidate, UploadedFile } from '../../lambdas/core/direct/batch.ts';
import type { TableFile } from '../../lambdas/core/direct/batch-files.ts';
import { commitTables } from '../../lambdas/core/direct/commit-tables.ts';
import { EventDays } from '../../lambdas/core/direct/event-days.ts';
import { type LedgerMark, type MarkPorts, requireCurrent } from '../../lambdas/core/direct/ledger-mark.ts';
import { planSource } from '../../lambdas/core/direct/plan.ts';
import { type BatchLedger, type LakeFiles, OtherBytesError, type Spill } from '../../lambdas/core/direct/ports.ts';
import { type Reconciled, type ReconcileLedger, reconcile } from '../../lambdas/core/direct/reconcile.ts';
import { type ReconciledFiles, reconcileFiles } from '../../lambdas/core/direct/reconcile-files.ts';
import { renewLists } from '../../lambdas/core/direct/renew-lists.ts';
import { LedgerSetBackError } from '../../lambdas/core/direct/set-back.ts';
import { ReloadError, writeBatch } from '../../lambdas/core/direct/write.ts';
import { promote } from '../../lambdas/core/evolution/promote.ts';
import type { PromotedColumn } from '../../lambdas/core/evolution/promoted.ts';
import type { UnknownKeys } from '../../lambdas/core/evolution/unknown-keys.ts';
import { CommitRefusedError } from '../../lambdas/core/iceberg/ports.ts';
import type { CreatedObject } from '../../lambdas/core/loading/notification.ts';
import { rowsOf } from '../../lambdas/core/loading/pack.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import { UnavailableError } from '../../lambdas/core/loading/unavailable.ts';
import { Random } from '../../local/sample/random.ts';
import { WorldLedger } from './world-ledger.ts';
import { WorldPromotions } from './world-promotions.ts';
import { type Request, WorldTables } from './world-tables.ts';

/** What can become of a request, and how often of a thousand. */
export interface Faults {
  readonly refused: number;
  readonly answerLost: number;
  readonly diesBefore: number;
  readonly diesAfter: number;
  /** Of a thousand reads of the index: answered from the past. */
  readonly stale: number;
  /** Of a thousand requests to the catalog of Iceberg tables: done after they seemed to fail. */
  readonly late: number;
}

export const NO_FAULTS: Faults = { refused: 0, answerLost: 0, diesBefore: 0, diesAfter: 0, stale: 0, late: 0 };

/** A service's error, which no batch is to blame for. */
class ServiceFailure extends Error {}

/** The process died: nothing after this happens. */
class Died extends Error {}

/** An object of a source's bucket. */
export interface WorldObject {
  readonly key: string;
  readonly lines: readonly string[];
  /** Orders the versions of a key. @default 0 */
  readonly version?: number;
  /** `poison` throws whenever it is read; `gone` is not there; `vanishes` is gone once it was read. */
  readonly kind?: 'plain' | 'poison' | 'gone' | 'vanishes';
}

const SOURCE = 'app';
const SETTINGS = [
  {
    ...{
      name: SOURCE,
      format: 'json',
      lane: 'objects' as const,
      bucket: 'logs',
      streams: [],
      keepRaw: 'never' as const,
      schemaEvolution: 'suggest' as const,
      delivery: 'direct' as const,
    },
    options: { columns: { time: 'timestamp', message: 'string' } },
  },
];
const STEP_MS = 1000;
const HOUR_MS = 3_600_000;
const LAKE_URI = 's3://lake/';

export interface WorldOptions {
  /** The objects were exported by CloudWatch. */
  readonly exported?: boolean;
  /** The rows of the source belong into an Iceberg table. */
  readonly iceberg?: boolean;
}

export class World {
  readonly lists = new Map<string, string>();
  readonly #books = new WorldLedger(this.lists, () => this.chance(this.faults.stale));
  readonly entries = this.#books.entries;
  readonly batches = this.#books.batches;
  readonly marks = new Map<string, LedgerMark>();
  /** Visible files of the lake, by key. */
  readonly files = new Map<string, Buffer>();
  readonly queue: string[] = [];
  readonly deadLetters: string[] = [];
  readonly requests: string[] = [];
  /** What the lines of published batches had that is no column. */
  readonly unknown: UnknownKeys[] = [];
  /** The Iceberg table of the source. */
  readonly iceberg = new WorldTables();
  readonly promotions = new WorldPromotions();
  faults: Faults = NO_FAULTS;
  /** Every request fails while this is true. */
  outage = false;
  readonly #objects: Map<string, WorldObject>;
  readonly #options: WorldOptions;
  readonly #uploads = new Map<string, { key: string; parts: Map<number, Buffer> }>();
  readonly #vanished = new Set<string>();
  readonly #random: Random;
  readonly #pending: (() => void)[] = [];
  /** When each list and each file was put, milliseconds since the epoch. */
  readonly #listedAt = new Map<string, number>();
  readonly #filedAt = new Map<string, number>();
  #now = Date.UTC(2026, 10, 22, 12);
  #names = 0;
  #running = 0;

  constructor(seed: number, objects: readonly WorldObject[], options: WorldOptions = {}) {
    this.#options = options;
    this.#random = new Random(`world ${seed}`);
    this.#objects = new Map(objects.map((object) => [nameOf(object), object]));
  }

  get now(): number {
    return this.#now;
  }

  chance(ofThousand: number): boolean {
    return this.#random.fraction() * 1000 < ofThousand;
  }

  /** The ledger as a process sees it whose requests all succeed at once. */
  get ledger(): BatchLedger {
    return this.#books.ports(async (_, effect) => effect());
  }

  /** Starts a process; when it dies or fails, it is gone. */
  start(work: () => Promise<unknown>): void {
    this.#running++;
    work()
      .catch((error: unknown) => {
        if (!EXPECTED.some((kind) => error instanceof kind)) throw error;
      })
      .finally(() => this.#running--);
  }

  announce(key: string, version = 0): void {
    const object: CreatedObject = {
      ...{ bucket: 'logs', key, etag: `${version}`, size: 100, modified: new Date(this.#now).toISOString() },
      sequencer: `${version}`,
    };
    this.start(() => announceObject(SOURCE, object, this.#ports() satisfies AnnouncePorts));
  }

  plan(): void {
    const request = this.#process();
    const ports = this.#ports(request);
    this.start(() =>
      planSource(
        SOURCE,
        { ...ports, requireCurrent: () => this.#requireCurrent(request) },
        {
          ...{ fileBytes: 400, ageMs: 30 * STEP_MS, dueAt: this.#now, maxOpen: 4, silentMs: 60 * STEP_MS },
          newId: () => this.#name(),
          outOfTime: () => false,
        },
      ),
    );
  }

  /** As the planner: of a source with Iceberg tables, these tell that the ledger was set back. */
  async #requireCurrent(request: Request): Promise<void> {
    if (!this.#options.iceberg) await requireCurrent(SOURCE, this.#markPorts(request));
  }

  /** Tells the ledger again what is in the files. Dies and fails as the functions do. */
  async filesReconciled(dryRun = false): Promise<ReconciledFiles | undefined> {
    const request = this.#process();
    const { ledger } = this.#ports(request);
    const listed = (since: Date) =>
      [...this.lists.keys()].filter((key) => (this.#listedAt.get(key) ?? 0) >= since.getTime());
    return await this.#resultOf(() =>
      reconcileFiles(
        SOURCE,
        {
          ...this.#markPorts(request),
          noteAmendments: async () => undefined,
          attemptsSince: async function* (source, since) {
            const keys = await request('list lists', () => listed(since));
            const attempts = keys.filter((key) => key.startsWith(`direct/${source}/`) && key.includes('/attempt-'));
            for (const [batch, each] of Map.groupBy(attempts, (key) => key.split('/')[2] ?? ''))
              yield { batch, attempts: each };
          },
          stateOf: ({ key, uploadId, crc32: crc }) =>
            request('state of file', () => {
              const bytes = this.files.get(key);
              if (bytes && base64(crc32(bytes)) === crc) return 'there';
              return this.#uploads.has(uploadId) ? 'uploaded' : 'gone';
            }),
          ledger: { ...ledger, ...this.#books.reconciling(request) },
        },
        dryRun,
      ),
    );
  }

  /** Runs a process to its end. @throws what it has thrown */
  async #resultOf<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    let result: Result | undefined;
    let failure: unknown;
    const run = async () => {
      result = await work().catch((error: unknown) => {
        failure = error;
        return undefined;
      });
    };
    this.start(run);
    while (this.busy) await this.step();
    if (failure && !(failure instanceof Died) && !(failure instanceof ServiceFailure)) throw failure;
    return result;
  }

  #markPorts(request: Request): MarkPorts {
    const { lake, now } = this.#ports(request);
    return {
      ...{ lake, now },
      marks: {
        read: (source) => request('read mark', () => this.marks.get(source)),
        put: (source, before, mark) =>
          request('put mark', () => {
            if (this.marks.get(source)?.number !== before?.number) return false;
            this.marks.set(source, mark);
            return true;
          }),
      },
    };
  }

  write(batch: string): void {
    this.start(async () => {
      const result = await writeBatch(batch, this.#ports());
      if (result.outcome === 'written' && result.published.unknown) this.unknown.push(result.published.unknown);
    });
  }

  /** Runs the committer. @param dueAt what has waited long enough by then */
  commit(dueAt = this.#now): void {
    this.start(() => this.#committed(dueAt));
  }

  /** Runs the committer each minute. */
  async commitEachMinute(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      this.#now += 60 * STEP_MS;
      this.start(() => this.#committed(this.#now).catch(() => undefined));
      while (this.busy) await this.step();
    }
  }

  /** Runs the committer to its end. @throws what the first of the tables that failed has thrown */
  async committed(): Promise<void> {
    let failure: unknown;
    this.start(() =>
      this.#committed(this.#now + 3_600_000).catch((error: unknown) => {
        failure = error;
      }),
    );
    while (this.busy) await this.step();
    if (failure) throw failure;
  }

  async #committed(dueAt: number): Promise<void> {
    const request = this.#process();
    const { ledger, lake, now, send } = this.#ports(request);
    const late = (effect: () => void) => this.#late(effect);
    const { failed } = await commitTables(this.iceberg.ports(request, late, { ledger, lake, now, send }), {
      ...{ sources: [SOURCE], dueAt, intervalMs: 20 * STEP_MS, isQuiet: () => this.isQuiet, newId: () => this.#name() },
      keepFrom: () => this.keepFrom,
    });
    for (const { error } of failed) throw error;
  }

  /** The table shares its source with others. */
  isQuiet = false;

  /** The first day that tables keep. */
  keepFrom = '2026-01-01';

  #late(effect: () => void): Error | undefined {
    if (!this.chance(this.faults.late)) return undefined;
    this.#pending.push(() => {
      try {
        effect();
      } catch (error) {
        if (!(error instanceof CommitRefusedError)) throw error;
      }
    });
    return new ServiceFailure('commit: no answer');
  }

  /** What the ledger has, to be set back to. */
  ledgerNow() {
    return structuredClone({
      ...{ entries: this.entries, batches: this.batches, records: this.iceberg.stored, keys: this.#books.keys },
      marks: this.marks,
    });
  }

  /** Sets the ledger back to what it had. */
  setBack(to: ReturnType<World['ledgerNow']>): void {
    const { entries, batches, records, keys, marks } = structuredClone(to);
    const pairs = [
      [this.entries, entries],
      [this.batches, batches],
      [this.iceberg.stored, records],
      [this.#books.keys, keys],
      [this.marks, marks],
    ] as [Map<string, unknown>, Map<string, unknown>][];
    for (const [now, before] of pairs) {
      now.clear();
      for (const [key, value] of before) now.set(key, value);
    }
    this.#books.forget();
  }

  /** Tells the ledger again what the table has. Dies and fails as the functions do. */
  async reconciled(dryRun = false): Promise<Reconciled | undefined> {
    const request = this.#process();
    const { ledger, lake, now, send } = this.#ports(request);
    const { catalog } = this.iceberg.ports(request, () => undefined, { ledger, lake, now, send });
    const records = this.iceberg.records(request);
    let result: Reconciled | undefined;
    let failure: unknown;
    const run = async () => {
      result = await reconcile(
        SOURCE,
        [SOURCE],
        {
          ...{ lake, now, catalog, noteAmendments: async () => undefined },
          listsOf: (table) =>
            request('list lists', () =>
              [...this.lists.keys()].filter((key) => key.startsWith(`direct/commits/${table}/`)),
            ),
          ledger: { ...ledger, ...records, ...this.#books.reconciling(request), adopt: this.#adopting(request) },
        },
        dryRun,
      );
    };
    this.start(() =>
      run().catch((error: unknown) => {
        failure = error;
      }),
    );
    while (this.busy) await this.step();
    if (failure) throw failure;
    return result;
  }

  #adopting(request: Request): ReconcileLedger['adopt'] {
    return (record, { committer, number, list: last }) =>
      request('adopt', () => {
        const now = this.iceberg.stored.get(record.table);
        if (now?.committer !== record.committer || now.number !== record.number || now.list !== record.list) return;
        const { table, source, expireAt } = now;
        const adopted = { table, source, expireAt, committer, number, adopted: number };
        this.iceberg.stored.set(table, { ...adopted, ...(last !== undefined && { last }) });
      });
  }

  /** Promotes keys of the source, as the job does or a user. */
  promote(wanted: readonly PromotedColumn[]): void {
    const request = this.#process();
    this.start(() => promote(SETTINGS[0] as (typeof SETTINGS)[0], wanted, this.promotions.ports(request)));
  }

  /** Opens a written batch again, as `lake backfill --reload` does. */
  reload(id: string): void {
    const { ledger } = this.#ports();
    this.start(async () => {
      const batch = await ledger.read(id);
      if (batch?.state === 'written') await ledger.reopen(batch, new Date(this.#now).toISOString());
    });
  }

  /** Puts a table without rows in the place of the source's Iceberg table, as `lake rebuild --from landing` does. */
  beginEmpty(): void {
    const request = this.#process();
    this.start(() => this.iceberg.beginEmpty(request, SOURCE));
  }

  /** Has each batch written anew whose rows are in a former table, as the same command does. */
  readAgain(): void {
    const request = this.#process();
    const { ledger, lake, now } = this.#ports(request);
    this.start(async () => {
      const replaced = await request('load table', () => this.iceberg.replaced);
      for (const id of this.batches.keys()) {
        const batch = await ledger.read(id);
        if (batch?.attempt === undefined) continue;
        await readAgain(batch, await lake.getList(batch.attempt), replaced, { ledger, lake, now });
      }
    });
  }

  /** Whether a batch has rows for a former table, which nobody reads any more. */
  hasReplaced(): boolean {
    return [...this.batches.values()].some(({ attempt }) => {
      return attempt !== undefined && isReplaced(JSON.parse(this.lists.get(attempt) ?? '{}'), this.iceberg.replaced);
    });
  }

  /** What an object has from now on, as if the format read it otherwise. */
  change(object: WorldObject): void {
    this.#objects.set(nameOf(object), object);
  }

  /** Does one of the requests that wait, or lets time pass. */
  async step(): Promise<void> {
    this.#now += STEP_MS;
    if (this.chance(50)) this.#books.remember();
    const at = Math.floor(this.#random.fraction() * this.#pending.length);
    this.#pending.splice(at, 1)[0]?.();
    await nextTurn();
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  /** Without faults from now on, until nothing is left. */
  async drain(): Promise<void> {
    this.faults = NO_FAULTS;
    this.outage = false;
    for (let round = 0; round < 400; round++) {
      this.#now += 1000 * STEP_MS;
      this.plan();
      for (const batch of this.queue.splice(0)) this.write(batch);
      while (this.busy) await this.step();
      if (this.#options.iceberg) this.commit();
      while (this.busy) await this.step();
      const { waiting, batches } = this.#books.index();
      if (waiting.length === 0 && batches.length === 0 && this.queue.length === 0) return;
    }
    throw new Error(`expected nothing to be left, got ${JSON.stringify(this.#books.index())}`);
  }

  /** Rows of the source's Iceberg table, by what its readers find. */
  async icebergRows(): Promise<Record<string, unknown>[]> {
    const keys = (await this.iceberg.live()).map((uri) => uri.slice(LAKE_URI.length));
    return this.#rowsOf(keys.map((key) => [key, this.files.get(key) as Buffer]));
  }

  /** Rows of a table, by what the visible files hold. */
  rows(table: string): Record<string, unknown>[] {
    return this.#rowsOf([...this.files].filter(([key]) => key.startsWith(`data/${table}/`)));
  }

  #rowsOf(files: readonly (readonly [string, Buffer])[]): Record<string, unknown>[] {
    return files
      .flatMap(([, bytes]) => rowsOf(bytes.subarray(bytes.indexOf('\n') + 1)))
      .map((row) => JSON.parse(row) as Record<string, unknown>);
  }

  /** The requests of one process: each waits for its turn, then has its effect or not, and its answer or not. */
  #process(): Request {
    let dead = false;
    const die = (name: string) => {
      dead = true;
      return new Died(name);
    };
    return async (name, effect) => {
      await new Promise<void>((resolve) => this.#pending.push(resolve));
      if (dead) throw new Died(name);
      this.requests.push(name);
      const { refused, answerLost, diesBefore, diesAfter } = this.faults;
      if (this.chance(diesBefore)) throw die(name);
      if (this.outage || this.chance(refused)) throw new ServiceFailure(name);
      const answer = effect();
      if (this.chance(diesAfter)) throw die(name);
      if (this.chance(answerLost)) throw new ServiceFailure(`${name}: answer lost`);
      return answer;
    };
  }

  #name(): string {
    return `n${this.#names++}`;
  }

  #ports(request = this.#process()) {
    const days = new EventDays('UTC', 400, this.#now);
    return {
      ledger: this.#books.ports(request),
      lake: this.#lake(request),
      spill: memorySpill(),
      sources: compiledSources(
        SETTINGS.map((settings) => ({ ...settings, exportedLogs: this.#options.exported === true })),
      ),
      promoted: () => request('read promoted', () => this.promotions.record.columns),
      open: (member: Candidate) => request(`open ${member.key}`, () => this.#open(member)),
      openFile: () => this.#saltedFile(),
      tables: this.#options.iceberg ? this.iceberg.tables(request, SOURCE) : { of: async () => undefined },
      days,
      now: () => new Date(this.#now),
      entryDays: 400,
      newAttempt: () => this.#name(),
      isServiceError: (error: unknown) => error instanceof ServiceFailure,
      outOfTime: () => false,
      send: (batch: string) => request('send', () => void this.queue.push(batch)),
      deadLetter: ({ key }: Candidate) => request('dead letter', () => void this.deadLetters.push(key)),
    };
  }

  #open({ key, etag }: Candidate): AsyncIterable<Uint8Array> {
    const name = `${key} ${etag}`;
    const object = this.#objects.get(name);
    if (!object || object.kind === 'gone' || this.#vanished.has(name)) throw new UnavailableError('gone', key);
    if (object.kind === 'poison') throw new PoisonError(key);
    if (object.kind === 'vanishes') this.#vanished.add(name);
    return chunksOf(object.lines.join('\n'));
  }

  /** Its bytes are never the same twice: nothing may rest on what an encoder gives. */
  #saltedFile(): TableFile {
    let pieces: Uint8Array[] = [Buffer.from(`${this.#name()}\n`)];
    let rows = 0;
    const take = () => {
      const taken = pieces;
      pieces = [];
      return taken;
    };
    return {
      append(bytes) {
        rows += rowsOf(bytes).length;
        pieces.push(Uint8Array.from(bytes));
      },
      take,
      finish: take,
      get rows() {
        return rows;
      },
      metrics: () => NO_METRICS,
    };
  }

  #putList(key: string, list: string): void {
    this.lists.set(key, list);
    this.#listedAt.set(key, this.#now);
  }

  /**
   * A time in which nothing comes: what is done each hour is done, S3 deletes the lists that are as old as it takes, and
   * Glue the files that no snapshot names.
   */
  async pass(days: number, expireAfterDays: number): Promise<void> {
    for (let hour = 0; hour < days * 24; hour++) {
      this.#now += HOUR_MS;
      const ports = this.#ports();
      this.start(() => renewLists(SOURCE, ports, this.#now));
      while (this.busy) await this.step();
      for (const batch of this.queue.splice(0)) this.write(batch);
      while (this.busy) await this.step();
      const isOld = (at: number) => this.#now - at > expireAfterDays * 24 * HOUR_MS;
      for (const [key, at] of this.#listedAt) if (isOld(at)) this.lists.delete(key);
      const live = new Set(await this.iceberg.live());
      for (const [key, at] of this.#filedAt) {
        if (key.startsWith('iceberg/') && isOld(at) && !live.has(`${LAKE_URI}${key}`)) this.files.delete(key);
      }
    }
  }

  #lake(request: Request): LakeFiles {
    const requireSame = ({ key, size }: UploadedFile) => {
      if (this.files.get(key)?.length !== size) throw new OtherBytesError(key);
    };
    const { files } = this;
    return {
      keyOf: (uri) => uri.slice(LAKE_URI.length),
      putList: (key, list) => request('put list', () => this.#putList(key, JSON.stringify(list))),
      getList: <List>(key: string) =>
        request('get list', () => {
          const list = this.lists.get(key);
          if (list === undefined) throw new Error(`expected a list ${key}, got none`);
          return JSON.parse(list) as List;
        }),
      findList: <List>(key: string) =>
        request('find list', () => {
          const list = this.lists.get(key);
          return list === undefined ? undefined : (JSON.parse(list) as List);
        }),
      renewList: (key) =>
        request('renew list', () => {
          const list = this.lists.get(key);
          if (list !== undefined) this.#putList(key, list);
          return list !== undefined;
        }),
      putFile: (key, bytes) => request('put file', () => void this.files.set(key, Buffer.from(bytes))),
      readFile: async function* (key) {
        yield await request('read file', () => {
          const bytes = files.get(key);
          if (!bytes) throw new Error(`expected a file ${key}, got none`);
          return bytes;
        });
      },
      begin: (key) =>
        request('begin upload', () => {
          const id = this.#name();
          this.#uploads.set(id, { key, parts: new Map() });
          return id;
        }),
      uploadPart: (_key, uploadId, number, bytes) =>
        request('upload part', () => {
          const upload = this.#uploads.get(uploadId);
          if (!upload) throw new ServiceFailure('NoSuchUpload');
          upload.parts.set(number, Buffer.from(bytes));
          return { number, etag: `${number}` };
        }),
      complete: (file) =>
        request('complete', () => {
          const upload = this.#uploads.get(file.uploadId);
          if (!upload) return requireSame(file);
          this.#uploads.delete(file.uploadId);
          this.#filedAt.set(file.key, this.#now);
          this.files.set(file.key, Buffer.concat(file.parts.map(({ number }) => upload.parts.get(number) as Buffer)));
          return requireSame(file);
        }),
      remove: (key) => request('remove', () => void this.files.delete(key)),
      abort: (_key, uploadId) => request('abort', () => void this.#uploads.delete(uploadId)),
    };
  }
}

const NO_METRICS = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [] };

function nameOf({ key, version = 0 }: WorldObject): string {
  return `${key} ${version}`;
}

class PoisonError extends Error {}

/** A writer of an earlier generation finds files of the next one, and leaves them. */
const EXPECTED = [
  Died,
  ServiceFailure,
  CommitRefusedError,
  PoisonError,
  OtherBytesError,
  ReloadError,
  LedgerSetBackError,
];

/** As S3 gives a CRC-32. */
function base64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function memorySpill(): Spill {
  const spilled = new Map<string, Buffer[]>();
  return {
    async append(name, rows) {
      spilled.set(name, [...(spilled.get(name) ?? []), Buffer.from(rows)]);
    },
    async *take(name) {
      yield* spilled.get(name) ?? [];
      spilled.delete(name);
    },
  };
}
