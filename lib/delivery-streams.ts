/** What all Firehose streams of the stack have in common: their roles, their encryption and the log of their errors. */
import { ArnFormat, Aws, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** What a role may do: actions, and the ARNs that they are allowed on. */
export type Allowed = readonly [actions: readonly string[], resources: readonly string[]];

/**
 * A role with which Firehose delivers, and which nobody else can have it use.
 *
 * https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
 */
export function deliveryRole(
  scope: Construct,
  { description, allowed }: { readonly description: string; readonly allowed: readonly Allowed[] },
): Role {
  const role = new Role(scope, 'Role', {
    assumedBy: firehoseOfThisAccount('aws:SourceAccount'),
    description,
    // In the role itself: it then is never there without its policy, and stays with it.
    inlinePolicies: {
      Deliver: new PolicyDocument({
        statements: allowed.map(
          ([actions, resources]) => new PolicyStatement({ actions: [...actions], resources: [...resources] }),
        ),
      }),
    },
  });
  // Firehose's guide checks the external id, CDK's own class the source account; which ones Firehose sends in every
  // Region is not documented. Either suffices.
  role.assumeRolePolicy?.addStatements(
    new PolicyStatement({ actions: ['sts:AssumeRole'], principals: [firehoseOfThisAccount('sts:ExternalId')] }),
  );
  return role;
}

/** Firehose, if it acts for this account, as a condition key says. */
function firehoseOfThisAccount(key: 'aws:SourceAccount' | 'sts:ExternalId'): ServicePrincipal {
  return new ServicePrincipal('firehose.amazonaws.com', { conditions: { StringEquals: { [key]: Aws.ACCOUNT_ID } } });
}

/** What it takes to read and write objects that are encrypted with a key, if there is one. */
export function keyUse(encryptionKey: IKey | undefined): Allowed[] {
  return encryptionKey ? [[['kms:Decrypt', 'kms:GenerateDataKey'], [encryptionKey.keyArn]]] : [];
}

/** How a stream encrypts what it holds. @param encryptionKey default: a key that AWS owns */
export function encryptionInStream(encryptionKey: IKey | undefined) {
  return encryptionKey
    ? { keyType: 'CUSTOMER_MANAGED_CMK', keyArn: encryptionKey.keyArn }
    : { keyType: 'AWS_OWNED_CMK' };
}

/**
 * How a stream encrypts what it delivers. Stated in either case: an update of the stream keeps what it does not mention, so
 * it would go on with a key that its role may no longer use. The files are then encrypted as the bucket says.
 *
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_UpdateDestination.html
 */
export function encryptionOfFiles(encryptionKey: IKey | undefined) {
  return encryptionKey
    ? { kmsEncryptionConfig: { awskmsKeyArn: encryptionKey.keyArn } }
    : { noEncryptionConfig: 'NoEncryption' };
}

/** The log stream in which Firehose says why it could not deliver. */
export function logStreamArn(scope: Construct, logs: ILogGroup, logStreamName: string): string {
  return Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `${logs.logGroupName}:log-stream:${logStreamName}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
