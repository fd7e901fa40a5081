import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn } from '../account.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { type Statement, statementsOf } from './policy.ts';

const bucketPolicy = z.object({ Bucket: z.string(), PolicyDocument: z.unknown() });
const queuePolicy = z.object({ Queues: z.array(z.string()), PolicyDocument: z.unknown() });
const topicPolicy = z.object({ Topics: z.array(z.string()), PolicyDocument: z.unknown() });
const permission = z.object({
  Action: z.string(),
  FunctionName: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
});

/**
 * What the policies of buckets, queues, topics and functions say, each of its own resource.
 *
 * @throws TemplateError naming what in a policy is not emulated
 */
export function resourceStatements(resources: readonly Resource[]): Statement[] {
  return resources.flatMap((resource) => {
    const where = `resource ${resource.logicalId}`;
    switch (resource.type) {
      case 'AWS::S3::BucketPolicy': {
        const { Bucket, PolicyDocument } = propertiesOf(resource, bucketPolicy);
        const arn = `arn:aws:s3:::${Bucket}`;
        return statementsOf(PolicyDocument, where).map((statement) => within(statement, arn, `${arn}/`));
      }
      case 'AWS::SQS::QueuePolicy': {
        const { Queues, PolicyDocument } = propertiesOf(resource, queuePolicy);
        const statements = statementsOf(PolicyDocument, where);
        const arns = Queues.map((url) => arnOf('sqs', url.slice(url.lastIndexOf('/') + 1)));
        return arns.flatMap((arn) => statements.map((statement) => within(statement, arn)));
      }
      case 'AWS::SNS::TopicPolicy': {
        const { Topics, PolicyDocument } = propertiesOf(resource, topicPolicy);
        const statements = statementsOf(PolicyDocument, where);
        return Topics.flatMap((arn) => statements.map((statement) => within(statement, arn)));
      }
      case 'AWS::Lambda::Permission':
        return statementsOf({ Statement: statementOf(propertiesOf(resource, permission)) }, where);
      default:
        return [];
    }
  });
}

/** A statement of a resource's policy is about that resource alone, whatever it names. */
function within(statement: Statement, arn: string, below?: string): Statement {
  const isOwn = (resource: string) => resource === arn || (below !== undefined && resource.startsWith(below));
  return { ...statement, isOfResource: (resource) => isOwn(resource) && statement.isOfResource(resource) };
}

/** The statement that Lambda makes of it: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
function statementOf({ Action, FunctionName, Principal, SourceArn, SourceAccount }: z.output<typeof permission>) {
  const conditions = {
    ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
    ...(SourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
  };
  const isAccount = Principal === ACCOUNT || Principal.startsWith('arn:');
  return {
    Effect: 'Allow',
    Principal: isAccount ? { AWS: Principal } : { Service: Principal },
    Action,
    Resource: arnOf('lambda', `function:${nameOfArn(FunctionName)}`),
    Condition: conditions,
  };
}
