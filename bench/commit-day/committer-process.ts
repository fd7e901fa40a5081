/**
 * A run of the committer alone in its process, so that its memory can be seen: lists come from files and metadata from text, as
 * they come from S3 and Glue; what is written goes nowhere. Arguments: the folder of the lists, the number of tables, and
 * whether all of them are due, as after an hour in which nothing was committed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../lambdas/core/direct/batch.ts';
import type { CommitPorts } from '../../lambdas/core/direct/commit.ts';
import { commitTables } from '../../lambdas/core/direct/commit-tables.ts';
import { parseIcebergJson } from '../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { LISTS, metadataText, nameOf, STORED_AT } from './committer-memory.ts';

const [dir = '', tables = '1', allDue] = process.argv.slice(2);
const count = Number(tables);
const MINUTE_MS = 60_000;
/** Milliseconds of each request, so that as many go on at the same time as would. */
const REQUEST_MS = 1;
const manifests = new Uint8Array(readFileSync(join(dir, 'manifests.avro')));
const indexes = Array.from({ length: count }, (_, index) => index);
const batches = new Map(
  Array.from({ length: LISTS }, (_, number): [string, Batch] => {
    const storedAt = new Date(STORED_AT + number * 5 * MINUTE_MS).toISOString();
    return [
      `b${number}`,
      {
        ...{ id: `b${number}`, source: 'app', state: 'stored', since: storedAt, attempts: 1, attempt: `b${number}` },
        ...{ generation: 1, tables: count, storedAt, uncommitted: indexes },
      },
    ];
  }),
);
const commitLists = new Map<string, unknown>();
let names = 0;

async function answer<Of>(of: () => Of): Promise<Of> {
  await sleep(REQUEST_MS);
  return of();
}

function loaded(table: string): LoadedTable {
  return {
    metadata: parseIcebergJson(metadataText(table)) as LoadedTable['metadata'],
    metadataLocation: 's3://lake/m',
  };
}

const ports: CommitPorts = {
  ledger: {
    unfinished: async function* () {
      yield* await answer(() => [...batches.values()].map((batch) => ({ ...batch, uncommitted: [...indexes] })));
    },
    read: (id) => answer(() => ({ ...(batches.get(id) as Batch), uncommitted: [...indexes] })),
    writeAnew: () => Promise.reject(new Error('no table is replaced here')),
    committed: (id) => answer(() => batches.get(id)),
    recordOf: (table, source) => answer(() => ({ table, source, committer: 'c', number: 0 })),
    expiring: () => answer(() => []),
    failing: () => answer(() => []),
    putOff: () => answer(() => undefined),
    planCommit: (record, list) => answer(() => ({ ...record, number: 1, list })),
    endCommit: () => answer(() => undefined),
    expireAgain: () => answer(() => undefined),
  },
  lake: {
    renewList: () => answer(() => true),
    findList: async () => undefined,
    putList: (key, list) => answer(() => void commitLists.set(key, list)),
    getList: <List>(key: string) =>
      answer(() => {
        const list = commitLists.get(key);
        commitLists.delete(key);
        return (list ?? JSON.parse(readFileSync(join(dir, `${key}.json`)).toString())) as List;
      }),
  },
  catalog: {
    load: (table) => answer(() => loaded(table)),
    create: async () => undefined,
    commit: (table) => answer(() => loaded(table)),
  },
  making: {
    files: { get: () => answer(() => manifests), put: () => answer(() => undefined) },
    newId: () => `id-${names++}`,
    snapshotId: () => 2n ** 60n + BigInt(names++),
  },
  now: () => new Date(),
  wait: async () => undefined,
  send: async () => undefined,
  outOfTime: () => false,
};

const { committed, failed } = await commitTables(ports, {
  ...{ sources: ['app'], intervalMs: 5 * MINUTE_MS, keepFrom: () => '2025-01-01', newId: () => `list-${names++}` },
  // After the interval of the first batch, it is the turn of a sixtieth of the tables.
  dueAt: STORED_AT + (allDue === 'all' ? 125 : 5) * MINUTE_MS,
  isQuiet: () => true,
});
if (failed.length > 0) throw failed[0]?.error;
if (committed.length === 0)
  throw new Error(`expected commits to some of ${nameOf(0)} to ${nameOf(count - 1)}, got none`);
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ commits: committed.length, peakMib: maxRSS / 1024 }));
