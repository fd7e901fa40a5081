/**
 * Makes the Iceberg tables of the sources, gives them new columns and has Glue maintain them, when the stack is deployed.
 * It may be invoked by hand at any time, with `{}`: what is as it should be stays as it is. Nothing is ever deleted here.
 */
import { GlueClient } from '@aws-sdk/client-glue';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { OPTIMIZERS } from './core/iceberg/optimizers.ts';
import { ensureTable, madeFor, SchemaError } from './core/iceberg/schema.ts';
import { compiledSources } from './core/loading/sources.ts';
import { isExported, manageSettings } from './core/settings.ts';
import { sourceTable } from './core/tables/table.ts';
import { answerCloudFormation } from './edges/custom-resource.ts';
import { icebergCatalog } from './edges/iceberg-catalog.ts';
import { keepingLostTables } from './edges/lost-tables.ts';
import { patiently } from './edges/patience.ts';
import { s3Client } from './edges/s3.ts';
import { maintain } from './edges/table-optimizers.ts';

const { sources, iceberg, lakeBucket, optimizerRole } = manageSettings(process.env);
const { database, warehouse: catalogId } = iceberg;
const glue = new GlueClient({});
const catalog = keepingLostTables(icebergCatalog({ ...iceberg, credentials: glue.config.credentials }), s3Client());

export async function handler(
  event: CloudFormationCustomResourceEvent | Readonly<Record<string, never>>,
): Promise<void> {
  if (!('ResponseURL' in event)) return manageTables();
  await answerCloudFormation(event as CloudFormationCustomResourceEvent, `tables of ${database}`, async () => {
    // Tables outlive their sources, and the stack unless its database is destroyed.
    if (event.RequestType !== 'Delete') await manageTables();
  });
}

/** Each step can be repeated: if the process ends in between, the next invocation goes on. */
async function manageTables(): Promise<void> {
  for (const { settings, format } of compiledSources(sources)) {
    const table = sourceTable(settings.name, '', format.columns, settings.lane, isExported(settings));
    // A column that cannot become what it is to be stays so, however often it is tried.
    await patiently(
      async () => {
        await ensureTable(catalog, table, madeFor(settings.name, table, lakeBucket));
        await maintain(glue, { catalogId, database, table: table.name }, OPTIMIZERS, optimizerRole);
      },
      (error) => error instanceof SchemaError,
    );
  }
}
