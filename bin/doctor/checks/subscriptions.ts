import {
  DescribeSubscriptionFiltersCommand,
  ResourceNotFoundException,
  type SubscriptionFilter,
} from '@aws-sdk/client-cloudwatch-logs';
import { check, ok, problem } from '../check.ts';
import { type Examined, logGroups } from '../examined.ts';

/**
 * Subscription filters that a log group can have.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
const MAX_FILTERS = 5;

/** Whether a log group has room for the filter of the stack, or has it. */
export const subscriptions = check<string, readonly SubscriptionFilter[] | undefined>({
  name: 'subscription filters',
  actions: ['logs:DescribeSubscriptionFilters'],
  things: logGroups,
  about: (logGroup) => logGroup,
  async ask({ logs }, logGroupName) {
    try {
      const { subscriptionFilters = [] } = await logs.send(new DescribeSubscriptionFiltersCommand({ logGroupName }));
      return subscriptionFilters;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  },
  judge(filters, logGroup, lake) {
    // That there is no such log group is said of the log group.
    if (!filters) return [];
    const { stack } = lake;
    const others = filters.filter((filter) => !isOurs(filter, lake));
    if (others.length < filters.length) return [ok('It is subscribed by the stack.')];
    if (others.length >= MAX_FILTERS) {
      return [
        problem(
          `It has ${others.length} subscription filters of others, and CloudWatch allows ${MAX_FILTERS}: the deployment would fail.`,
          `aws logs describe-subscription-filters --log-group-name ${logGroup}, then delete one that nobody needs`,
        ),
      ];
    }
    if (stack) {
      return [
        problem(
          'The stack is not subscribed to it: its events are not loaded.',
          `npx cdk diff ${stack.name}: deploy if the log group is new in cdk.json; if the filter was deleted by hand, take the ` +
            'log group out of the source, deploy, put it back and deploy again',
        ),
      ];
    }
    return [ok(`${others.length} of ${MAX_FILTERS} subscription filters are taken.`)];
  },
});

/** Before the first deployment nothing is ours, but for a stack that is there although nobody named it. */
function isOurs({ destinationArn = '' }: SubscriptionFilter, { stack, config }: Examined): boolean {
  return stack
    ? destinationArn === stack.logEventsArn
    : destinationArn.includes(`:function:${config.stackName}-LoadLogEvents`);
}
