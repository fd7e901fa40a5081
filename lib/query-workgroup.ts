import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Table } from '../lambdas/core/tables/table.ts';
import { onceName, onceView } from '../lambdas/core/tables/views.ts';
import type { Catalog } from './catalog.ts';
import { LAKE, WORKGROUP } from './names.ts';

/** What queries may scan, and where their results lie. */
export interface QueryWorkgroupProps {
  readonly lake: IBucket;
  readonly catalog: Catalog;
  /** Each gets a saved query that makes a view of it without repeats. */
  readonly tables: readonly Table[];
  /** What one query may scan, in GiB; at least 0.01. Beyond it Athena cancels the query. */
  readonly scanLimitGiB: number;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
}

const BYTES_PER_GIB = 2 ** 30;

/** The Athena workgroup the lake is queried in. Its limits hold whatever a client asks for. */
export class QueryWorkgroup extends Construct {
  readonly workgroupName: string;

  constructor(scope: Construct, id: string, props: QueryWorkgroupProps) {
    super(scope, id);
    const { lake, scanLimitGiB, encryptionKey } = props;
    const workgroup = new CfnWorkGroup(this, 'Resource', {
      name: WORKGROUP,
      description: 'Queries of the log lake, with a limit to what one may scan.',
      // Otherwise a workgroup that was ever used could not be deleted with its stack.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: Math.floor(scanLimitGiB * BYTES_PER_GIB),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${lake.bucketName}/${LAKE.queryResults}`,
          encryptionConfiguration: encryptionKey
            ? { encryptionOption: 'SSE_KMS', kmsKey: encryptionKey.keyArn }
            : { encryptionOption: 'SSE_S3' },
        },
      },
    });
    this.workgroupName = workgroup.ref;
    for (const table of props.tables) this.#saveView(table, props.catalog);
  }

  /** Saved and not made: a view in Glue is what Athena has encoded, which only running the statement gives. */
  #saveView(table: Table, catalog: Catalog): void {
    const of = {
      database: catalog.databaseName,
      table: table.name,
      columns: table.columns.map(({ name }) => name),
    };
    new CfnNamedQuery(this, onceName(table.name), {
      name: `make the view ${onceName(table.name)}`,
      description: `The rows of ${table.name} without repeats: one of each that has the same origin and position.`,
      database: catalog.databaseName,
      workGroup: this.workgroupName,
      queryString: onceView(of),
    });
  }
}
