import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Archived,
  type ArchivePorts,
  type ArchiveTask,
  exportLogGroup,
  planArchive,
  setRetention,
} from '../../../bin/archive/archive.ts';
import { awsLogExports, type LogExports } from '../../../bin/archive/log-exports.ts';
import { dayOf, partsUntil } from '../../../bin/archive/parts.ts';
import { s3Client } from '../../../lambdas/edges/s3.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type FakeService, openFakeService } from '../../helpers/fake-service.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { FakeCloudWatch } from './fake-cloudwatch.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-03-20T15:00:00Z');
const GROUP = '/ecs/app';
/** Days before now, at the same time of the day. */
const ago = (days: number) => NOW - days * DAY;

const TASK: ArchiveTask = { logGroups: [GROUP], bucket: 'old-logs', prefix: 'cw/', olderThanDays: 30, daysPerTask: 30 };

let service: FakeService;
let exports: LogExports;
let cloudWatch: FakeCloudWatch;
let said: string[];
let now: number;
let ports: ArchivePorts;

beforeAll(async () => {
  service = await openFakeService();
  // The client itself would wait a while before it tries again to start a task that another one keeps from starting.
  const options = { ...clientOptions(service.url), maxAttempts: 1 };
  exports = awsLogExports(new CloudWatchLogsClient(options), s3Client(options));
});
afterAll(() => service.close());

beforeEach(() => {
  cloudWatch = new FakeCloudWatch();
  cloudWatch.createdAt = ago(80);
  // Two streams whose folders differ, one with a gap in the middle, one that is too young, one that is empty.
  cloudWatch.groups.set(`${GROUP}-blue`, []);
  cloudWatch.groups.set(GROUP, [
    { name: 'web/1', times: [ago(79), ago(60), ago(31)] },
    { name: 'web/2', times: [ago(79), ago(31)] },
    { name: 'young', times: [ago(10)] },
    { name: 'empty', times: [] },
  ]);
  service.reply = cloudWatch.answer;
  said = [];
  now = NOW;
  ports = {
    exports,
    now: () => now,
    sleep: async () => {},
    stateFolder: temporaryFolder(),
    say: (line) => said.push(line),
    progress: () => ({ add() {}, end() {} }),
  };
});

/** As the command does it. */
async function archive(using: ArchivePorts = ports, task: ArchiveTask = TASK): Promise<Archived[]> {
  const archived: Archived[] = [];
  for (const logGroup of task.logGroups) archived.push(await exportLogGroup(using, task, logGroup));
  const ended: Archived[] = [];
  for (const group of archived) ended.push((await setRetention(using, task, group, 30)).group);
  return ended;
}

describe('lake archive', () => {
  test('exports everything that is old, task by task without a gap, and then sets the retention', async () => {
    const [archived] = await archive();

    const { tasks, completed, retentions } = cloudWatch;
    expect(completed).toEqual(tasks);
    expect(tasks.map(({ from }) => from)).toEqual([ago(94), ago(64), ago(34)].map((time) => time - 15 * 3_600_000));
    for (const [index, { to }] of tasks.entries()) {
      expect(to).toBe((tasks[index + 1]?.from ?? Date.parse('2026-02-19T00:00:00Z')) - 1);
    }
    expect(archived).toMatchObject({ streams: 4, objects: 5, bytes: 500, missing: [] });
    expect(retentions).toEqual([{ logGroup: GROUP, days: 30, completed: 3 }]);
    expect([...cloudWatch.objects.keys()][0]).toBe('cw/ecs/app/2025-12-16/task-1/web-1/000000.gz');
    expect(said.at(-1)).toBe('/ecs/app: 2026-02-14 to 2026-02-19 exported, 3 of 3');
  });

  test('exports a month later what has become old meanwhile', async () => {
    await archive();
    now += 30 * DAY;
    await archive();
    const { tasks } = cloudWatch;
    expect(tasks).toHaveLength(4);
    expect(tasks[3]?.from).toBe((tasks[2]?.to ?? 0) + 1);
    expect(dayOf((tasks[3]?.to ?? 0) + 1)).toBe('2026-03-21');
    // What was young is old now, and its day is exported.
    expect([...cloudWatch.objects.keys()].at(-1)).toContain('/task-4/young/');
  });

  test('exports another day if the tasks took so long that a retention would delete what is not exported', async () => {
    const sleep = async () => {
      now += 5 * 3_600_000;
    };
    await archive({ ...ports, sleep });
    const { tasks, retentions } = cloudWatch;
    expect(tasks.length).toBeGreaterThan(3);
    expect(retentions).toHaveLength(1);
    expect(tasks.at(-1)?.to).toBeGreaterThanOrEqual(now - 30 * DAY - 1);
  });

  test('exports what has become old while other log groups were exported, before it sets the retention', async () => {
    const archived = await exportLogGroup(ports, TASK, GROUP);
    now += 2 * DAY;
    const { group, notSet } = await setRetention(ports, TASK, archived, 30);
    expect([group.parts.length, group.until - archived.until, notSet]).toEqual([4, 2 * DAY, undefined]);
    expect(cloudWatch.retentions).toEqual([{ logGroup: GROUP, days: 30, completed: 4 }]);
  });

  test('exports nothing more for a retention that deletes nothing but what is exported', async () => {
    const archived = await exportLogGroup(ports, TASK, GROUP);
    now += 2 * DAY;
    expect((await setRetention(ports, TASK, archived, 60)).group.parts).toHaveLength(3);
    expect(cloudWatch.retentions.map(({ days }) => days)).toEqual([60]);
  });

  test('does not set the retention if a stream that had events has no object', async () => {
    cloudWatch.forgotten.add('web/2');
    const [archived] = await archive();
    expect(archived?.missing.map(({ stream, part }) => [stream, dayOf(part.from)])).toEqual([
      ['web/2', '2025-12-16'],
      ['web/2', '2026-02-14'],
    ]);
    expect(cloudWatch.retentions).toEqual([]);
  });

  test('does not believe the folder that two streams share', async () => {
    cloudWatch.groups.set(GROUP, [
      { name: 'web/1', times: [ago(60)] },
      { name: 'web-1', times: [ago(60)] },
    ]);
    const [archived] = await archive();
    expect(archived?.missing.map(({ stream }) => stream)).toEqual(['web/1', 'web-1']);
    expect(cloudWatch.retentions).toEqual([]);
  });

  test('waits for the task of somebody else', async () => {
    cloudWatch.tasks.push({
      ...{ taskId: 'other', taskName: 'other', logGroupName: '/other', from: 0, to: 1, polls: 3 },
      ...{ destination: 'other', destinationPrefix: 'other', status: { code: 'RUNNING' } },
    });
    await archive();
    expect(said[0]).toBe('another export task of the account is running: waiting for its end');
    expect(cloudWatch.completed).toHaveLength(4);
  });

  test('ends when a task fails, and the same command tries that part again in smaller parts', async () => {
    cloudWatch.ending = { code: 'FAILED', message: 'timed out' };
    await expect(archive()).rejects.toThrow(
      'log group /ecs/app, 2025-12-16 to 2026-01-15: the task task-1 is FAILED, timed out; delete what it has left under ' +
        's3://old-logs/cw/ecs/app/2025-12-16/task-1/, then run the same command again',
    );
    expect(cloudWatch.retentions).toEqual([]);
    await archive(ports, { ...TASK, daysPerTask: 10 });
    expect(cloudWatch.completed).toHaveLength(7);
    expect(cloudWatch.retentions).toHaveLength(1);
  });

  test('only says what it would do when it is asked to', async () => {
    const [planned] = await planArchive(ports, TASK);
    expect(planned).toMatchObject({ logGroup: GROUP, storedBytes: 1024, parts: [{}, {}, {}] });
    expect(cloudWatch.tasks).toEqual([]);
  });

  test.each([
    ['that is not there', '/ecs/none', 'STANDARD', 'expected it to exist'],
    ['of another class', GROUP, 'INFREQUENT_ACCESS', 'expected the class STANDARD, got INFREQUENT_ACCESS'],
  ])('refuses a log group %s', async (_, logGroup, logClass, message) => {
    cloudWatch.logGroupClass = logClass;
    await expect(archive(ports, { ...TASK, logGroups: [logGroup] })).rejects.toThrow(message);
    expect(cloudWatch.tasks).toEqual([]);
  });
});

/** The process is no more. */
class Killed extends Error {}

describe('a process that ends at a call', () => {
  /** The calls, of which one ends the process: before the service gets it, or after it has answered. */
  function endingAt(
    call: number,
    when: 'before' | 'after',
  ): { readonly exports: LogExports; readonly calls: () => number } {
    let calls = 0;
    const at = async <T>(ask: () => T | Promise<T>): Promise<T> => {
      const mine = ++calls;
      if (mine > call || (mine === call && when === 'before')) throw new Killed();
      const answer = await ask();
      if (mine === call) throw new Killed();
      return answer;
    };
    const listing = <T>(ask: () => AsyncIterable<T>): AsyncIterable<T> => ({
      async *[Symbol.asyncIterator]() {
        yield* await at(() => Array.fromAsync(ask()));
      },
    });
    const dying: LogExports = {
      group: (name) => at(() => exports.group(name)),
      find: (of) => at(() => exports.find(of)),
      start: (of) => at(() => exports.start(of)),
      status: (taskId) => at(() => exports.status(taskId)),
      hasEvents: (...args) => at(() => exports.hasEvents(...args)),
      setRetention: (logGroup, days) => at(() => exports.setRetention(logGroup, days)),
      streams: (logGroup) => listing(() => exports.streams(logGroup)),
      objects: (bucket, prefix) => listing(() => exports.objects(bucket, prefix)),
    };
    return { exports: dying, calls: () => calls };
  }

  test('leaves what the same command ends: each part exported once, and the retention set last', async () => {
    const whole = endingAt(Number.POSITIVE_INFINITY, 'after');
    await archive({ ...ports, exports: whole.exports });
    const all = whole.calls();
    expect(all).toBeGreaterThan(15);
    for (let call = 1; call <= all; call++) {
      for (const when of ['before', 'after'] as const) {
        const { groups, createdAt } = cloudWatch;
        cloudWatch = Object.assign(new FakeCloudWatch(), { createdAt });
        for (const [name, streams] of groups) cloudWatch.groups.set(name, streams);
        service.reply = cloudWatch.answer;
        const stateFolder = temporaryFolder();
        await expect(archive({ ...ports, stateFolder, exports: endingAt(call, when).exports })).rejects.toThrow(Killed);
        const [archived] = await archive({ ...ports, stateFolder });
        const what = `call ${call}, ${when}`;
        expect([what, cloudWatch.tasks.length, cloudWatch.completed.length]).toEqual([what, 3, 3]);
        expect(archived).toMatchObject({ objects: 5, missing: [] });
        const { retentions } = cloudWatch;
        expect(new Set(retentions.map(({ days, completed }) => `${days} after ${completed}`))).toEqual(
          new Set(['30 after 3']),
        );
      }
    }
  });

  test('leaves no second task if what it had stored is lost too', async () => {
    await archive();
    await archive({ ...ports, stateFolder: temporaryFolder() });
    expect(cloudWatch.tasks).toHaveLength(3);
  });
});

describe('the parts of a log group', () => {
  test('begin two weeks before the group, for CloudWatch takes events that are so old', () => {
    const created = Date.parse('2026-01-20T05:00:00Z');
    const parts = partsUntil([], created, Date.parse('2026-02-01T00:00:00Z'), 10);
    expect(parts.map(({ from, to }) => [dayOf(from), dayOf(to)])).toEqual([
      ['2026-01-06', '2026-01-16'],
      ['2026-01-16', '2026-01-26'],
      ['2026-01-26', '2026-02-01'],
    ]);
  });

  test('that have no task are made anew, and those that have one stay', () => {
    const at = (day: string) => Date.parse(`${day}T00:00:00Z`);
    const known = [
      { from: at('2026-01-06'), to: at('2026-01-16'), taskId: 'one', completed: true as const },
      { from: at('2026-01-16'), to: at('2026-01-26') },
    ];
    const parts = partsUntil(known, 0, at('2026-01-20'), 2);
    expect(parts[0]).toBe(known[0]);
    expect(parts.slice(1).map(({ from, to }) => [dayOf(from), dayOf(to)])).toEqual([
      ['2026-01-16', '2026-01-18'],
      ['2026-01-18', '2026-01-20'],
    ]);
  });
});
