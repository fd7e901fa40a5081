import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn, REGION } from '../account.ts';
import type { Need } from '../iam/needs.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import type { LocalFunction, LocalLambda } from './lambda.ts';

/** The stack's scheduled functions. */
export interface Schedules {
  /** What EventBridge must be allowed. */
  readonly needs: readonly Need[];
  /** Begins to run them, none of them given up. */
  watch(): ScheduledRounds;
  /** Functions that were given up. */
  readonly failed: readonly { readonly functionName: string; readonly error: string }[];
}

/** Scheduled functions that are run again and again, while others work between the runs. */
export interface ScheduledRounds {
  /**
   * Runs each function once, as if hours had passed. A function that fails, or leaves as much as before, in several rounds is
   * given up and does not run any more: soon if nobody has worked since the last round, late if somebody has.
   *
   * @param worked whether anybody has worked since the last round
   * @returns how much the functions leave that are not given up: the sum of what they answer (`{ "left": 3 }`, nothing for
   * any other answer), and 1 for one that failed
   */
  run(worked: boolean): Promise<number>;
}

/** The stack's rules, and the functions that they run. */
export interface ScheduleOptions {
  readonly resources: readonly Resource[];
  readonly lambda: LocalLambda;
}

/** The scheduled time is this far ahead: longer than any wait of a scheduled function. */
const AHEAD_MS = 86_400_000;

/** Rounds of a function without progress before it is given up: if nobody else works either, and if somebody does. */
const MAX_IDLE_ROUNDS = 5;
const MAX_BUSY_ROUNDS = 100;

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
    needs: schedules.map(({ rule, target }) => ({
      ...{ what: `rule ${rule}`, service: 'events.amazonaws.com', source: arnOf('events', `rule/${rule}`) },
      ...{ actions: ['lambda:InvokeFunction'], resource: target.arn },
    })),
    watch: () => {
      let watched = schedules.map(({ rule, target }) => new WatchedFunction(rule, target));
      return {
        run: async (worked) => {
          let left = 0;
          for (const one of watched) left += await one.run(worked);
          for (const { name, givenUp } of watched) {
            if (givenUp !== undefined) failed.push({ functionName: name, error: givenUp });
          }
          watched = watched.filter(({ givenUp }) => givenUp === undefined);
          return left;
        },
      };
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

/** A scheduled function, and whether it gets on. */
class WatchedFunction {
  /** Why it was given up. */
  givenUp: string | undefined;
  readonly #rule: string;
  readonly #target: LocalFunction;
  /** What it left last. */
  #left = Number.POSITIVE_INFINITY;
  /** Rounds in a row without progress, and those of them in which nobody worked. */
  #rounds = 0;
  #idle = 0;

  constructor(rule: string, target: LocalFunction) {
    this.#rule = rule;
    this.#target = target;
  }

  get name(): string {
    return this.#target.name;
  }

  /** Runs it once, and returns what it leaves: nothing if that is why it is given up. */
  async run(worked: boolean): Promise<number> {
    const result = await this.#target.invoke(JSON.stringify(scheduledEvent(this.#rule)));
    if (!result.ok) return this.#without(1, false, `${result.errorType}: ${result.errorMessage}`);
    const left = answer.safeParse(JSON.parse(result.payload)).data?.left ?? 0;
    const less = left < this.#left;
    this.#left = left;
    if (left > 0 && !less) return this.#without(left, worked, `expected nothing left for later runs, got ${left}`);
    this.#rounds = 0;
    this.#idle = 0;
    return left;
  }

  #without(left: number, worked: boolean, problem: string): number {
    this.#rounds++;
    if (!worked) this.#idle++;
    if (this.#idle < MAX_IDLE_ROUNDS && this.#rounds < MAX_BUSY_ROUNDS) return left;
    this.givenUp = problem;
    return 0;
  }
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
