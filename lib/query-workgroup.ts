import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Table } from '../lambdas/core/tables/table.ts';
import { onceName, onceView } from '../lambdas/core/tables/views.ts';
import type { Catalog } from './catalog.ts';
import { LAKE } from './names.ts';
import { namesIn } from './names-in.ts';

/** How much queries may scan, and where their results are stored. */
export interface QueryWorkgroupProps {
  readonly lake: IBucket;
  readonly catalog: Catalog;
  /** Each table gets a saved query that creates a view of it without repeats. */
  readonly tables: readonly Table[];
  /** GiB that one query may scan, at least 0.01. Athena cancels a query that scans more. */
  readonly scanLimitGiB: number;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
}

const BYTES_PER_GIB = 2 ** 30;

/** The Athena workgroup for queries of the lake. Clients cannot override its limits. */
export class QueryWorkgroup extends Construct {
  readonly workgroupName: string;

  constructor(scope: Construct, id: string, props: QueryWorkgroupProps) {
    super(scope, id);
    const { lake, scanLimitGiB, encryptionKey } = props;
    const workgroup = new CfnWorkGroup(this, 'Resource', {
      name: namesIn(this).workgroup,
      description: 'Queries of the log lake, with a limit to what one may scan.',
      // Without this option, a workgroup that has been used could not be deleted with its stack.
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

  /**
   * Saves the query instead of creating the view: Glue stores a view in Athena's own encoding, which only running the
   * statement produces.
   */
  #saveView(table: Table, catalog: Catalog): void {
    const of = {
      database: catalog.databaseName,
      table: table.name,
      columns: table.columns.map(({ name }) => name),
    };
    new CfnNamedQuery(this, onceName(table.name), {
      name: `make the view ${onceName(table.name)}`,
      description: `The rows of ${table.name} without repeats, one of each origin and position, and without objects that were replaced.`,
      database: catalog.databaseName,
      workGroup: this.workgroupName,
      queryString: onceView(of),
    });
  }
}
