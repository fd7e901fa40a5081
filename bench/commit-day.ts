/**
 * `npm run bench:commit-day -- --tables 10000`: simulates a day of commits to the tables of a source whose rows are divided. The
 * committer is the lake's own; the services are simulated, with the times and quotas of bench/commit-day/services.ts, which
 * nobody has measured in an account. `--ceiling` looks for what is too much, and `--memory` measures the committer's process.
 * docs/iceberg.md has the figures.
 */
import { parseArgs } from 'node:util';
import { print } from '../bin/output/output.ts';
import { renderTable, thousands } from '../bin/output/render.ts';
import { type CommitterMemory, committerMemory, LISTS } from './commit-day/committer-memory.ts';
import { dollarsOf } from './commit-day/dollars.ts';
import { type Day, type DayOptions, simulateDay } from './commit-day/simulate.ts';

const { values } = parseArgs({
  options: {
    tables: { type: 'string', default: '10000' },
    hours: { type: 'string', default: '24' },
    /** Rows of a day. */
    rows: { type: 'string', default: '1e9' },
    'batch-seconds': { type: 'string', default: '300' },
    skew: { type: 'string', default: '1' },
    'commit-seconds': { type: 'string', default: '300' },
    /** Requests a second that Glue answers. */
    glue: { type: 'string', default: '50' },
    ceiling: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
});

function options(changed: Partial<DayOptions> = {}): DayOptions {
  return {
    ...{ tables: Number(values.tables), hours: Number(values.hours), rows: Number(values.rows) },
    ...{ batchSeconds: Number(values['batch-seconds']), skew: Number(values.skew) },
    ...{ commitSeconds: Number(values['commit-seconds']), services: { glueRequestsPerSecond: Number(values.glue) } },
    ...changed,
  };
}

const whole = (value: number) => thousands(Math.round(value));
const tenth = (value: number) => value.toFixed(1);

function dayText(day: Day, { hours, tables }: DayOptions): string {
  const dollars = dollarsOf(day);
  const rows = [
    ['files, commits', `${whole(day.files)}, ${whole(day.commits)}`],
    [
      'refused or unknown requests for commits; tables that a run left',
      `${whole(day.conflicts)}; ${whole(day.failed)}`,
    ],
    [
      'runs, and seconds: on average, the longest',
      `${day.runs}: ${tenth(day.runSeconds / day.runs)}, ${tenth(day.longestRunSeconds)}`,
    ],
    ['runs at the same time, at most', String(day.runsAtOnce)],
    [
      'minutes until files are committed: on average, the longest',
      `${tenth(day.waitedMinutes)}, ${tenth(day.longestWaitMinutes)}`,
    ],
    ['requests to Glue in its busiest minute', whole(day.busiestGlueMinute)],
    ['batches that wait at the end', String(day.batchesLeft)],
    ...[...day.requests].toSorted().map(([what, count]) => [what, whole(count)]),
    ...[...day.amounts].toSorted().map(([what, amount]) => [what, whole(amount)]),
    ...Object.entries(dollars).map(([what, usd]) => [`dollars: ${what}`, usd.toFixed(2)]),
  ];
  const head = `${whole(tables)} tables, ${hours} hours`;
  return `${head}\n${renderTable([{ name: '' }, { name: '', align: 'right' }], rows)}`;
}

/** What is tried to find the ceiling: each but the first has more of one thing. */
const TRIED: readonly (Partial<DayOptions> & { readonly glue?: number })[] = [
  {},
  { batchSeconds: 900 },
  { batchSeconds: 60 },
  { batchSeconds: 20 },
  { batchSeconds: 10 },
  { tables: 20_000 },
  { tables: 50_000 },
  { glue: 20 },
  { glue: 10 },
  { glue: 5 },
];

async function ceiling(): Promise<string> {
  const rows: string[][] = [];
  for (const { glue = Number(values.glue), ...changed } of TRIED) {
    const tried = options({ ...changed, services: { glueRequestsPerSecond: glue } });
    const day = await simulateDay(tried);
    const keepsUp = day.longestWaitMinutes < 60 + tried.commitSeconds / 60 + 10;
    rows.push([
      ...[whole(tried.tables), String(tried.batchSeconds), String(glue), whole(day.commits)],
      ...[tenth(day.runSeconds / day.runs), String(day.runsAtOnce), tenth(day.longestWaitMinutes)],
      ...[whole(day.failed), keepsUp ? 'yes' : 'no'],
    ]);
  }
  const columns = [
    'tables',
    'batch each s',
    'Glue/s',
    'commits',
    's a run',
    'runs at once',
    'longest wait, min',
    'failed',
    'keeps up',
  ];
  return renderTable(
    columns.map((name) => ({ name, align: 'right' as const })),
    rows,
  );
}

async function memory(): Promise<string> {
  const [turn, all] = await committerMemory(Number(values.tables));
  const text = ({ commits, peakMib }: CommitterMemory) => `${whole(commits)} commits, at most ${whole(peakMib)} MiB`;
  return [
    `${whole(Number(values.tables))} tables, ${LISTS} batches that wait: the committer's process`,
    `a run with the tables whose turn it is: ${text(turn)}`,
    `a run with all tables, as after an hour without one: ${text(all)}`,
  ].join('\n');
}

if (values.memory) print(await memory());
else print(values.ceiling ? await ceiling() : dayText(await simulateDay(options()), options()));
