/**
 * Runs each hour: promotes the keys that come often to columns, of the sources with `schemaEvolution: auto`, and puts promoted
 * columns back that a deployment has taken out of a table. This file only adapts: the flow is core/evolution/promote.ts.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { promoteOften } from './core/evolution/promote.ts';
import { wholeOf } from './core/evolution/tally.ts';
import { promoteSettings } from './core/settings.ts';
import { catalogTables } from './edges/catalog-tables.ts';
import { icebergCatalog } from './edges/iceberg-catalog.ts';
import { logger } from './edges/logger.ts';
import { dynamoPromotedRecords } from './edges/promoted-records.ts';
import { dynamoTallies } from './edges/tallies.ts';

const { sources, ledgerTable, database, lakeBucket, iceberg } = promoteSettings(process.env);
const dynamodb = new DynamoDBClient({});
const glue = new GlueClient({});
const records = dynamoPromotedRecords(dynamodb, ledgerTable);
const tallies = dynamoTallies(dynamodb, ledgerTable);
const catalog = icebergCatalog({ ...iceberg, credentials: glue.config.credentials });
const tables = catalogTables({ glue, database, catalog, lakeBucket });

/** A source that fails does not hold up the others. */
export async function handler(): Promise<void> {
  let failure: unknown;
  for (const source of sources) {
    try {
      const counts = wholeOf(await tallies.read(source.name));
      const { added } = await promoteOften(source, counts, { records, tables, now: () => new Date() });
      if (added.length > 0) {
        logger.info('columns promoted', { source: source.name, columns: added.map(({ name }) => name) });
      }
    } catch (error) {
      logger.error('columns not promoted', { source: source.name, error: error as Error });
      failure = error;
    }
  }
  if (failure) throw failure;
}
