import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';
import { type Counted, countDue, QUIET_MS } from '../../../lambdas/core/duplicates/count.ts';
import { objectToCheck, type TrackedSource } from '../../../lambdas/core/duplicates/input-to-check.ts';
import type { CountStore, ReportStore, TrackStore } from '../../../lambdas/core/duplicates/store.ts';
import { type TrackPorts, track } from '../../../lambdas/core/duplicates/track.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { dynamoDuplicates } from '../../../lambdas/edges/duplicates.ts';
import { openTable, TABLE } from './duplicates-table.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');
export const MINUTE_MS = 60_000;
export const WINDOW_HOURS = 72;

export let table: Awaited<ReturnType<typeof openTable>>;
export let store: TrackStore & CountStore & ReportStore;

beforeAll(async () => {
  table = await openTable();
  store = dynamoDuplicates(table.client, { table: TABLE, windowHours: WINDOW_HOURS });
});

afterAll(() => table.close());

let sources = 0;

/** A source of its own for each test: they share the table. */
export function newSource(): TrackedSource {
  const options = { columns: { at: 'timestamp', request_id: 'string' } };
  const [source] = compiledSources([
    { name: `s${sources++}`, format: 'json', options, lane: 'objects' as const, bucket: 'logs' },
  ]);
  return source as TrackedSource;
}

export const portsOf = (over: Partial<TrackPorts> = {}): TrackPorts => ({
  store,
  now: () => new Date(NOW),
  outOfTime: () => false,
  sampleRate: 1,
  windowHours: WINDOW_HOURS,
  ...over,
});

/** A line of a minute before now; the same arguments give the same record. */
export const lineOf = (minutesAgo: number, id: number | string) =>
  JSON.stringify({ at: new Date(NOW - minutesAgo * MINUTE_MS).toISOString(), request_id: String(id) });

export interface Delivery {
  readonly source: TrackedSource;
  readonly key: string;
  readonly lines: readonly string[];
  readonly holder?: string;
  readonly arrivedAt?: number;
  readonly retried?: boolean;
}

export const inputOf = ({ source, key, lines, holder = key, arrivedAt = NOW, retried = false }: Delivery) => {
  const bytes = gzipSync(`${lines.join('\n')}\n`);
  const object = { bucket: 'logs', key, etag: 'e', size: bytes.length };
  return objectToCheck(source, object, { holder, arrivedAt, retried }, async () =>
    (async function* () {
      yield bytes;
    })(),
  );
};

export async function deliver(...deliveries: Delivery[]) {
  const tracked = await track(deliveries.map(inputOf), portsOf());
  return tracked.map(({ outcome }) => outcome);
}

/** Counts all that is marked, as runs long after would. */
export async function countAll(counting: CountStore = store): Promise<Counted[]> {
  const emitted: Counted[] = [];
  const now = new Date(Date.now() + QUIET_MS);
  await countDue({ store: counting, now, outOfTime: () => false, emit: (counted) => emitted.push(counted) });
  return emitted;
}

export interface Totals {
  readonly checked: number;
  readonly withinObject: number;
  readonly acrossObjects: number;
}

export function sum(counts: readonly Totals[]): Totals {
  const add = (name: keyof Totals) => counts.reduce((total, each) => total + each[name], 0);
  return { checked: add('checked'), withinObject: add('withinObject'), acrossObjects: add('acrossObjects') };
}

export const totals = async ({ settings }: TrackedSource) => sum(await store.minutes(settings.name, 0));
