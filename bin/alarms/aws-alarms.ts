/** The alarms of a deployed stack, as CloudWatch has them. */
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { deployedStack } from '../operations/deployed-lake.ts';
import { type AlarmState, inOrder } from './alarm-state.ts';

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
const MOST_NAMES = 100;

/** @throws CommandError if the stack does not exist */
export async function awsAlarms(stackName: string): Promise<AlarmState[]> {
  const { alarms: names } = await deployedStack(stackName);
  const client = new CloudWatchClient({});
  const states: AlarmState[] = [];
  for (let at = 0; at < names.length; at += MOST_NAMES) {
    const AlarmNames = names.slice(at, at + MOST_NAMES);
    // Without the largest number, an answer has only the first 50.
    const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNames, MaxRecords: MOST_NAMES }));
    for (const alarm of MetricAlarms) {
      states.push({
        name: alarm.AlarmName ?? '',
        state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
        reason: alarm.StateReason ?? '',
        description: alarm.AlarmDescription ?? '',
        ...(alarm.StateTransitionedTimestamp && { since: alarm.StateTransitionedTimestamp.toISOString() }),
        actions: alarm.ActionsEnabled !== false && (alarm.AlarmActions?.length ?? 0) > 0,
      });
    }
  }
  return inOrder(states);
}
