import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type LifecycleRule, StorageClass } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { loadsTable, rejectedTable } from '../lambdas/core/tables/lake-tables.ts';
import { LAKE } from './names.ts';
import { encryptionWith, OwnBucket } from './own-bucket.ts';

/** How long the lake keeps its data, and how the data is encrypted. */
export interface LakeBucketProps {
  /**
   * How long rows stay, and also data that could not become rows: delivery errors, and events that no attempt could
   * load.
   */
  readonly keepFor: Duration;
  /** Tables of sources, each with how long its rows stay, and after what time they are archived, if ever. */
  readonly tables: readonly { readonly name: string; readonly keepFor: Duration; readonly archiveAfter?: Duration }[];
  /**
   * How long the lists of batches stay, which a reload needs: as long as the objects that they name. Lists of batches that
   * are not written are renewed each week (core/direct/renew-lists.ts), so all stay at least for some weeks.
   */
  readonly keepListsFor: Duration;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Results are read within minutes; they are kept for a month so that a query can be looked up again. */
const KEEP_QUERY_RESULTS = Duration.days(30);

/**
 * An upload of the direct lane may be sealed and not completed as long as nobody can publish it. After this time its rows
 * would be lost.
 */
const KEEP_UPLOADS = Duration.days(14);

/** Four weeks in which lists are renewed, and some days. */
const KEEP_LISTS = Duration.days(30);

function longer(one: Duration, other: Duration): Duration {
  return one.toMilliseconds() > other.toMilliseconds() ? one : other;
}

/** The bucket for tables, delivery errors, failed events and query results. */
export class LakeBucket extends OwnBucket {
  constructor(scope: Construct, id: string, props: LakeBucketProps) {
    const { keepFor, keepListsFor, encryptionKey, removalPolicy } = props;
    super(scope, id, {
      ...encryptionWith(encryptionKey),
      lifecycleRules: [
        ...retention(props),
        { prefix: LAKE.failedEvents, expiration: keepFor },
        { prefix: LAKE.queryResults, expiration: KEEP_QUERY_RESULTS },
        { prefix: LAKE.lists, expiration: longer(keepListsFor, KEEP_LISTS) },
        { abortIncompleteMultipartUploadAfter: KEEP_UPLOADS },
      ],
      removalPolicy,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Written by Firehose, which logs its failures, and read through Athena, which keeps a history of queries.',
    });
  }
}

/**
 * Where rules overlap, S3 takes the one that expires first. So what no rule of a table is about, such as files of a source
 * that is no more, stays as long as the table that keeps longest.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
 */
function retention({ keepFor, tables }: LakeBucketProps): LifecycleRule[] {
  const longest = Duration.days(Math.max(keepFor.toDays(), ...tables.map((table) => table.keepFor.toDays())));
  const ofLake = [loadsTable, rejectedTable].map(({ name }) => ({ name, keepFor }));
  return [LAKE.data, LAKE.errors].flatMap((prefix) => [
    { prefix, expiration: longest },
    ...[...ofLake, ...tables].flatMap(({ name, ...table }): LifecycleRule[] => {
      const { keepFor: expiration, archiveAfter } = { archiveAfter: undefined, ...table };
      const archived = prefix === LAKE.data && archiveAfter;
      if (!archived && expiration.toDays() === longest.toDays()) return [];
      const transitions = archived
        ? [{ storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: archiveAfter }]
        : [];
      return [{ prefix: `${prefix}${name}/`, expiration, transitions }];
    }),
  ]);
}
