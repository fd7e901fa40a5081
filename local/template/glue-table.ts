import { z } from 'zod';
import type { Division } from '../../lambdas/core/tables/fan-out.ts';
import { FAN_OUT_PARAMETER, TABLE_FORMAT_PARAMETER } from '../../lambdas/core/tables/lake-tables.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import { propertiesOf } from './properties.ts';
import type { Resource } from './resource.ts';

/** The parts of an AWS::Glue::Table that Firehose and Athena need. */
export interface GlueTable {
  readonly database: string;
  readonly name: string;
  /** In the table's order, without the partition columns. */
  readonly columns: readonly GlueColumn[];
  readonly partitions: readonly GlueColumn[];
  /** Where the table's objects are stored; `prefix` ends with a slash or is empty. */
  readonly bucket: string;
  readonly prefix: string;
  /** True if the rows of its source are written into the Iceberg table of its name now. */
  readonly isIceberg: boolean;
  /** How they are divided among Iceberg tables; undefined if they are not. */
  readonly fanOut: Division | undefined;
}

export interface GlueColumn {
  readonly name: string;
  readonly type: ColumnType;
}

const column = z.object({
  Name: z.string(),
  Type: z.enum(['string', 'int', 'bigint', 'double', 'boolean', 'timestamp']),
});

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-glue-table.html */
const properties = z.object({
  DatabaseName: z.string(),
  TableInput: z.object({
    Name: z.string(),
    Parameters: z.record(z.string(), z.unknown()).default({}),
    PartitionKeys: z.array(column).default([]),
    StorageDescriptor: z.object({
      Columns: z.array(column),
      Location: z.string().regex(/^s3:\/\/[^/]+(\/|$)/, 'expected s3://bucket/prefix/'),
    }),
  }),
});

/**
 * Reads a Glue table of the template.
 *
 * @throws TemplateError naming the resource, the property and the problem.
 */
export function glueTable(resource: Resource): GlueTable {
  const { DatabaseName, TableInput } = propertiesOf(resource, properties);
  const { Columns, Location } = TableInput.StorageDescriptor;
  const [bucket = '', ...folders] = Location.slice('s3://'.length).split('/');
  const prefix = folders.filter((folder) => folder !== '').map((folder) => `${folder}/`);
  return {
    database: DatabaseName,
    name: TableInput.Name,
    columns: Columns.map(glueColumn),
    partitions: TableInput.PartitionKeys.map(glueColumn),
    bucket,
    prefix: prefix.join(''),
    isIceberg: TableInput.Parameters[TABLE_FORMAT_PARAMETER] === 'iceberg',
    fanOut: divisionIn(TableInput.Parameters[FAN_OUT_PARAMETER]),
  };
}

/** Reads the parameter of a table that says how its rows are divided; undefined if there is none. */
export function divisionIn(parameter: unknown): Division | undefined {
  return typeof parameter === 'string' ? (JSON.parse(parameter) as Division) : undefined;
}

function glueColumn({ Name, Type }: z.output<typeof column>): GlueColumn {
  return { name: Name, type: Type };
}
