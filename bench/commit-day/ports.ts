/** What the committer asks of the services, answered by a simulated lake after simulated time. */
import type { CommitPorts } from '../../lambdas/core/direct/commit.ts';
import type { CommitLedger, TableRecord } from '../../lambdas/core/direct/table-commits.ts';
import { OPTIMIZERS_OF_PARTS } from '../../lambdas/core/iceberg/optimizers.ts';
import type { Pace } from '../../lambdas/core/iceberg/pace.ts';
import type { IcebergCatalog, TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { LISTED_FILE_BYTES, type SimulatedLake, type StoredBatch } from './lake.ts';
import { type SimulatedServices, ThrottledError, type Units } from './services.ts';

/** Tries of a request that Glue refuses as too many, and the longest wait before the next one (edges/iceberg-catalog.ts). */
const LOAD_TRIES = 6;
const LONGEST_WAIT_MS = 5_000;
/** Records of which old days are removed in one run (edges/table-commits.ts). */
const MAX_EXPIRING = 1_000;
/** Bytes of a record, and of a batch besides the tables that wait, in DynamoDB. */
const RECORD_BYTES = 300;
const BATCH_BYTES = 600;
const HALF_DAY_MS = 43_200_000;
/** A writer publishes a batch some seconds after it was told. */
const PUBLISHING_MS = 5_000;

/** What stays from one run of the committer to the next. */
export class SimulatedState {
  readonly records = new Map<string, TableRecord & { expireAt: number }>();
  /** Lists of commits by their keys; of lists of manifests, those of the newest snapshots. */
  readonly commitLists = new Map<string, unknown>();
  readonly files = new Map<string, Uint8Array>();
  /** One manifest of each size stands for all of that size: a day writes gigabytes of them, and few are read again. */
  readonly manifests = new Map<number, Uint8Array>();
  readonly manifestSizes = new Map<string, number>();
  names = 0;
}

export interface Run {
  readonly lake: SimulatedLake;
  readonly state: SimulatedState;
  readonly services: SimulatedServices;
  /** Of the requests to Glue. */
  readonly pace: Pace;
  /** Milliseconds of the simulated clock after which this run begins nothing more. */
  readonly endsAt: number;
}

/** The ports of one run, which has a processor of its own. */
export function portsOf(run: Run): CommitPorts {
  const { services, state, endsAt } = run;
  const { clock } = services;
  let busyUntil = clock.now;
  /** Work of the function itself is done one after the other. */
  const work = (ms: number) => {
    busyUntil = Math.max(busyUntil, clock.now) + ms;
    return clock.wait(busyUntil - clock.now);
  };
  return {
    ledger: ledgerOf(run),
    lake: listsOf(run, work),
    catalog: catalogOf(run, work),
    making: {
      files: filesOf(run),
      newId: () => `id-${state.names++}`,
      snapshotId: () => 2n ** 60n + BigInt(state.names++),
    },
    now: () => new Date(clock.now),
    // As commit-tables.ts waits.
    wait: (tried) => clock.wait(services.part(Math.min(LONGEST_WAIT_MS, 100 * 2 ** tried))),
    maintain: async () => {
      for (const _ of OPTIMIZERS_OF_PARTS)
        await again(run, () => services.glue('optimizer', services.settings.glueOptimizerMs, () => undefined));
    },
    send: (id) =>
      services.ask('SQS', services.settings.sqsMs, () => {
        void clock.wait(PUBLISHING_MS).then(() => run.lake.publish(id));
      }),
    outOfTime: () => clock.now >= endsAt,
  };
}

function ledgerOf({ lake, services, state }: Run): CommitLedger {
  const { clock } = services;
  const written = (bytes: number) => (): Units => ({ writes: 2 * Math.ceil(bytes / 1024) });
  const read = (bytes: number) => (): Units => ({ reads: Math.ceil(bytes / 4096) });
  const recordOf = (table: string, source: string) =>
    services.dynamoDb('record', read(RECORD_BYTES), () => {
      const known = state.records.get(table) ?? {
        ...{ table, source, committer: `c${state.names++}`, number: 0 },
        // The first time after half a day, so that a simulated day has it for each table.
        expireAt: clock.now + HALF_DAY_MS,
      };
      state.records.set(table, known);
      return { ...known };
    });
  const change = (what: string, table: string, then: (record: TableRecord & { expireAt: number }) => void) =>
    services.dynamoDb(what, written(RECORD_BYTES), () => {
      const record = state.records.get(table);
      if (record) then(record);
      return record;
    });
  return {
    recordOf,
    unfinished: async function* () {
      yield* await services.dynamoDb(
        'batches',
        (batches: readonly StoredBatch[]) => ({ reads: Math.ceil(sumOf(batches.map(bytesOf)) / 4096) / 2 }),
        () => [...lake.batches.values()].map(copyOf),
      );
    },
    read: (id) =>
      services.dynamoDb(
        'batch',
        (batch: StoredBatch | undefined) => read(batch ? bytesOf(batch) : 0)(),
        () => {
          const batch = lake.batches.get(id);
          return batch && copyOf(batch);
        },
      ),
    writeAnew: () => Promise.reject(new Error('no table is replaced here')),
    committed: (id, _attempt, tables) =>
      services.dynamoDb(
        'committed',
        (batch: StoredBatch | undefined) => written(batch ? bytesOf(batch) : 1)(),
        () => {
          const batch = lake.noteCommitted(id, tables, clock.now);
          return batch && copyOf(batch);
        },
      ),
    expiring: (now) =>
      services.dynamoDb(
        'expiring',
        (records: readonly TableRecord[]) => ({ reads: Math.max(1, records.length * (RECORD_BYTES / 4096)) / 2 }),
        () =>
          [...state.records.values()]
            .filter(({ expireAt }) => expireAt <= Date.parse(now))
            .slice(0, MAX_EXPIRING)
            .map((record) => ({ ...record })),
      ),
    planCommit: async ({ table, committer, number, list: before }, list) => {
      let planned: TableRecord | undefined;
      await change('plan', table, (record) => {
        if (record.committer !== committer || record.number !== number || record.list !== before) return;
        const then = { ...record, number: number + 1, list };
        state.records.set(table, then);
        planned = { ...then };
      });
      return planned;
    },
    failing: async () => [],
    putOff: async ({ table, list }, until) => {
      if (list === undefined) return;
      await change('put off', table, (record) => {
        if (record.list === list) state.records.set(table, { ...record, ...until });
      });
    },
    endCommit: async ({ table, list }) => {
      await change('end', table, (record) => {
        if (record.list !== list) return;
        const { list: key, failures: _, failure: __, retryAt: ___, ...ended } = record;
        if (key !== undefined) state.commitLists.delete(key);
        state.records.set(table, ended);
      });
    },
    expireAgain: async (table, at) => {
      await change('expire', table, (record) => {
        record.expireAt = Date.parse(at);
      });
    },
  };
}

function copyOf(batch: StoredBatch): StoredBatch {
  return { ...batch, ...(batch.uncommitted && { uncommitted: [...batch.uncommitted] }) };
}

/** A number of a set has a byte for each two digits, and two more. */
function bytesOf({ uncommitted = [] }: StoredBatch): number {
  return BATCH_BYTES + sumOf(uncommitted.map((index) => 2 + Math.ceil(String(index).length / 2)));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

type Work = (ms: number) => Promise<void>;

function listsOf({ lake, services, state }: Run, work: Work): CommitPorts['lake'] {
  const { listBytesPerMs } = services.settings;
  return {
    renewList: async () => true,
    findList: async () => undefined,
    putList: (key, list) =>
      services.put('list of a commit', JSON.stringify(list).length, () => void state.commitLists.set(key, list)),
    async getList<List>(key: string) {
      const ofBatch = lake.lists.get(key);
      const bytes = ofBatch ? (ofBatch.tables?.length ?? 0) * LISTED_FILE_BYTES : 300;
      const list = await services.get(
        ofBatch ? 'list of a batch' : 'list of a commit',
        bytes,
        () => ofBatch ?? state.commitLists.get(key),
      );
      if (list === undefined) throw new Error(`there is no list ${key}`);
      await work(bytes / listBytesPerMs);
      return list as List;
    },
  };
}

function catalogOf(run: Run, work: Work): IcebergCatalog {
  const { lake, services, state } = run;
  const { glueLoadMs, glueCommitMs, commitCpuMs } = services.settings;
  return {
    load: async (name) => await again(run, () => services.glue('load', glueLoadMs, () => lake.tables.get(name))),
    create: async () => undefined,
    async commit(name, change) {
      await work(commitCpuMs);
      const commit = () => {
        // Glue reads the metadata that there is, and writes it anew.
        services.count('S3 GET metadata, by Glue');
        services.count('S3 PUT metadata, by Glue');
        const table = lake.commit(name, change);
        // Nobody reads the lists of older snapshots any more.
        const old = table.metadata.snapshots?.at(-3);
        if (old) state.files.delete(old['manifest-list']);
        return table;
      };
      return await again(run, () => services.glue('commit', glueCommitMs, commit));
    },
  };
}

/** As the lake's client repeats what may be repeated. */
async function again<Answer>({ services, pace }: Run, step: () => Promise<Answer>): Promise<Answer> {
  for (let tried = 1; ; tried++) {
    try {
      return await pace.send(step, (error) => error instanceof ThrottledError);
    } catch (error) {
      if (tried === LOAD_TRIES || !(error instanceof ThrottledError)) throw error;
      await services.clock.wait(services.part(Math.min(LONGEST_WAIT_MS, 200 * 2 ** tried)));
    }
  }
}

/** Steps by which sizes of manifests are told apart, in bytes. */
const SIZE_STEP = 64;

function filesOf({ services, state }: Run): TableFiles {
  const isList = (uri: string) => uri.includes('/snap-');
  return {
    async get(uri) {
      const size = state.manifestSizes.get(uri);
      const bytes = size === undefined ? state.files.get(uri) : state.manifests.get(size);
      if (!bytes) throw new Error(`there is no file ${uri}`);
      return await services.get(isList(uri) ? 'list of manifests' : 'manifest', bytes.length, () => bytes);
    },
    async put(uri, bytes) {
      await services.put(isList(uri) ? 'list of manifests' : 'manifest', bytes.length, () => {
        if (isList(uri)) {
          state.files.set(uri, bytes);
          return;
        }
        const size = Math.round(bytes.length / SIZE_STEP);
        state.manifestSizes.set(uri, size);
        state.manifests.set(size, bytes);
      });
    },
  };
}
