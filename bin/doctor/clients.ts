/** Clients of the services that are asked. Credentials, Region and endpoints come from the SDK's default chain. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { KMSClient } from '@aws-sdk/client-kms';
import { LakeFormationClient } from '@aws-sdk/client-lakeformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import type { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { s3Client } from '../../lambdas/edges/s3.ts';

export interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly cloudWatch: CloudWatchClient;
  readonly dynamodb: DynamoDBClient;
  readonly glue: GlueClient;
  readonly kms: KMSClient;
  readonly lakeFormation: LakeFormationClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
}

/** The clients, and the Region that they ask. @throws the SDK's error if there is no Region, or if there are no credentials */
export async function openClients(): Promise<{ readonly clients: Clients; readonly region: string }> {
  const clients: Clients = {
    cloudFormation: new CloudFormationClient({}),
    cloudWatch: new CloudWatchClient({}),
    dynamodb: new DynamoDBClient({}),
    glue: new GlueClient({}),
    kms: new KMSClient({}),
    lakeFormation: new LakeFormationClient({}),
    lambda: new LambdaClient({}),
    logs: new CloudWatchLogsClient({}),
    s3: s3Client(),
    sns: new SNSClient({}),
  };
  const { config } = clients.cloudFormation;
  const region = await config.region();
  await config.credentials();
  return { clients, region };
}
