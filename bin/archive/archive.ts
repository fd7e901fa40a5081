/**
 * Exports old events of log groups to a bucket, and then lets CloudWatch delete them. CloudWatch exports by tasks, one at a
 * time in an account and Region; each exports a part of the time of a log group.
 *
 * What a crash leaves, call by call:
 *
 * | the process ends | what the same command does when it is run again |
 * |---|---|
 * | before a task is started, or while another one of the account is waited for | starts it |
 * | after CloudWatch has taken a task, before its id is stored | finds the task by its name, and waits for it |
 * | while a task runs, or after it has ended | asks for its status by its id |
 * | while objects are listed | lists them again |
 * | before the retention is set | compares everything again, then sets it |
 * | after the retention is set | sets it again: that changes nothing |
 *
 * A task that CloudWatch has forgotten (it keeps them for a while) before its end was seen is started again; both tasks'
 * objects are then in the bucket.
 */
import { createHash } from 'node:crypto';
import { State } from '../operations/state.ts';
import { CommandError } from '../output/command-error.ts';
import type { Progress } from '../output/progress.ts';
import type { Export, LogExports, LogGroup } from './log-exports.ts';
import { dayOf, deletedBefore, endFor, type Part, partsUntil } from './parts.ts';
import { type Verified, verify } from './verify.ts';

/** What is asked for. */
export interface ArchiveTask {
  readonly logGroups: readonly string[];
  readonly bucket: string;
  /** Ends with a slash, or is empty. */
  readonly prefix: string;
  readonly olderThanDays: number;
  /** Days of a task. */
  readonly daysPerTask: number;
}

/** What the archive works with. */
export interface ArchivePorts {
  readonly exports: LogExports;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
  readonly stateFolder: string;
  /** Shows a line about what is being done. */
  readonly say: (line: string) => void;
  /** Shows how much of the listing is done. */
  readonly progress: (label: string, total: number) => Progress;
}

/** A log group whose old events are in the bucket. */
export interface Archived extends Verified {
  readonly logGroup: string;
  readonly parts: readonly Part[];
  /** Events before this time were exported. */
  readonly until: number;
  /** The retention that it had: undefined for ever. */
  readonly retentionBefore: number | undefined;
}

const POLL_MS = 10_000;

/**
 * The parts that would be exported, and what is known of the log groups. Changes nothing.
 *
 * @throws CommandError if a log group is not there or cannot be exported
 */
export async function planArchive(
  { exports, now, stateFolder }: Pick<ArchivePorts, 'exports' | 'now' | 'stateFolder'>,
  task: ArchiveTask,
): Promise<(LogGroup & { readonly logGroup: string; readonly parts: readonly Part[] })[]> {
  const until = endFor(now(), task.olderThanDays);
  const planned = [];
  for (const logGroup of task.logGroups) {
    const group = await exportable(exports, logGroup);
    const known = stateOf(stateFolder, task, logGroup).read()?.parts ?? [];
    planned.push({ ...group, logGroup, parts: partsUntil(known, group.createdAt, until, task.daysPerTask) });
  }
  return planned;
}

/**
 * Exports a log group, and compares what is in the bucket with its streams.
 *
 * @throws CommandError if a task fails; what CloudWatch or S3 answer otherwise
 */
export async function exportLogGroup(ports: ArchivePorts, task: ArchiveTask, logGroup: string): Promise<Archived> {
  const { exports, now } = ports;
  const group = await exportable(exports, logGroup);
  const state = stateOf(ports.stateFolder, task, logGroup);
  let parts: Part[] = [...(state.read()?.parts ?? [])];
  let until: number;
  // The tasks may take longer than the day that they have: then there is another part.
  do {
    until = endFor(now(), task.olderThanDays);
    parts = partsUntil(parts, group.createdAt, until, task.daysPerTask);
    for (const [index, part] of parts.entries()) {
      if (part.completed) continue;
      const store = async (changed: Part) => {
        parts[index] = changed;
        await state.write({ parts });
      };
      await exportPart(ports, exportOf(task, logGroup, part), part, store);
      ports.say(`${logGroup}: ${dayOf(part.from)} to ${dayOf(part.to)} exported, ${index + 1} of ${parts.length}`);
    }
  } while (deletedBefore(now(), task.olderThanDays) > until);
  const progress = ports.progress('folders listed', parts.length);
  const place = { logGroup, bucket: task.bucket, prefixOf: (part: Part) => prefixOf(task, logGroup, part) };
  const verified = await verify(exports, place, parts, progress);
  progress.end();
  return { logGroup, parts, until, retentionBefore: group.retentionDays, ...verified };
}

/**
 * Lets CloudWatch delete what was exported. To be called after every log group was exported. What has become old meanwhile
 * is exported first.
 *
 * @returns the log group as it is now, and why the retention was not set, unless it was
 */
export async function setRetention(
  ports: ArchivePorts,
  task: ArchiveTask,
  archived: Archived,
  days: number,
): Promise<{ readonly group: Archived; readonly notSet?: string }> {
  const isStale = ({ until }: Archived) => deletedBefore(ports.now(), days) > until;
  const group = isStale(archived) ? await exportLogGroup(ports, task, archived.logGroup) : archived;
  if (group.missing.length > 0) return { group, notSet: 'not everything that it should have is in the bucket' };
  if (isStale(group)) return { group, notSet: 'a day has begun since it was exported: run the same command again' };
  await ports.exports.setRetention(group.logGroup, days);
  return { group };
}

async function exportable(exports: LogExports, logGroup: string): Promise<LogGroup> {
  const group = await exports.group(logGroup);
  if (!group) throw new CommandError(`log group ${logGroup}: expected it to exist in this account and Region`);
  if (group.logClass === 'STANDARD') return group;
  throw new CommandError(
    `log group ${logGroup}: expected the class STANDARD, got ${group.logClass}, which CloudWatch does not export`,
  );
}

/** Starts the task of a part, unless it was started, and waits until it has ended. */
async function exportPart(
  ports: ArchivePorts,
  wanted: Export,
  part: Part,
  store: (changed: Part) => Promise<void>,
): Promise<void> {
  const { exports, sleep } = ports;
  const taskId = part.taskId ?? (await startOf(ports, wanted));
  if (part.taskId === undefined) await store({ ...part, taskId });
  for (;;) {
    const status = await exports.status(taskId);
    if (status?.code === 'COMPLETED') break;
    if (!status || ENDED.includes(status.code)) {
      // Without its id, the next run starts another task.
      const { taskId: _, ...without } = part;
      await store(without);
      throw new CommandError(failureText(wanted, taskId, status));
    }
    await sleep(POLL_MS);
  }
  await store({ ...part, taskId, completed: true });
}

const ENDED = ['FAILED', 'CANCELLED'];

function failureText(
  { logGroup, from, to, bucket, prefix }: Export,
  taskId: string,
  status: { readonly code: string; readonly message: string } | undefined,
): string {
  const what = status ? `${status.code}${status.message && `, ${status.message}`}` : 'forgotten by CloudWatch';
  return (
    `log group ${logGroup}, ${dayOf(from)} to ${dayOf(to)}: the task ${taskId} is ${what}; delete what it has left under ` +
    `s3://${bucket}/${prefix}/${taskId}/, then run the same command again, with fewer --days-per-task if it took 24 hours`
  );
}

/** Looks for the task first: an earlier run, or a request whose answer was lost, may have started it. */
async function startOf({ exports, sleep, say }: ArchivePorts, wanted: Export): Promise<string> {
  let told = false;
  for (;;) {
    const taskId = (await exports.find(wanted)) ?? (await exports.start(wanted));
    if (taskId !== undefined) return taskId;
    if (!told) say('another export task of the account is running: waiting for its end');
    told = true;
    await sleep(POLL_MS);
  }
}

function exportOf(task: ArchiveTask, logGroup: string, part: Part): Export {
  const { from, to } = part;
  const prefix = prefixOf(task, logGroup, part);
  const hash = createHash('sha256')
    .update(JSON.stringify([logGroup, task.bucket, prefix, from, to]))
    .digest('hex');
  return { taskName: `lake-archive-${hash.slice(0, 16)}`, logGroup, from, to, bucket: task.bucket, prefix };
}

/** A folder for each log group, and in it one for each part. CloudWatch adds one for the task, and one for each stream. */
function prefixOf({ prefix }: ArchiveTask, logGroup: string, { from }: Part): string {
  return `${prefix}${logGroup.replace(/^\/+/, '')}/${dayOf(from)}`;
}

/** Kept when everything is done, so that the same command, a month later, exports what has become old meanwhile. */
function stateOf(folder: string, { bucket, prefix }: ArchiveTask, logGroup: string) {
  return new State<{ readonly parts: readonly Part[] }>(folder, 'archive', { logGroup, bucket, prefix });
}
