import {
  GetBucketNotificationConfigurationCommand,
  type GetBucketNotificationConfigurationCommandOutput,
  type NotificationConfigurationFilter,
} from '@aws-sdk/client-s3';
import { check, isDenied, notKnown, ok, problem, type Verdict, warning } from '../check.ts';
import { type BucketSource, bucketSources, type Examined } from '../examined.ts';

/** Undefined if the bucket belongs to another account, which does not let us ask. */
type Answer = GetBucketNotificationConfigurationCommandOutput | undefined;

/** A notification that a bucket has. */
interface Notified {
  readonly arn: string;
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * Whether new objects are announced, or can be.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
export const notifications = check<BucketSource, Answer>({
  name: 'notifications',
  actions: ['s3:GetBucketNotification'],
  things: (lake) => bucketSources(lake).filter(({ retired }) => !retired),
  about: ({ bucket, prefix }) => `${bucket}/${prefix}`,
  async ask({ s3 }, { bucket, account }) {
    try {
      return await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
    } catch (error) {
      if (account && isDenied(error)) return undefined;
      throw error;
    }
  },
  judge(answer, source, lake) {
    if (!answer) {
      return [
        notKnown(
          `Only the owner, account ${source.account}, can say whether it announces its objects.`,
          `have the owner run: aws s3api get-bucket-notification-configuration --bucket ${source.bucket}`,
        ),
      ];
    }
    return [source.notifications === 'eventbridge' ? byEventBridge(answer, source) : byS3(answer, source, lake)];
  },
});

function byEventBridge({ EventBridgeConfiguration }: NonNullable<Answer>, { bucket }: BucketSource): Verdict {
  if (EventBridgeConfiguration) return ok('EventBridge is switched on.');
  return problem(
    'EventBridge is not switched on, so no object is announced.',
    `aws s3api put-bucket-notification-configuration --bucket ${bucket} --notification-configuration ` +
      `"$(aws s3api get-bucket-notification-configuration --bucket ${bucket} | jq '. + {EventBridgeConfiguration: {}}')"`,
  );
}

function byS3(answer: NonNullable<Answer>, source: BucketSource, { stack, config }: Examined): Verdict {
  const all = notified(answer).filter(({ events }) => events.some((event) => event.startsWith('s3:ObjectCreated:')));
  const isOurs = ({ arn }: Notified) =>
    stack ? arn === stack.topicArn : arn.includes(`:${config.stackName}-NotificationsTopic`);
  const ours = all.filter(isOurs);
  const { prefix, suffix = '' } = source;
  if (ours.some((one) => one.prefix === prefix && one.suffix === suffix))
    return ok('Its objects are announced to the stack.');
  const other = all.find((one) => !isOurs(one) && overlaps(one, { prefix, suffix }));
  if (other) {
    return problem(
      `It already notifies ${other.arn} of objects "${other.prefix}*${other.suffix}": S3 takes no second notification ` +
        'whose prefix and suffix overlap.',
      `set "notifications": "eventbridge" for ${source.name}`,
    );
  }
  if (stack && source.account === undefined) {
    return problem(
      'Its objects are not announced to the stack any more: whoever owns the bucket has overwritten its notifications.',
      `set "notifications": "eventbridge" for ${source.name} and deploy, then: npm run lake -- audit --stack ${stack.name} --fix`,
    );
  }
  if (source.account !== undefined) {
    return warning(
      'It does not announce its objects to the stack: its owner has to notify the topic, once it is there.',
      'docs/deploy.md, "Buckets of others"',
    );
  }
  if (all.length > 0) {
    return warning(
      `It has ${all.length === 1 ? 'a notification' : `${all.length} notifications`} of others, to ${all[0]?.arn}: if another stack ` +
        'sets them, its next change overwrites ours.',
      `set "notifications": "eventbridge" for ${source.name}`,
    );
  }
  return ok('It has no notification that ours could conflict with.');
}

/** S3 refuses two notifications of an event if an object could match both. */
function overlaps(one: Notified, { prefix, suffix }: { readonly prefix: string; readonly suffix: string }): boolean {
  return (
    (one.prefix.startsWith(prefix) || prefix.startsWith(one.prefix)) &&
    (one.suffix.endsWith(suffix) || suffix.endsWith(one.suffix))
  );
}

function notified(answer: NonNullable<Answer>): Notified[] {
  const { TopicConfigurations = [], QueueConfigurations = [], LambdaFunctionConfigurations = [] } = answer;
  return [
    ...TopicConfigurations.map((each) => ({ ...each, arn: each.TopicArn })),
    ...QueueConfigurations.map((each) => ({ ...each, arn: each.QueueArn })),
    ...LambdaFunctionConfigurations.map((each) => ({ ...each, arn: each.LambdaFunctionArn })),
  ].map(({ arn = '', Events: events = [], Filter }) => ({
    arn,
    events,
    prefix: rule(Filter, 'prefix'),
    suffix: rule(Filter, 'suffix'),
  }));
}

/** S3 answers the names of rules as they were set, in any case. */
function rule(filter: NotificationConfigurationFilter | undefined, name: string): string {
  return filter?.Key?.FilterRules?.find(({ Name = '' }) => Name.toLowerCase() === name)?.Value ?? '';
}
