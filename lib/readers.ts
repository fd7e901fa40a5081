import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeKeys } from './acknowledge.ts';
import { LAKE } from './names.ts';
import { namesIn } from './names-in.ts';
import type { QueryWorkgroup } from './query-workgroup.ts';

export interface ReadersProps {
  readonly lake: Bucket;
  readonly workgroup: QueryWorkgroup;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
}

/**
 * What someone needs to be allowed who queries the lake in its workgroup, as a managed policy that nobody has yet.
 * https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
 */
export class Readers extends Construct {
  readonly policyArn: string;

  constructor(scope: Construct, id: string, { lake, workgroup, encryptionKey }: ReadersProps) {
    super(scope, id);
    const arn = (service: string, resource: string, resourceName?: string) =>
      Stack.of(this).formatArn({
        service,
        resource,
        resourceName,
        arnFormat: resourceName ? ArnFormat.SLASH_RESOURCE_NAME : ArnFormat.NO_RESOURCE_NAME,
      });
    const [data, iceberg, results] = [LAKE.data, LAKE.iceberg, LAKE.queryResults].map((prefix) =>
      lake.arnForObjects(`${prefix}*`),
    );
    const names = namesIn(this);
    const databases = [names.database, names.icebergDatabase];
    const statements: [actions: string[], resources: (string | undefined)[]][] = [
      [
        [
          ...['GetWorkGroup', 'StartQueryExecution', 'StopQueryExecution', 'GetQueryExecution', 'GetQueryResults'],
          ...['GetQueryResultsStream', 'BatchGetQueryExecution', 'ListQueryExecutions'],
          ...['GetNamedQuery', 'BatchGetNamedQuery', 'ListNamedQueries'],
        ].map((action) => `athena:${action}`),
        [arn('athena', 'workgroup', workgroup.workgroupName)],
      ],
      [
        ['GetDatabase', 'GetTable', 'GetTables', 'GetPartition', 'GetPartitions'].map((action) => `glue:${action}`),
        [
          arn('glue', 'catalog'),
          ...databases.flatMap((name) => [arn('glue', 'database', name), arn('glue', 'table', `${name}/*`)]),
        ],
      ],
      // Engines other than Athena find Iceberg tables by their own protocol, which asks for this on the catalog.
      [['glue:GetCatalog'], [arn('glue', 'catalog')]],
      [['s3:GetBucketLocation', 's3:ListBucket'], [lake.bucketArn]],
      [['s3:GetObject'], [data, iceberg, results]],
      [['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], [results]],
      ...(encryptionKey
        ? [[['kms:Decrypt', 'kms:GenerateDataKey'], [encryptionKey.keyArn]] satisfies [string[], string[]]]
        : []),
    ];
    const policy = new ManagedPolicy(this, 'Policy', {
      description: 'Queries the tables of the log lake in its Athena workgroup.',
      statements: statements.map(
        ([actions, resources]) =>
          new PolicyStatement({ actions, resources: resources.filter((resource) => resource !== undefined) }),
      ),
    });
    this.policyArn = policy.managedPolicyArn;
    for (const prefix of [LAKE.data, LAKE.iceberg, LAKE.queryResults]) {
      acknowledgeKeys(policy, lake, `${prefix}*`, 'Athena names its results itself, and reads all files of a table.');
    }
    for (const database of databases) {
      Validations.of(policy).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${database}/*]`,
        reason: 'All tables of the lake, and the views that its readers make.',
      });
    }
  }
}
