import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn, REGION } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import type { LocalFunction, LocalLambda } from './lambda.ts';

/** The stack's scheduled functions. */
export interface Schedules {
  /**
   * Runs each scheduled function as if hours had passed, until it answers that nothing is left for later runs (`{
   * "left": 0 }`, or no such answer).
   */
  run(): Promise<void>;
  /** Functions that failed repeatedly. */
  readonly failed: readonly { readonly functionName: string; readonly error: string }[];
}

/** The stack's rules, and the functions that they run. */
export interface ScheduleOptions {
  readonly resources: readonly Resource[];
  readonly lambda: LocalLambda;
}

/** The scheduled time is this far ahead: longer than any wait of a scheduled function. */
const AHEAD_MS = 86_400_000;

/** Runs of a function without any progress before it is given up. */
const MAX_TRIES = 5;

/**
 * Reads the stack's scheduled rules.
 *
 * @throws TemplateError naming a target that is not emulated.
 */
export function schedulesOf({ resources, lambda }: ScheduleOptions): Schedules {
  const schedules = resources.filter(isSchedule).flatMap((resource) => {
    const { State, Targets } = propertiesOf(resource, scheduleProperties);
    if (State === 'DISABLED') return [];
    return Targets.map(({ Arn }) => {
      if (Arn !== arnOf('lambda', `function:${nameOfArn(Arn)}`)) {
        throw new TemplateError(
          `rule ${resource.localName}: target ${Arn} is no function; others have no local behaviour`,
        );
      }
      return { rule: resource.localName, target: lambda.function(Arn) };
    });
  });
  const failed: { functionName: string; error: string }[] = [];
  return {
    failed,
    run: async () => {
      for (const { rule, target } of schedules) {
        const error = await runOut(rule, target);
        if (error !== undefined) failed.push({ functionName: target.name, error });
      }
    },
  };
}

/** True for a rule with a schedule, false for a rule with an event pattern. */
export function isSchedule({ type, properties }: Resource): boolean {
  return type === 'AWS::Events::Rule' && properties.ScheduleExpression !== undefined;
}

const target = z.object({ Arn: z.string(), Input: refused, InputPath: refused, InputTransformer: refused });
const scheduleProperties = z.object({
  ScheduleExpression: z.string(),
  EventPattern: refused,
  State: z.string().default('ENABLED'),
  Targets: z.array(target).default([]),
});

const answer = z.object({ left: z.number() });

/** Runs a function until nothing is left. Returns the reason if it is given up. */
async function runOut(rule: string, target: LocalFunction): Promise<string | undefined> {
  let least = Number.POSITIVE_INFINITY;
  let problem = '';
  for (let attempts = 0; attempts < MAX_TRIES; attempts++) {
    const result = await target.invoke(JSON.stringify(scheduledEvent(rule)));
    if (!result.ok) {
      problem = `${result.errorType}: ${result.errorMessage}`;
      continue;
    }
    const { data } = answer.safeParse(JSON.parse(result.payload));
    if (!data || data.left === 0) return undefined;
    problem = `expected nothing left for later runs, got ${data.left}`;
    if (data.left < least) attempts = 0;
    least = Math.min(least, data.left);
  }
  return problem;
}

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html */
function scheduledEvent(rule: string): unknown {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: new Date(Date.now() + AHEAD_MS).toISOString().replace(/\.\d+Z$/, 'Z'),
    region: REGION,
    resources: [arnOf('events', `rule/${rule}`)],
    detail: {},
  };
}
