import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Division, FanOut } from '../lambdas/core/tables/fan-out.ts';
import { FAN_OUT_PARAMETER, TABLE_FORMAT_PARAMETER } from '../lambdas/core/tables/lake-tables.ts';
import { PARTITION, type Table } from '../lambdas/core/tables/table.ts';
import type { OnceOf, TablePlace } from '../lambdas/core/tables/views.ts';
import { LAKE } from './names.ts';
import { namesIn } from './names-in.ts';

/** The tables of the catalog and their place. */
export interface CatalogProps {
  readonly lake: IBucket;
  readonly tables: readonly Table[];
  /** Names of the tables whose rows are written into Iceberg tables, which functions of the lake make. */
  readonly iceberg: readonly string[];
  /** How the rows of tables are divided among Iceberg tables, by the names of the tables; of the others they are not. */
  readonly divided: ReadonlyMap<string, FanOut>;
  /** Names of the tables into which nothing is loaded any more. */
  readonly retired: readonly string[];
  /** Number of days back that Athena looks for partitions, by table: older ones have expired. */
  readonly retentionDays: ReadonlyMap<string, number>;
  /** The same for tables that the map does not have. */
  readonly otherRetentionDays: number;
  /** Unless it is DESTROY, database and tables stay as long as streams need them to deliver the rows they hold. */
  readonly removalPolicy: RemovalPolicy;
}

/** The lake's tables for Athena and Firehose: a Glue database of Parquet tables. */
export class Catalog extends Construct {
  readonly databaseName: string;
  /**
   * The database of the Iceberg tables, which functions of the lake make and change: CloudFormation's changes of a table
   * would take its metadata away. It is there in every stack, so that a source can change its `tableFormat` and back, and
   * neither a retained database is in the way nor a destroyed one takes its tables along.
   */
  readonly icebergDatabaseName: string;
  readonly #tables = new Map<string, CfnTable>();
  readonly #iceberg: readonly string[];
  readonly #divided: ReadonlyMap<string, FanOut>;

  constructor(scope: Construct, id: string, props: CatalogProps) {
    super(scope, id);
    const { lake, tables, iceberg, retired, retentionDays, otherRetentionDays, removalPolicy } = props;
    this.#iceberg = iceberg;
    this.#divided = props.divided;
    const { database, icebergDatabase } = namesIn(this);
    const makeDatabase = (id: string, name: string, description: string) => {
      const resource = new CfnDatabase(this, id, { catalogId: Aws.ACCOUNT_ID, databaseInput: { name, description } });
      resource.applyRemovalPolicy(removalPolicy);
      return resource.ref;
    };
    this.databaseName = makeDatabase('Database', database, 'Logs as tables, every line accounted for in loads.');
    const forIceberg = 'Logs as Iceberg tables, of the sources with tableFormat=iceberg.';
    this.icebergDatabaseName = makeDatabase('IcebergDatabase', icebergDatabase, forIceberg);
    for (const table of tables) {
      const resource = this.#parquetTable(table, lake, retentionDays.get(table.name) ?? otherRetentionDays);
      resource.applyRemovalPolicy(retired.includes(table.name) ? RemovalPolicy.DESTROY : removalPolicy);
      this.#tables.set(table.name, resource);
    }
  }

  /** Name of a table, as a reference: a resource that uses it is created after the table. */
  tableName(table: Table): string {
    const resource = this.#tables.get(table.name);
    if (!resource) throw new Error(`${this.node.path}: table ${table.name} is not in the catalog`);
    return resource.ref;
  }

  /** The table into which rows are written. */
  placeOf({ name }: Table): TablePlace {
    return { database: this.#iceberg.includes(name) ? this.icebergDatabaseName : this.databaseName, name };
  }

  /** How the rows of a table are divided among Iceberg tables; undefined if they are not. */
  divisionOf({ name }: Table): FanOut | undefined {
    return this.#divided.get(name);
  }

  /** The tables that may have rows: those of before the source had `tableFormat: iceberg` are in the other one. */
  placesOf(table: Table): OnceOf['tables'] {
    const { databaseName: database } = this;
    const place = this.placeOf(table);
    return place.database === database ? [place] : [{ database, name: table.name }, place];
  }

  #divisionParameter(table: Table): Record<string, string> {
    const fanOut = this.divisionOf(table);
    if (!fanOut) return {};
    const { by, other } = fanOut;
    return { [FAN_OUT_PARAMETER]: JSON.stringify({ by, ...(other !== undefined && { other }) } satisfies Division) };
  }

  #parquetTable(table: Table, lake: IBucket, retentionDays: number): CfnTable {
    const location = `s3://${lake.bucketName}/${LAKE.data}${table.name}/`;
    return new CfnTable(this, table.name, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name: table.name,
        description: table.description,
        tableType: 'EXTERNAL_TABLE',
        parameters: {
          classification: 'parquet',
          EXTERNAL: 'TRUE',
          ...(this.#iceberg.includes(table.name) && { [TABLE_FORMAT_PARAMETER]: 'iceberg' }),
          ...this.#divisionParameter(table),
          ...projection(retentionDays),
          'storage.location.template': `${location}${PARTITION.name}=\${${PARTITION.name}}/`,
        },
        partitionKeys: [{ name: PARTITION.name, type: 'string', comment: PARTITION.comment }],
        storageDescriptor: {
          location,
          columns: table.columns.map(({ name, type, comment }) => ({ name, type, comment })),
          inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      },
    });
  }
}

/**
 * Projects the partitions, so there is no crawler and nothing to repair. The days are counted in UTC: in a time zone
 * ahead of UTC it may already be the next day, and a file can hold rows of up to a day before it was written.
 * https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
 */
function projection(retentionDays: number): Record<string, string> {
  const key = `projection.${PARTITION.name}`;
  return {
    'projection.enabled': 'true',
    [`${key}.type`]: 'date',
    [`${key}.format`]: 'yyyy-MM-dd',
    [`${key}.range`]: `NOW-${retentionDays + 2}DAYS,NOW+1DAY`,
    [`${key}.interval`]: '1',
    [`${key}.interval.unit`]: 'DAYS',
  };
}
