import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda';
import type { Config } from '../../../lib/config/config.ts';
import { thousands } from '../../output/render.ts';
import { check, ok, problem, THE_ACCOUNT, type Verdict, warning } from '../check.ts';
import type { Examined } from '../examined.ts';

interface Limits {
  /** Concurrent executions of all functions of the account in the Region. */
  readonly all: number;
  /** Those that no function has reserved. */
  readonly unreserved: number;
}

/**
 * What Lambda keeps for functions without a reservation: its guide says 100, accounts with few are known to keep 10.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
const KEPT = 100;
const KEPT_AT_LEAST = 10;

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html */
export const concurrency = check<undefined, Limits>({
  name: 'Lambda concurrency',
  actions: ['lambda:GetAccountSettings'],
  things: () => THE_ACCOUNT,
  about: () => '',
  async ask({ lambda }) {
    const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
    const { ConcurrentExecutions: all, UnreservedConcurrentExecutions: unreserved } = AccountLimit ?? {};
    if (all === undefined) throw new Error('Lambda named no limit');
    return { all, unreserved: unreserved ?? all };
  },
  judge: (limits, _, lake) => [usable(limits, lake), ...reservation(limits, lake)],
});

function usable({ all, unreserved }: Limits, { config, plan, stack }: Examined): Verdict {
  const has = `The account runs ${thousands(all)} functions at a time, ${thousands(unreserved)} of them unreserved`;
  const needed = plan ? plannedPeak(config, plan.sources) : mostAtOnce(config);
  const why = plan ? 'the lake needs about' : `with maxConcurrency=${config.maxConcurrency} the lake may start`;
  const reserved = stack ? 0 : (config.logEventsConcurrency ?? 0);
  if (needed <= unreserved - reserved) return ok(`${has}; ${why} ${thousands(needed)}.`);
  const says = `${has}; ${why} ${thousands(needed)}. Messages that Lambda throttles five times become dead letters.`;
  const quota = `aws service-quotas request-service-quota-increase --service-code lambda --quota-code ${QUOTA_CODE} --desired-value ${Math.max(1000, 2 * needed)}`;
  return plan
    ? problem(says, quota)
    : warning(says, `${quota}, or deploy with -c maxConcurrency=${fitting(unreserved)}`);
}

/** "Concurrent executions" in Service Quotas. */
const QUOTA_CODE = 'L-B99A9384';

/** The most objects at a time for which loading and the duplicate check have room; SQS takes no less than 2. */
function fitting(unreserved: number): number {
  return Math.max(2, Math.floor(unreserved / 2));
}

function plannedPeak(config: Config, sources: readonly { readonly lambda: { readonly peak: number } }[]): number {
  const loading = sources.reduce((sum, { lambda }) => sum + Math.ceil(lambda.peak), 0);
  return config.duplicates.enabled ? 2 * loading : loading;
}

/** Of objects: the invocations for log events have no limit but the account's. */
function mostAtOnce({ sources, maxConcurrency, duplicates }: Config): number {
  if (!sources.some(({ lane }) => lane === 'objects')) return 0;
  return duplicates.enabled ? 2 * maxConcurrency : maxConcurrency;
}

/** What a stack that is deployed has reserved is no longer unreserved, so it is not judged again. */
function reservation({ unreserved }: Limits, { config, stack }: Examined): Verdict[] {
  const { logEventsConcurrency: reserved, sources } = config;
  if (reserved === undefined || stack || !sources.some(({ lane }) => lane === 'events')) return [];
  const left = unreserved - reserved;
  if (left >= KEPT) return [];
  const says = `logEventsConcurrency=${reserved} leaves ${thousands(left)} to functions without a reservation`;
  const next =
    unreserved > KEPT
      ? `npx cdk deploy -c logEventsConcurrency=${unreserved - KEPT}`
      : 'leave logEventsConcurrency out of cdk.json';
  return left < KEPT_AT_LEAST
    ? [problem(`${says}: Lambda refuses that, and the deployment would fail.`, next)]
    : [warning(`${says}: Lambda may refuse to leave less than ${KEPT}.`, next)];
}
