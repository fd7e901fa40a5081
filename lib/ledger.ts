import { Aws, type Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { LEDGER } from '../lambdas/core/loading/ledger.ts';
import { ENV } from '../lambdas/core/settings.ts';
import type { LogFunction } from './log-function.ts';

export interface LedgerProps {
  /**
   * How long a loaded object is remembered. An object that is announced again later is loaded again, so keep entries
   * longer than objects stay in their bucket. Each object costs one item.
   */
  readonly rememberFor: Duration;
  /**
   * Backups to any second of the last 35 days. Losing the ledger loses no logs; objects that are announced again would
   * be loaded again, and their rows would be recognizable as repeats.
   */
  readonly pointInTimeRecovery: boolean;
  /** @default - a key that AWS owns */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Stores what has been loaded and how far, because every notification is delivered at least once. */
export class Ledger extends Construct {
  readonly table: Table;
  readonly #rememberFor: Duration;
  readonly #encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: LedgerProps) {
    super(scope, id);
    const { rememberFor, pointInTimeRecovery, encryptionKey, removalPolicy } = props;
    this.#rememberFor = rememberFor;
    this.#encryptionKey = encryptionKey;
    this.table = new Table(this, 'Table', {
      partitionKey: { name: LEDGER.key, type: AttributeType.STRING },
      timeToLiveAttribute: LEDGER.expiry,
      // Logs come in bursts, every five minutes from each load balancer node.
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: pointInTimeRecovery },
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
      removalPolicy,
    });
    // Only what waits on the direct lane has these attributes, so without that lane the index is empty and costs nothing.
    this.table.addGlobalSecondaryIndex({
      indexName: LEDGER.index,
      partitionKey: { name: LEDGER.group, type: AttributeType.STRING },
      sortKey: { name: LEDGER.since, type: AttributeType.STRING },
    });
    if (!pointInTimeRecovery) {
      Validations.of(this.table).acknowledge({
        id: 'AwsSolutions-DDB3',
        reason: 'The ledger can be lost without losing a log; ledgerPointInTimeRecovery=true switches backups on.',
      });
    }
  }

  /**
   * Lets `fn` claim, checkpoint and finish inputs (S3 objects and CloudWatch subscription payloads), and sets the
   * variables that its ledger client reads.
   */
  grantUse(fn: LogFunction): void {
    this.#grant(fn, ['UpdateItem', 'GetItem']);
  }

  /** Lets `fn` also make the items of the keys of objects, and entries of objects that wait on the direct lane. */
  grantObjects(fn: LogFunction): void {
    this.grantUse(fn);
    fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [this.table.tableArn] }));
  }

  /** Lets `fn` find what waits and claim it for batches. */
  grantPlan(fn: LogFunction): void {
    this.#grant(fn, ['UpdateItem', 'GetItem', 'PutItem']);
    this.#grantQuery(fn);
  }

  /** Lets `fn` find batches whose files are not committed, and keep books of the commits. */
  grantCommit(fn: LogFunction): void {
    this.#grant(fn, ['UpdateItem', 'GetItem', 'PutItem']);
    this.#grantQuery(fn);
  }

  /** Lets `fn` write batches, and split them. */
  grantWrite(fn: LogFunction): void {
    this.#grant(fn, ['UpdateItem', 'GetItem', 'PutItem', 'BatchGetItem']);
  }

  /** Lets `fn` read what was counted of keys, and keep the records of promoted columns. */
  grantColumns(fn: LogFunction): void {
    this.#grant(fn, ['UpdateItem', 'GetItem']);
  }

  #grantQuery(fn: LogFunction): void {
    const resources = [`${this.table.tableArn}/index/${LEDGER.index}`];
    fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources }));
  }

  #grant(fn: LogFunction, actions: readonly string[]): void {
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [this.table.tableArn],
      }),
    );
    if (this.#encryptionKey) fn.addToRolePolicy(throughDynamoDb(this.#encryptionKey));
    fn.addEnvironment(ENV.ledgerTable, this.table.tableName);
    fn.addEnvironment(ENV.ledgerDays, String(this.#rememberFor.toDays()));
  }
}

/**
 * DynamoDB uses the key on behalf of its caller.
 * https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
 */
export function throughDynamoDb(key: IKey): PolicyStatement {
  return new PolicyStatement({
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'],
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
  });
}
