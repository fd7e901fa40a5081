/** Examines an account before a lake is deployed into it, or a stack that is deployed. Nothing is changed. */
import { escapeControls, quantity } from '../output/render.ts';
import { type Mark, marked, terminalWidth } from '../output/terminal.ts';
import { wrapped } from '../output/wrap.ts';
import type { Check, Finding, Outcome } from './check.ts';
import { alarmTopics } from './checks/alarm-topics.ts';
import { bootstrap } from './checks/bootstrap.ts';
import { buckets } from './checks/buckets.ts';
import { concurrency } from './checks/concurrency.ts';
import { database } from './checks/database.ts';
import { elbPolicy } from './checks/elb-policy.ts';
import { icebergCommits } from './checks/iceberg-commits.ts';
import { icebergMaintenance, icebergPartsMaintenance } from './checks/iceberg-maintenance.ts';
import { icebergParts } from './checks/iceberg-parts.ts';
import { icebergMetadata, icebergTable } from './checks/iceberg-tables.ts';
import { keys } from './checks/keys.ts';
import { lakeFormation } from './checks/lake-formation.ts';
import { logGroups } from './checks/log-groups.ts';
import { notifications } from './checks/notifications.ts';
import { stackItself } from './checks/stack.ts';
import { subscriptions } from './checks/subscriptions.ts';
import { throughput } from './checks/throughput.ts';
import type { Clients } from './clients.ts';
import type { Examined } from './examined.ts';

/** In the order in which they are shown. */
export const CHECKS: readonly Check[] = [
  bootstrap,
  stackItself,
  concurrency,
  throughput,
  lakeFormation,
  database,
  icebergTable,
  icebergParts,
  icebergMaintenance,
  icebergPartsMaintenance,
  icebergMetadata,
  icebergCommits,
  keys,
  buckets,
  notifications,
  elbPolicy,
  logGroups,
  subscriptions,
  alarmTopics,
];

/** All findings, in the order of the checks. */
export async function examine(clients: Clients, lake: Examined): Promise<Finding[]> {
  return (await Promise.all(CHECKS.map((check) => check.examine(clients, lake)))).flat();
}

const OUTCOMES: readonly Outcome[] = ['ok', 'warning', 'problem', 'not known'];

export type Counts = Readonly<Record<Outcome, number>>;

export function countsOf(findings: readonly Finding[]): Counts {
  return Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, findings.filter((finding) => finding.outcome === outcome).length]),
  ) as Counts;
}

/** A line for each finding, one below it for what to do, and a last line with the counts. */
export function findingsText(findings: readonly Finding[], width: number | undefined = terminalWidth()): string {
  const lines = findings.flatMap(({ check, about, outcome, says, next }) => {
    const text = escapeControls(`${check}${about ? ` ${about}` : ''}: ${says}`);
    const [first = '', ...others] = wrapped(text, width && width - INDENT.length);
    const mark = MARK_OF[outcome];
    const word = `${mark ? marked(outcome, mark) : outcome}${INDENT.slice(outcome.length)}`;
    return [`${word}${first}`, ...others.map((line) => `${INDENT}${line}`), ...(next ? [`${INDENT}→ ${next}`] : [])];
  });
  return [...lines, '', summary(findings)].join('\n');
}

const MARK_OF: Readonly<Partial<Record<Outcome, Mark>>> = { problem: 'bad', warning: 'warning' };

const WIDEST = Math.max(...OUTCOMES.map(({ length }) => length));
const INDENT = ' '.repeat(WIDEST + 2);

function summary(findings: readonly Finding[]): string {
  const { ok, warning, problem, 'not known': unknown } = countsOf(findings);
  return (
    `${quantity(findings.length, 'finding')}: ${ok} ok, ${quantity(warning, 'warning')}, ` +
    `${quantity(problem, 'problem')}, ${unknown} not known.`
  );
}
