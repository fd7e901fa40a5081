/**
 * What an alarm of the stack is, as a plain value. alarms.ts makes CloudWatch's alarms of such values, `lake plan` counts
 * their metrics, and docs/operations.md has a section for each kind.
 */

/** The kinds of alarms. Each has the section `Alarm <kind>` in docs/operations.md. */
export const ALARM_KINDS = [
  // The whole stack, in the order of the data flow.
  ...(['queue-late', 'dead-letters', 'load-objects', 'unfinished', 'no-rows', 'direct', 'commits'] as const),
  ...(['load-log-events', 'events-given-up', 'throttled', 'lake-tables', 'new-fields'] as const),
  'check',
  // Each source.
  ...(['lines', 'delivery', 'duplicates'] as const),
] as const;

export type AlarmKind = (typeof ALARM_KINDS)[number];

/** A metric that an alarm looks at. */
export interface Watched {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'Maximum';
}

/**
 * An alarm. In every alarm, a period without data is a good one: a quiet stack is not a broken one.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */
export interface AlarmDefinition {
  readonly kind: AlarmKind;
  /** The source that the alarm is for, or undefined if it is for the whole stack. */
  readonly source?: string;
  /** The metrics by the ids that they have in the expression. */
  readonly metrics: Readonly<Record<string, Watched>>;
  /** Metric math over the ids. Without one, the alarm watches its only metric. */
  readonly expression?: string;
  /** A period with a value above this is a bad one. */
  readonly above: number;
  readonly periodSeconds: number;
  /** How many of the last periods the alarm looks at, and how many bad ones raise it. */
  readonly periods: number;
  readonly badPeriods: number;
  /** What has happened: one sentence. */
  readonly happened: string;
  /** The `lake` command to begin with, without its name and the option that names the lake; some need none. */
  readonly command?: string;
}

/** Most metrics of an alarm. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html */
export const MAX_METRICS = 10;

/** The name of an alarm below the name of its stack. */
export function alarmNameOf({ kind, source }: Pick<AlarmDefinition, 'kind' | 'source'>): string {
  return source === undefined ? kind : `${kind}-${source}`;
}

/** The page and the anchor of the section about a kind of alarms. */
export function sectionOf(kind: AlarmKind): string {
  return `docs/operations.md#alarm-${kind}`;
}

/**
 * The last hour, in steps of five minutes, of which one bad step is enough: for what must be looked at although it is
 * over. After an hour the alarm is good again, and the next incident raises it anew.
 */
export const ONCE_AN_HOUR = { periodSeconds: 300, periods: 12, badPeriods: 1 } as const;

/** An expression that is above 0 if one of the conditions holds. */
export function when(...conditions: readonly string[]): { readonly expression: string; readonly above: 0 } {
  return { expression: `IF(${either(...conditions)}, 1, 0)`, above: 0 };
}

// Every operand is in brackets of its own: nothing depends on which operator binds more tightly.

export function either(...conditions: readonly string[]): string {
  return conditions.map((condition) => `(${condition})`).join(' OR ');
}

export function both(one: string, other: string): string {
  return `(${one}) AND (${other})`;
}

/** The metric by its id, with 0 where it has no data: a sum with a gap is a gap. */
export function filled(id: string): string {
  return `FILL(${id}, 0)`;
}

/** The sum of metrics by their ids. */
export function sumOf(ids: readonly string[]): string {
  return ids.length === 1 ? filled(ids.join()) : `(${ids.map(filled).join(' + ')})`;
}
