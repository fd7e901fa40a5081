import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ILogGroup, LogStream } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeKeys } from './acknowledge.ts';
import { deliveryRole, encryptionInStream, encryptionOfFiles, keyUse, logStreamArn } from './delivery-streams.ts';
import { LAKE } from './names.ts';

export interface PayloadStreamProps {
  /** Name of the source whose log groups write to the stream. */
  readonly source: string;
  /** Where the payloads go, below the prefix of the source. */
  readonly bucket: Bucket;
  /** Where Firehose logs why it could not deliver. */
  readonly logs: ILogGroup;
  /** @default - keys that AWS owns */
  readonly encryptionKey?: IKey | undefined;
  /** Unless it is DESTROY, a stream that a deployment removes delivers what it holds. */
  readonly removalPolicy: RemovalPolicy;
}

/** An object of payloads is not large, and an hour has few: some hundred MiB of events, or a minute of them. */
const BUFFER = { size: Size.mebibytes(64), interval: Duration.seconds(60) };

/** Prefix in the bucket of the payloads of a source. */
export function payloadsPrefix(source: string): string {
  return `log-groups/${source}/`;
}

/**
 * The Firehose stream that the log groups of a source write to, on the direct lane. It puts CloudWatch's payloads into a
 * bucket as they are, which are gzip: nothing is decompressed or converted, so that only their compressed bytes are billed.
 */
export class PayloadStream extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: PayloadStreamProps) {
    super(scope, id);
    const { source, bucket, logs, encryptionKey, removalPolicy } = props;
    const logStreamName = `log-groups-${source}`;
    const logStream = new LogStream(this, 'Log', {
      logGroup: logs,
      logStreamName,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const prefix = payloadsPrefix(source);
    // Required beside a prefix with a time; without a conversion nothing is ever put there.
    const errorPrefix = `${LAKE.errors}${source}/`;
    const own = [`${prefix}*`, `${errorPrefix}*`];
    const role = deliveryRole(this, {
      description: `Delivers payloads of the log groups of ${source}.`,
      allowed: [
        [['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], [bucket.bucketArn]],
        [['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], own.map((keys) => bucket.arnForObjects(keys))],
        [['logs:PutLogEvents'], [logStreamArn(this, logs, logStreamName)]],
        ...keyUse(encryptionKey),
      ],
    });
    for (const keys of own) {
      acknowledgeKeys(role, bucket, keys, `Firehose names its objects itself; only those of ${source} are reached.`);
    }
    role.applyRemovalPolicy(removalPolicy);
    const stream = new CfnDeliveryStream(this, 'Resource', {
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: encryptionInStream(encryptionKey),
      extendedS3DestinationConfiguration: {
        bucketArn: bucket.bucketArn,
        roleArn: role.roleArn,
        prefix: `${prefix}!{timestamp:yyyy/MM/dd}/`,
        errorOutputPrefix: `${errorPrefix}!{firehose:error-output-type}/`,
        bufferingHints: {
          sizeInMBs: BUFFER.size.toMebibytes(),
          intervalInSeconds: BUFFER.interval.toSeconds(),
        },
        // The payloads are gzip already.
        compressionFormat: 'UNCOMPRESSED',
        fileExtension: '.gz',
        encryptionConfiguration: encryptionOfFiles(encryptionKey),
        cloudWatchLoggingOptions: {
          enabled: true,
          logGroupName: logs.logGroupName,
          logStreamName: logStream.logStreamName,
        },
      },
    });
    // The bucket is emptied, if it is, after the stream is deleted.
    stream.node.addDependency(bucket);
    stream.applyRemovalPolicy(removalPolicy);
    this.arn = stream.attrArn;
  }
}
