import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { placeOf } from '../../../lambdas/edges/table-files.ts';
import { gluePointers, type TablePointer } from '../../../lambdas/edges/table-pointers.ts';
import { check, ok, problem, type Verdict, warning } from '../check.ts';
import type { Clients } from '../clients.ts';
import { type IcebergTable, icebergTables } from '../examined.ts';

/** Whether the table of each source is in the catalog, with its metadata. */
export const icebergTable = check<IcebergTable, TablePointer | undefined>({
  name: 'Iceberg table',
  actions: ['glue:GetTable'],
  things: icebergTables,
  about: ({ name }) => name,
  ask: pointerOf,
  judge(pointer, table) {
    if (!pointer) {
      const says = `There is no table ${table.name} in ${table.database}: its rows wait, and nobody can read those of before.`;
      return [problem(says, `${invokeManage(table)}; if it finds files of a former table: ${rebuild(table)}`)];
    }
    if (pointer.metadataLocation === undefined) {
      const says = `${table.database}.${table.name} has lost its metadata: its rows wait, and nobody can read those of before.`;
      return [problem(says, rebuild(table))];
    }
    return [ok(`It is in ${table.database}.`)];
  },
});

/** Half of what Glue takes. The alarm of commits rings from 15 MB on. */
const LARGE_BYTES = 10e6;

/** Size of a table's metadata file: that of Glue's limit. Null if the file is gone, undefined without a table. */
type MetadataBytes = number | null | undefined;

/**
 * Whether the metadata is well below what Glue takes: each snapshot adds to it.
 * https://docs.aws.amazon.com/glue/latest/dg/limitation-glue-iceberg-rest-api.html
 */
export const icebergMetadata = check<IcebergTable, MetadataBytes>({
  name: 'Iceberg metadata',
  actions: ['glue:GetTable', 's3:GetObject', 's3:ListBucket'],
  things: icebergTables,
  about: ({ name }) => name,
  async ask(clients, table) {
    const uri = (await pointerOf(clients, table))?.metadataLocation;
    if (uri === undefined) return undefined;
    try {
      const { ContentLength } = await clients.s3.send(new HeadObjectCommand(placeOf(uri)));
      return ContentLength;
    } catch (error) {
      // Whoever may not list the bucket is refused instead.
      if (error instanceof Error && /^(?:NotFound|NoSuchKey|404)$/.test(error.name)) return null;
      throw error;
    }
  },
  judge(bytes, table): Verdict[] {
    // That there is no table, or none with metadata, is said of the table.
    if (bytes === undefined) return [];
    if (bytes === null) {
      const says = 'The file that the catalog names as its metadata is gone: its rows wait, and nobody can read it.';
      return [problem(says, rebuild(table))];
    }
    const says = `Its metadata has ${(bytes / 1e6).toFixed(1)} MB`;
    if (bytes < LARGE_BYTES) return [ok(`${says}; Glue refuses more than 20 MB.`)];
    return [
      warning(
        `${says}, and Glue refuses commits from 20 MB on: old snapshots are not removed, or there are too many new ones.`,
        `see what "Iceberg maintenance" says of ${table.name}, then aws logs tail /aws-glue/iceberg-retention/logs --since 2d; ` +
          `if that does not help: ${rebuild(table)}`,
      ),
    ];
  },
});

/** @returns undefined if there is no such table */
export function pointerOf({ glue }: Pick<Clients, 'glue'>, table: IcebergTable): Promise<TablePointer | undefined> {
  return gluePointers(glue, table).read(table.name);
}

/** The function that makes tables and has Glue maintain them does so again, whatever is there. */
export function invokeManage({ manageFunction }: IcebergTable): string {
  if (manageFunction === undefined) return 'npx cdk deploy';
  return (
    `aws lambda invoke --function-name ${manageFunction} --cli-binary-format raw-in-base64-out ` +
    `--payload '{}' /dev/stdout`
  );
}

function rebuild({ name, stackName }: IcebergTable): string {
  return `npm run lake -- rebuild ${name} --stack ${stackName}`;
}
