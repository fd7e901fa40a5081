/**
 * The Iceberg table of a world of the direct lane, and the ledger's records of commits to it: a catalog with the semantics
 * of a service, whose answers may be lost, and whose requests may also come late.
 */
import type { CommitPorts } from '../../lambdas/core/direct/commit.ts';
import type { BatchLedger, IcebergTables, LakeFiles } from '../../lambdas/core/direct/ports.ts';
import { type CommitLedger, endedCommits, type TableRecord } from '../../lambdas/core/direct/table-commits.ts';
import { writeEmptyTable } from '../../lambdas/core/iceberg/begin-empty.ts';
import { uuidsOf } from '../../lambdas/core/iceberg/find-metadata.ts';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import type { IcebergCatalog } from '../../lambdas/core/iceberg/ports.ts';
import { REPLACED } from '../../lambdas/core/iceberg/properties.ts';
import { writeFreshTable } from '../../lambdas/core/iceberg/rebuild.ts';
import { beginSnapshot, currentSnapshot, finishSnapshot } from '../../lambdas/core/iceberg/snapshots.ts';
import { changed, MemoryFiles, makingOf, newTable } from './iceberg-table.ts';

/** What the ledger does with records. */
export type Records = 'recordOf' | 'expiring' | 'failing' | 'planCommit' | 'putOff' | 'endCommit' | 'expireAgain';

/** Has something done, under a name that says what. */
export type Request = <Answer>(name: string, effect: () => Answer) => Promise<Answer>;

export class WorldTables {
  /** The one table; undefined while the catalog has none. */
  table: ReturnType<typeof newTable> | undefined = newTable();
  readonly files = new MemoryFiles();
  /** Tables that somebody was asked to maintain. */
  readonly maintained: string[] = [];
  /** What the catalog answers to each change; undefined: it makes them. */
  denial: Error | undefined;
  readonly stored = new Map<string, TableRecord & { expireAt: string }>();
  #names = 0;

  /** What writers are told of a source's table. */
  tables(request: Request, source: string): IcebergTables {
    return {
      of: async ({ name }) => {
        if (name !== source) return undefined;
        return await request('ask for table', () => {
          if (!this.table) throw new Error('there is no table');
          const { 'table-uuid': uuid, location } = this.table.metadata;
          return { name, uuid, location, schemaId: 0, ids: {} };
        });
      },
    };
  }

  /** @param late has a request done later, after its sender was told that it failed; undefined: not this time */
  ports(
    request: Request,
    late: (effect: () => void) => Error | undefined,
    others: { ledger: BatchLedger; lake: LakeFiles; now: () => Date; send: (batch: string) => Promise<void> },
  ): CommitPorts {
    const { ledger, ...rest } = others;
    return {
      ...rest,
      ledger: { ...this.records(request), ...ledger },
      catalog: this.#catalog(request, late),
      making: makingOf({
        get: (uri) => request('get file', () => this.files.get(uri)).then((bytes) => bytes),
        put: (uri, bytes) => request('put file', () => this.files.put(uri, bytes)).then(() => undefined),
      }),
      wait: () => request('wait', () => undefined),
      maintain: (table) => request('maintain', () => void this.maintained.push(table)),
      outOfTime: () => false,
    };
  }

  /** Another engine makes a snapshot of the same files, and forgets all others: names and summaries of ours are gone. */
  async compact(): Promise<void> {
    const before = this.table;
    if (!before || !currentSnapshot(before.metadata)) return;
    const begun = await beginSnapshot(before, makingOf(this.files));
    const change = await finishSnapshot(begun, {
      ...{ operation: 'append', manifests: begun.list.manifests, changedDays: 0 },
      ...{ added: NO_DIFFERENCE, removed: NO_DIFFERENCE },
    });
    if (this.table !== before) return;
    const now = changed(before, change);
    const old = (now.metadata.snapshots ?? []).map((each) => each['snapshot-id']).filter((id) => id !== begun.id);
    this.table = changed(now, {
      requirements: [],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': old }],
    });
  }

  /** Somebody makes the table anew of its files. */
  async rebuild(): Promise<void> {
    const before = this.table;
    if (!before) return;
    const making = makingOf(this.files);
    const rebuilding = { tables: [before], properties: {}, takes: () => true, uuid: making.newId() };
    const fresh = await writeFreshTable(rebuilding, making);
    if (this.table === before) this.table = fresh;
  }

  /** Somebody puts a table without rows in the place of this one; what was written for it is read again. */
  async beginEmpty(request: Request, source: string): Promise<void> {
    const before = await request('load table', () => this.table);
    if (!before) return;
    const record = await this.records(request).recordOf(source, source);
    const beginning = {
      ...{ location: before.metadata.location, fields: FIELDS, properties: endedCommits(record) },
      ...{ replaced: [...uuidsOf(before), ...this.replaced], version: 0, uuid: `empty-${this.#names++}` },
    };
    const fresh = await writeEmptyTable(beginning, makingOf(this.files));
    await request('begin empty', () => {
      if (this.table === before) this.table = fresh;
    });
  }

  /** Uuids of the tables in whose place the present one began without rows. */
  get replaced(): ReadonlySet<string> {
    return new Set(this.table?.metadata.properties?.[REPLACED]?.split(' '));
  }

  /** Has the old days of all tables be due from a time on, ISO 8601. */
  expire(expireAt: string): void {
    for (const [table, record] of this.stored) this.stored.set(table, { ...record, expireAt });
  }

  /** URIs of the files that a reader finds. */
  async live(): Promise<string[]> {
    if (!this.table) return [];
    return (await Array.fromAsync(liveFiles(this.table, this.files))).map(({ path }) => path);
  }

  #catalog(request: Request, late: (effect: () => void) => Error | undefined): IcebergCatalog {
    return {
      load: () => request('load table', () => this.table),
      create: () => Promise.reject(new Error('nobody makes a table here')),
      commit: (_name, change) => {
        const effect = () => {
          if (this.denial) throw this.denial;
          if (!this.table) throw new Error('there is no table');
          this.table = changed(this.table, change);
          return this.table;
        };
        return request('commit', () => {
          const failure = late(() => void effect());
          if (failure) throw failure;
          return effect();
        });
      },
    };
  }

  /** The ledger's records of commits. */
  records(request: Request): Pick<CommitLedger, Records> {
    const { stored: records } = this;
    return {
      recordOf: (table, source) =>
        request('record', () => {
          const record = records.get(table) ?? {
            table,
            source,
            committer: `c${this.#names++}`,
            number: 0,
            expireAt: '9',
          };
          records.set(table, record);
          return structuredClone(record);
        }),
      expiring: (now) =>
        request('query records', () =>
          structuredClone([...records.values()].filter(({ expireAt }) => expireAt <= now)),
        ),
      failing: (source) =>
        request('query records', () =>
          structuredClone([...records.values()].filter((each) => each.source === source && each.failure !== undefined)),
        ),
      planCommit: ({ table, committer, number }, list) =>
        request('plan commit', () => {
          const record = records.get(table);
          if (!record || record.committer !== committer) return undefined;
          if (record.list !== list && (record.number !== number || record.list !== undefined)) return undefined;
          const planned = { ...record, number: number + 1, list };
          records.set(table, planned);
          return structuredClone(planned);
        }),
      endCommit: ({ table, list }) =>
        request('end commit', () => {
          const record = records.get(table);
          if (!record || record.list !== list) return;
          const { failures, failure, retryAt, list: last, ...ended } = record;
          records.set(table, { ...ended, ...(last !== undefined && { last }) });
        }),
      putOff: ({ table, list }, until) =>
        request('put off', () => {
          const record = records.get(table);
          if (record && list !== undefined && record.list === list) records.set(table, { ...record, ...until });
        }),
      expireAgain: (table, at) =>
        request('expire again', () => {
          const record = records.get(table);
          if (record) records.set(table, { ...record, expireAt: at });
        }),
    };
  }
}

const FIELDS = [
  { name: 'status', type: 'int', doc: '' },
  { name: 'dt', type: 'string', doc: '' },
];

const NO_DIFFERENCE = { files: 0, rows: 0n, bytes: 0n };
