import { createHash } from 'node:crypto';
import { ArnFormat, Aws, CfnDeletionPolicy, type Duration, RemovalPolicy, type Size, Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPrincipalPermissions } from 'aws-cdk-lib/aws-lakeformation';
import { type ILogGroup, LogStream } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { PARTITION, type Table } from '../lambdas/core/tables/table.ts';
import { acknowledgeKeys } from './acknowledge.ts';
import type { Catalog } from './catalog.ts';
import {
  type Allowed,
  deliveryRole,
  encryptionInStream,
  encryptionOfFiles,
  keyUse,
  logStreamArn,
} from './delivery-streams.ts';
import { LAKE } from './names.ts';

/** How rows are delivered; the same for every table. */
export interface DeliveryProps {
  readonly lake: Bucket;
  readonly catalog: Catalog;
  /** Where Firehose logs why it could not deliver. */
  readonly logs: ILogGroup;
  /** Most data gathered for a file; 64-128 MiB. */
  readonly bufferSize: Size;
  /** Longest time that data is gathered for a file; at most 900 seconds. */
  readonly bufferInterval: Duration;
  readonly compression: 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED';
  /** IANA name of the time zone in which the days of the partitions begin. */
  readonly timeZone: string;
  /** @default - keys that AWS owns */
  readonly encryptionKey?: IKey;
  /**
   * Unless it is DESTROY, streams that a deployment removes deliver the rows they hold, and stay until an operator
   * deletes them.
   */
  readonly removalPolicy: RemovalPolicy;
  /** Grants for the delivery roles, which Lake Formation asks for in some accounts. */
  readonly lakeFormation: boolean;
}

/** The table to deliver to. */
export interface TableStreamsProps extends DeliveryProps {
  readonly table: Table;
  /** Number of streams into the table, at least 1. */
  readonly streams: number;
  /** Nothing is sent to the streams any more, so that they can be deleted. */
  readonly retired: boolean;
  /** Format of the source, for the table of a source. */
  readonly format?: string;
}

/**
 * Firehose streams that convert JSON to one table's Parquet. All have the same settings: one role, one prefix, one log
 * for their errors. Uses CloudFormation's own resource, because CDK's class would grant the role wildcard actions on
 * the whole bucket.
 */
export class TableStreams extends Construct {
  /** Name and ARN of each stream, as references. */
  readonly streams: readonly { readonly name: string; readonly arn: string }[];

  constructor(scope: Construct, id: string, props: TableStreamsProps) {
    super(scope, id);
    const { table, logs, encryptionKey, removalPolicy } = props;
    const logStream = new LogStream(this, 'Log', {
      logGroup: logs,
      logStreamName: table.name,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const keep = props.retired ? RemovalPolicy.DESTROY : removalPolicy;
    const role = this.#role(props);
    // Without its role no stream delivers the rows it holds, so the role stays as long as a stream does.
    role.applyRemovalPolicy(keep);
    const grants = props.lakeFormation ? this.#lakeFormationGrants(props, role, keep) : [];
    const all = Array.from({ length: props.streams }, (_, index) => {
      // The first stream keeps its id whatever their number is: under another id it would be another stream.
      const stream = new CfnDeliveryStream(this, index === 0 ? 'Resource' : `No${index + 1}`, {
        deliveryStreamType: 'DirectPut',
        deliveryStreamEncryptionConfigurationInput: encryptionInStream(encryptionKey),
        extendedS3DestinationConfiguration: {
          ...destination(props),
          roleArn: role.roleArn,
          cloudWatchLoggingOptions: {
            enabled: true,
            logGroupName: logs.logGroupName,
            logStreamName: logStream.logStreamName,
          },
          dataFormatConversionConfiguration: formatConversion(props, role.roleArn),
        },
      });
      if (props.format) stream.overrideLogicalId(idOfFormat(Stack.of(this).getLogicalId(stream), props.format));
      // Firehose tests what its role may do when the stream is created. The bucket is emptied, if it is, after the stream
      // is deleted.
      stream.node.addDependency(props.lake, ...grants);
      stream.applyRemovalPolicy(keep);
      // A stream that a deploy replaces still holds rows; deleting it would lose them.
      stream.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
      return stream;
    });
    this.streams = all.map((stream) => ({ name: stream.ref, arn: stream.attrArn }));
  }

  #role({ table, lake, catalog, logs, encryptionKey }: TableStreamsProps): Role {
    const own = [`${LAKE.data}${table.name}/*`, `${LAKE.errors}${table.name}/*`];
    const glueArn = (resource: string, resourceName?: string) =>
      Stack.of(this).formatArn({
        service: 'glue',
        resource,
        resourceName,
        arnFormat: resourceName ? ArnFormat.SLASH_RESOURCE_NAME : ArnFormat.NO_RESOURCE_NAME,
      });
    const allowed: Allowed[] = [
      [['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], [lake.bucketArn]],
      [['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], own.map((keys) => lake.arnForObjects(keys))],
      [
        ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
        [
          glueArn('catalog'),
          glueArn('database', catalog.databaseName),
          glueArn('table', `${catalog.databaseName}/${catalog.tableName(table)}`),
        ],
      ],
      [['logs:PutLogEvents'], [logStreamArn(this, logs, table.name)]],
      ...keyUse(encryptionKey),
    ];
    const role = deliveryRole(this, { description: `Delivers to the table ${table.name}.`, allowed });
    for (const keys of own) {
      acknowledgeKeys(role, lake, keys, `Firehose names its files itself; only those of ${table.name} are reached.`);
    }
    return role;
  }

  /**
   * Without these, Firehose is refused the schema where Lake Formation does not leave permissions to IAM.
   * https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html
   */
  #lakeFormationGrants({ table, catalog }: TableStreamsProps, role: Role, removalPolicy: RemovalPolicy) {
    const { databaseName } = catalog;
    const catalogId = Aws.ACCOUNT_ID;
    const grants = {
      Database: { resource: { database: { catalogId, name: databaseName } }, permissions: ['DESCRIBE'] },
      Table: {
        resource: { table: { catalogId, databaseName, name: catalog.tableName(table) } },
        permissions: ['DESCRIBE', 'SELECT'],
      },
    };
    return Object.entries(grants).map(([id, { resource, permissions }]) => {
      const grant = new CfnPrincipalPermissions(this, `${id}Permissions`, {
        principal: { dataLakePrincipalIdentifier: role.roleArn },
        resource,
        permissions,
        permissionsWithGrantOption: [],
      });
      grant.applyRemovalPolicy(removalPolicy);
      return grant;
    });
  }
}

/**
 * Has a source of another format deliver by another stream: the formats' keys mean different columns, so the rows that the
 * stream of before holds must be delivered with its mapping. Changes only the hash at the end of the id.
 */
function idOfFormat(logicalId: string, format: string): string {
  const hash = createHash('sha256').update(`${logicalId} ${format}`).digest('hex').slice(0, HASH_LENGTH);
  return logicalId.slice(0, -HASH_LENGTH) + hash.toUpperCase();
}

/** Characters of the hash with which CDK ends a logical id. */
const HASH_LENGTH = 8;

/** https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html */
function destination({ table, lake, bufferSize, bufferInterval, timeZone, encryptionKey }: TableStreamsProps) {
  const day = `${PARTITION.name}=!{timestamp:yyyy-MM-dd}/`;
  return {
    bucketArn: lake.bucketArn,
    prefix: `${LAKE.data}${table.name}/${day}`,
    errorOutputPrefix: `${LAKE.errors}${table.name}/!{firehose:error-output-type}/${day}`,
    customTimeZone: timeZone,
    bufferingHints: { sizeInMBs: bufferSize.toMebibytes(), intervalInSeconds: bufferInterval.toSeconds() },
    // Parquet compresses internally; format conversion refuses any other value here.
    compressionFormat: 'UNCOMPRESSED',
    encryptionConfiguration: encryptionOfFiles(encryptionKey),
  };
}

/** https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html */
function formatConversion({ table, catalog, compression }: TableStreamsProps, roleArn: string) {
  return {
    enabled: true,
    inputFormatConfiguration: {
      deserializer: {
        openXJsonSerDe: {
          caseInsensitive: false,
          columnToJsonKeyMappings: Object.fromEntries(table.columns.map(({ name, key }) => [name, key])),
        },
      },
    },
    outputFormatConfiguration: { serializer: { parquetSerDe: { compression } } },
    schemaConfiguration: {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: catalog.databaseName,
      tableName: catalog.tableName(table),
      region: Aws.REGION,
      roleArn,
      versionId: 'LATEST',
    },
  };
}
