/** A simulated day of commits: batches are stored, and the committer runs each minute, as the stack has it. */
import { commitTables } from '../../lambdas/core/direct/commit-tables.ts';
import { Pace } from '../../lambdas/core/iceberg/pace.ts';
import { SimulatedClock } from './clock.ts';
import { SimulatedLake, type Traffic } from './lake.ts';
import { portsOf, SimulatedState } from './ports.ts';
import { type Services, SimulatedServices } from './services.ts';

export interface DayOptions extends Traffic {
  readonly hours: number;
  /** `commitIntervalSeconds`. */
  readonly commitSeconds: number;
  readonly services?: Partial<Services>;
}

export interface Day {
  readonly files: number;
  readonly commits: number;
  /** Requests for commits that were refused, or of which nobody knew. */
  readonly conflicts: number;
  /** Tables and batches that a run could not commit, all runs together. */
  readonly failed: number;
  readonly runs: number;
  /** Seconds of all runs, and of the longest one. */
  readonly runSeconds: number;
  readonly longestRunSeconds: number;
  /** Runs that went on at the same time. */
  readonly runsAtOnce: number;
  /** Minutes that files waited for their commits: on average, and the longest, those that still wait among them. */
  readonly waitedMinutes: number;
  readonly longestWaitMinutes: number;
  /** Batches that wait at the end. */
  readonly batchesLeft: number;
  /** Requests to Glue in the minute with the most of them. */
  readonly busiestGlueMinute: number;
  readonly requests: ReadonlyMap<string, number>;
  readonly amounts: ReadonlyMap<string, number>;
}

const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-29T00:00:00Z');
/** When a run of the committer begins nothing more: its timeout is five minutes (lib/iceberg-tables.ts, edges/attempt.ts). */
const RUN_MS = 282_000;

export async function simulateDay({
  hours,
  commitSeconds,
  services: settings = {},
  ...traffic
}: DayOptions): Promise<Day> {
  const clock = new SimulatedClock(START);
  const services = new SimulatedServices(clock, settings);
  const lake = new SimulatedLake(traffic);
  const state = new SimulatedState();
  const end = START + hours * 3_600_000;
  const totals = { commits: 0, conflicts: 0, failed: 0, runs: 0, runMs: 0, longestRunMs: 0, atOnce: 0, now: 0 };

  const writing = async () => {
    for (; clock.now < end; await clock.wait(traffic.batchSeconds * 1000)) lake.store(clock.now);
  };
  const run = async () => {
    const began = clock.now;
    const pace = new Pace({ now: () => clock.now, sleep: (ms) => clock.wait(ms) });
    totals.runs++;
    totals.atOnce = Math.max(totals.atOnce, ++totals.now);
    const { committed, failed } = await commitTables(portsOf({ lake, state, services, pace, endsAt: began + RUN_MS }), {
      ...{ sources: [lake.source], dueAt: began, intervalMs: commitSeconds * 1000 },
      isQuiet: (table) => table !== lake.source,
      keepFrom: () => '2025-01-01',
      newId: () => `list-${state.names++}`,
    });
    totals.now--;
    totals.commits += committed.length;
    totals.conflicts += committed.reduce((sum, { conflicts }) => sum + conflicts, 0);
    totals.failed += failed.length;
    totals.runMs += clock.now - began;
    totals.longestRunMs = Math.max(totals.longestRunMs, clock.now - began);
  };
  const running = async () => {
    for (; clock.now < end; await clock.wait(MINUTE_MS)) void run();
  };
  void writing();
  void running();
  await clock.run(end);
  return {
    ...{
      files: lake.files,
      commits: totals.commits,
      conflicts: totals.conflicts,
      failed: totals.failed,
      runs: totals.runs,
    },
    runSeconds: totals.runMs / 1000,
    longestRunSeconds: totals.longestRunMs / 1000,
    runsAtOnce: totals.atOnce,
    waitedMinutes: lake.waitedMs / Math.max(1, lake.committed) / MINUTE_MS,
    longestWaitMinutes: Math.max(lake.longestWaitMs, lake.oldestWaitMs(clock.now)) / MINUTE_MS,
    batchesLeft: lake.batches.size,
    busiestGlueMinute: services.busiestGlueMinute,
    ...{ requests: services.requests, amounts: services.amounts },
  };
}
