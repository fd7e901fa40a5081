import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_GROUP_DAYS } from '../../lib/config/source-places.ts';
import {
  type Archived,
  type ArchivePorts,
  type ArchiveTask,
  exportLogGroup,
  planArchive,
  setRetention,
} from '../archive/archive.ts';
import { dayOf, daysAfter, LATE_DAYS } from '../archive/parts.ts';
import { stateFolderOf } from '../operations/state.ts';
import { EXIT, UsageError } from '../output/command-error.ts';
import { complain, print, printJson, stages } from '../output/output.ts';
import { showProgress } from '../output/progress.ts';
import { bytesText, type RenderColumn, renderTable, thousands } from '../output/render.ts';
import { jsonOption } from './options.ts';

interface ArchiveFlags {
  readonly to: { readonly bucket: string; readonly prefix: string };
  readonly olderThan: number;
  readonly thenRetention?: number;
  readonly daysPerTask: number;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `lake archive` */
export function addArchive(program: Command): void {
  program
    .command('archive')
    .description('exports old events of log groups to a bucket (AWS only), and then lets CloudWatch delete them')
    .argument('<log-group...>', 'exact names of log groups')
    .addOption(
      new Option('--to <s3://bucket/prefix>', 'export below this prefix of a bucket in the same Region')
        .argParser(place)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--older-than <days>', `export what is older than this; at least ${LATE_DAYS + 1}`)
        .argParser(olderThan)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--then-retention <days>',
        'when everything is in the bucket, have CloudWatch delete events older than this; not less than --older-than',
      ).argParser(retention),
    )
    .addOption(
      new Option(
        '--days-per-task <n>',
        'days of the log that one export task takes; CloudWatch stops it after 24 hours',
      )
        .argParser(whole)
        .default(30),
    )
    .addOption(new Option('--yes', 'set the retention of --then-retention; without it, it is only said'))
    .addOption(new Option('--dry-run', 'only say what would be exported, change nothing'))
    .addOption(jsonOption())
    .action(archive);
}

async function archive(logGroups: readonly string[], flags: ArchiveFlags): Promise<void> {
  const { to, olderThan: olderThanDays, thenRetention, daysPerTask, yes = false, dryRun = false, json = false } = flags;
  if (thenRetention !== undefined && thenRetention < olderThanDays) {
    throw new UsageError(
      `--then-retention: expected at least --older-than (${olderThanDays}), got ${thenRetention}: ` +
        'CloudWatch would delete events that are not exported',
    );
  }
  const task: ArchiveTask = { logGroups: [...new Set(logGroups)], ...to, olderThanDays, daysPerTask };
  // Imported only when needed: it loads the clients of two services.
  const { openLogExports } = await import('../archive/log-exports.ts');
  const ports: ArchivePorts = {
    exports: openLogExports(),
    now: Date.now,
    sleep: async (millis) => {
      await sleep(millis);
    },
    stateFolder: stateFolderOf('archive'),
    say: stages(),
    progress: showProgress,
  };
  const planned = await planArchive(ports, task);
  if (dryRun) {
    const groups = planned.map(({ logGroup, parts, storedBytes, retentionDays = null }) => ({
      logGroup,
      from: dayOf(parts[0]?.from ?? 0),
      until: dayOf(parts.at(-1)?.to ?? 0),
      tasks: parts.filter(({ completed }) => !completed).length,
      tasksDone: parts.filter(({ completed }) => completed).length,
      storedBytes,
      retentionDays,
    }));
    if (json) printJson({ groups, dryRun });
    else print(groupsText(groups));
    return;
  }
  const exported: Archived[] = [];
  for (const logGroup of task.logGroups) exported.push(await exportLogGroup(ports, task, logGroup));
  const groups = [];
  for (const group of exported) groups.push(await ended(ports, task, group, yes ? thenRetention : undefined));
  if (json) printJson({ groups, dryRun });
  else {
    print(groupsText(groups));
    if (thenRetention !== undefined) print(note(groups, thenRetention));
  }
}

/** Sets the retention, if that was asked for, and complains of what keeps it from being set. */
async function ended(ports: ArchivePorts, task: ArchiveTask, exported: Archived, days: number | undefined) {
  const { group, notSet } = days === undefined ? { group: exported } : await setRetention(ports, task, exported, days);
  const { logGroup, parts, until, streams, objects, bytes, missing, retentionBefore = null } = group;
  const retentionSet = days !== undefined && notSet === undefined;
  for (const { stream, part } of missing) {
    complain(`${logGroup}: no object of the stream ${stream} for ${dayOf(part.from)} to ${dayOf(part.to)}`);
  }
  if (notSet !== undefined) complain(`${logGroup}: the retention stays as it is, because ${notSet}`);
  if (missing.length > 0) process.exitCode = EXIT.found;
  else if (notSet !== undefined) process.exitCode = EXIT.failed;
  return {
    logGroup,
    from: dayOf(parts[0]?.from ?? until),
    until: dayOf(until),
    tasks: parts.length,
    streams,
    objects,
    bytes,
    missing: missing.length,
    retentionDays: retentionSet ? days : retentionBefore,
    retentionSet,
  };
}

/** What is to be done next, and what becomes of the events that are not exported. */
function note(
  groups: readonly { readonly until: string; readonly retentionSet: boolean }[],
  retentionDays: number,
): string {
  const [first] = groups.filter(({ retentionSet }) => retentionSet);
  if (!first) {
    return `Nothing will be deleted: to set the retention to ${retentionDays} days, run the same command with --yes.`;
  }
  const next = dayOf(daysAfter(Date.parse(first.until), retentionDays));
  return (
    `CloudWatch now deletes what becomes older than ${retentionDays} days. Events from ${first.until} on are not exported: ` +
    `if nothing else keeps them (a source of the lake, for example), run the same command again before ${next}.`
  );
}

type Value = string | number | boolean | null;

function groupsText(groups: readonly Readonly<Record<string, Value>>[]): string {
  const names = Object.keys(groups[0] ?? {});
  const columns = names.map((name): RenderColumn => (name === 'logGroup' ? { name } : { name, align: 'right' }));
  const cell = (name: string, value: Value | undefined) => {
    if (typeof value === 'boolean') return value ? 'set' : 'as before';
    if (name === 'retentionDays') return value === null ? 'for ever' : `${value} days`;
    if (typeof value !== 'number') return String(value ?? '');
    return /bytes/i.test(name) ? bytesText(value) : thousands(value);
  };
  return renderTable(
    columns,
    groups.map((group) => names.map((name) => cell(name, group[name]))),
  );
}

function place(url: string): ArchiveFlags['to'] {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket === undefined) throw new InvalidArgumentError(`expected s3://bucket/prefix, got ${url}`);
  const prefix = path.replace(/\/$/, '');
  return { bucket, prefix: prefix && `${prefix}/` };
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError(`expected a whole number of days from 1 on, got ${text}`);
}

function olderThan(text: string): number {
  const days = whole(text);
  if (days > LATE_DAYS) return days;
  throw new InvalidArgumentError(
    `expected at least ${LATE_DAYS + 1} days, got ${text}: CloudWatch takes events that are ${LATE_DAYS} days old, so younger ones can still get company`,
  );
}

function retention(text: string): number {
  const days = whole(text);
  const read = LOG_GROUP_DAYS.safeParse(days);
  if (read.success) return days;
  throw new InvalidArgumentError(`expected ${read.error.issues[0]?.message}, got ${text}`);
}
