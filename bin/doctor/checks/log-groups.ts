import { type LogGroup, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { check, ok, problem } from '../check.ts';
import { logGroups as logGroupsOf } from '../examined.ts';

/**
 * Whether the log groups of sources are there and can be subscribed to.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
 */
export const logGroups = check<string, LogGroup | undefined>({
  name: 'log group',
  actions: ['logs:DescribeLogGroups'],
  things: logGroupsOf,
  about: (name) => name,
  async ask({ logs: client }, name) {
    // The prefix also finds `/ecs/app-blue`, on as many pages as there are such groups.
    for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name })) {
      const found = logGroups.find(({ logGroupName }) => logGroupName === name);
      if (found) return found;
    }
    return undefined;
  },
  judge(group, name, { region }) {
    if (!group) {
      return [
        problem(
          `It does not exist in ${region}: CloudFormation cannot subscribe to it, and the deployment would fail.`,
          `aws logs create-log-group --log-group-name ${name}`,
        ),
      ];
    }
    const { logGroupClass = 'STANDARD', retentionInDays } = group;
    if (logGroupClass !== 'STANDARD') {
      return [
        problem(
          `Its class is ${logGroupClass}, which has no subscription filters; the class of a log group cannot be changed.`,
          `have the application log to a group of class STANDARD, and name that in cdk.json`,
        ),
      ];
    }
    const kept = retentionInDays === undefined ? 'for ever' : `for ${retentionInDays} days`;
    return [ok(`It exists, and CloudWatch keeps its events ${kept}.`)];
  },
});
