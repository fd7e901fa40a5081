import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  NotFoundException,
  type Subscription,
} from '@aws-sdk/client-sns';
import { check, ok, problem, warning } from '../check.ts';
import type { Examined } from '../examined.ts';
import { allows } from '../policy.ts';

/** Undefined if there is no such topic. */
type Topic = { readonly policy: string; readonly subscriptions: readonly Subscription[] } | undefined;

/** What SNS answers in place of the ARN of a subscription that nobody has confirmed yet. */
const PENDING = 'PendingConfirmation';

/** Whether the alarms tell somebody. https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html */
export const alarmTopics = check<string, Topic>({
  name: 'alarm topic',
  actions: ['sns:GetTopicAttributes', 'sns:ListSubscriptionsByTopic'],
  things: topicsOf,
  about: (arn) => arn.split(':').at(-1) ?? arn,
  async ask({ sns }, arn) {
    try {
      const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: arn }));
      // One page is enough to know whether anybody is told.
      const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn }));
      return { policy: Attributes?.Policy ?? '', subscriptions: Subscriptions };
    } catch (error) {
      if (error instanceof NotFoundException) return undefined;
      throw error;
    }
  },
  judge(topic, arn, { region }) {
    const topicRegion = arn.split(':')[3];
    if (topicRegion !== region) {
      return [
        problem(
          `The topic is in ${topicRegion}, and the alarms in ${region}: CloudWatch tells only topics of its own Region.`,
          `aws sns create-topic --region ${region} --name ${arn.split(':').at(-1)}, and set alarmTopicArn to its ARN`,
        ),
      ];
    }
    if (!topic) return [problem(`There is no topic ${arn}.`, 'correct alarmTopicArn in cdk.json: aws sns list-topics')];
    if (!allows(topic.policy, ['cloudwatch.amazonaws.com'], 'sns:Publish', arn)) {
      return [
        problem(
          'The policy of the topic does not let CloudWatch publish, so the alarms tell nobody.',
          `aws sns set-topic-attributes --topic-arn ${arn} --attribute-name Policy --attribute-value POLICY, which lets cloudwatch.amazonaws.com call sns:Publish`,
        ),
      ];
    }
    const confirmed = topic.subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn !== PENDING);
    if (confirmed.length > 0)
      return [ok(`${confirmed.length === 1 ? 'A subscriber is' : `${confirmed.length} subscribers are`} told.`)];
    if (topic.subscriptions.length > 0) {
      const { Endpoint = 'the subscriber' } = topic.subscriptions[0] ?? {};
      return [
        warning(
          `Nobody is told: ${Endpoint} has not confirmed the subscription.`,
          'open the link in the e-mail "AWS Notification - Subscription Confirmation"; after three days, deploy without and with alarmEmail again',
        ),
      ];
    }
    return [
      warning(
        'Nobody has subscribed to the topic, so the alarms tell nobody.',
        `aws sns subscribe --topic-arn ${arn} --protocol email --notification-endpoint ADDRESS`,
      ),
    ];
  },
});

/** The topic of the configuration, and that of a stack with `alarmEmail`. */
function topicsOf({ config, stack }: Examined): string[] {
  return [config.alarmTopicArn, stack?.alarmTopicArn].filter((arn) => arn !== undefined);
}
