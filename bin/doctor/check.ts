/** What a check of an account is: what it asks, about which things, and how it judges the answer. */
import type { Clients } from './clients.ts';
import type { Examined } from './examined.ts';

/**
 * `problem`: a deployment would fail, or logs would not be loaded. `warning`: this may be so. `not known`: it could not be
 * asked, because the caller may not, for example.
 */
export type Outcome = 'ok' | 'warning' | 'problem' | 'not known';

/** What a check says of a thing. */
export interface Verdict {
  readonly outcome: Outcome;
  /** Whole sentences. */
  readonly says: string;
  /** The next command to run, or the page to read. Absent if there is nothing to do. */
  readonly next?: string;
}

/** A verdict with what it is about. */
export interface Finding extends Verdict {
  readonly check: string;
  /** Name of a bucket, a log group, a source; empty for the account itself. */
  readonly about: string;
}

/** One question to the account. */
export interface Question<Thing, Answer> {
  readonly name: string;
  /** IAM actions that asking needs. */
  readonly actions: readonly string[];
  /** What is asked about, one question for each. */
  readonly things: (lake: Examined) => readonly Thing[];
  /** Name of a thing; empty for the account itself. */
  readonly about: (thing: Thing) => string;
  /** @throws what the service answers, unless it is an answer to the question */
  readonly ask: (clients: Clients, thing: Thing, lake: Examined) => Promise<Answer>;
  /** None if another check says it. */
  readonly judge: (answer: Answer, thing: Thing, lake: Examined) => readonly Verdict[];
}

/** A question with its types closed over. */
export interface Check {
  readonly name: string;
  readonly actions: readonly string[];
  /** Never throws: what cannot be asked is not known. */
  readonly examine: (clients: Clients, lake: Examined) => Promise<Finding[]>;
}

/** The things of a check are asked one after the other, because services throttle such questions. */
export function check<Thing, Answer>(question: Question<Thing, Answer>): Check {
  const { name, actions } = question;
  return {
    name,
    actions,
    async examine(clients, lake) {
      const findings: Finding[] = [];
      for (const thing of question.things(lake)) {
        const verdicts = await verdictsOn(question, thing, clients, lake);
        findings.push(...verdicts.map((verdict) => ({ check: name, about: question.about(thing), ...verdict })));
      }
      return findings;
    },
  };
}

async function verdictsOn<Thing, Answer>(
  question: Question<Thing, Answer>,
  thing: Thing,
  clients: Clients,
  lake: Examined,
): Promise<readonly Verdict[]> {
  let answer: Answer;
  try {
    answer = await question.ask(clients, thing, lake);
  } catch (error) {
    return [notAsked(error, question.actions)];
  }
  return question.judge(answer, thing, lake);
}

function notAsked(error: unknown, actions: readonly string[]): Verdict {
  const what = whatItSays(error);
  return isDenied(error)
    ? notKnown(`The caller may not ask: ${what}.`, `allow the caller ${actions.join(', ')}`)
    : notKnown(`It could not be asked: ${what}.`);
}

/** The service's own words, without the full stop at their end. The answer to a HEAD request has none. */
function whatItSays(error: unknown): string {
  const { name = 'Error', message = '' } = error as Error;
  if (WITHOUT_WORDS.test(name)) return `status ${statusOf(error) ?? 'unknown'}`;
  return `${name}, ${message || 'without a message'}`.replace(/\.$/, '');
}

/** Whether a service refused the caller; credentials that it does not know are refused with other names. */
export function isDenied(error: unknown): boolean {
  const { name = '' } = error as Error;
  return DENIED.test(name) || (WITHOUT_WORDS.test(name) && statusOf(error) === 403);
}

const DENIED = /^(?:AccessDenied|AccessDeniedException|Forbidden|UnauthorizedOperation)$/;
const WITHOUT_WORDS = /^(?:Unknown|UnknownError|\d{3})$/;

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

export function ok(says: string): Verdict {
  return { outcome: 'ok', says };
}

export function warning(says: string, next?: string): Verdict {
  return { outcome: 'warning', says, ...(next && { next }) };
}

export function problem(says: string, next: string): Verdict {
  return { outcome: 'problem', says, next };
}

export function notKnown(says: string, next?: string): Verdict {
  return { outcome: 'not known', says, ...(next && { next }) };
}

/** The things of a check of the account as a whole. */
export const THE_ACCOUNT: readonly undefined[] = [undefined];
