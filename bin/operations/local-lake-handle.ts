import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SERVICE } from '../../lambdas/core/metrics.ts';
import { ENV, type Environment, FAN_OUT_FILE } from '../../lambdas/core/settings.ts';
import { icebergDatabaseOf, LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { fanOutValues } from '../../lambdas/edges/fan-out-values.ts';
import { firehoseClient } from '../../lambdas/edges/firehose.ts';
import { icebergCatalog } from '../../lambdas/edges/iceberg-catalog.ts';
import type { Context } from '../../lib/config/config.ts';
import { ACCOUNT, REGION } from '../../local/account.ts';
import { type Athena, openAthena } from '../../local/athena/athena.ts';
import { toJson } from '../../local/athena/query-result.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { damageIn } from '../../local/damage.ts';
import { CONTEXT_FILE, type LocalLake, stackOf, stackPlaces } from '../../local/local-lake.ts';
import { openLocked } from '../../local/lock.ts';
import { glueTable } from '../../local/template/glue-table.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import type { Resource } from '../../local/template/resource.ts';
import { readLakeFolder, requireLake } from '../input/lake-folder.ts';
import { troubles } from '../input/load-files.ts';
import { localContext } from '../input/local-context.ts';
import { CommandError } from '../output/command-error.ts';
import { showWaiting } from '../output/progress.ts';
import { isOfWriter, type LakeHandle, lakeSettings, withPromoted } from './lake-handle.ts';
import { localIcebergTables } from './local-iceberg-tables.ts';
import { localMetricSum } from './local-metrics.ts';

/** How to open a local lake. */
export interface LocalOptions {
  readonly dir: string;
  /**
   * Whether its functions will have work to do. If so, the stack is synthesized again, with the current code and the
   * params it was last opened with; otherwise the last synthesized stack is opened, which is faster.
   */
  readonly work: boolean;
  /** Whether custom resources are brought up to date; a lake that does work always is. @default true */
  readonly deploy?: boolean;
  readonly progress: (line: string) => void;
}

/**
 * Opens the lake in a folder.
 *
 * @throws CommandError if the folder contains no lake, or a damaged file that says what lake it is; Error if another process has the lake open
 */
export async function openLocalLake({ dir, work, progress, deploy = true }: LocalOptions): Promise<LakeHandle> {
  requireLake(dir);
  const lake = work ? await synthesized(dir, progress) : await lastSynthesized(dir, deploy);
  try {
    return await handleOf(lake, dir);
  } catch (error) {
    await lake.close();
    throw error;
  }
}

async function synthesized(dir: string, progress: (line: string) => void): Promise<LocalLake> {
  // Imported only here: loading CDK takes seconds.
  const { openLake } = await import('../../local/open-lake.ts');
  return openLake({ dir, context: lastContext(dir), progress });
}

async function lastSynthesized(dir: string, deploy: boolean): Promise<LocalLake> {
  const { openStack } = await import('../../local/open-stack.ts');
  // The stack is checked here, for the error that says what to do.
  readLakeFolder(dir);
  return openLocked(dir, () => openStack({ dir, assembly: stackOf(dir) ?? stackPlaces(dir).stack, deploy }));
}

function lastContext(dir: string): Context {
  const file = join(dir, CONTEXT_FILE);
  if (!existsSync(file)) return localContext({});
  try {
    const context: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(context)) return localContext(context);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandError(
    `${file}: damaged: expected the params of the last \`lake run\`; \`lake run FILE --lake ${dir}\` with the same -c writes them again`,
  );
}

async function handleOf(lake: LocalLake, dir: string): Promise<LakeHandle> {
  const { resources } = lake;
  const environments = resources.map(environmentOf);
  const service = environments.flatMap((env) => env[ENV.service] ?? [])[0] ?? SERVICE;
  const { tables } = readLakeFolder(dir);
  const loads = tables.map(glueTable).find(({ name }) => name === LOADS);
  if (!loads) throw new CommandError(`lake ${dir}: its stack has no table ${LOADS}`);
  const client = (service: string) => ({
    endpoint: lake.endpoints.get(service),
    region: REGION,
    credentials: CREDENTIALS,
  });
  const dynamodb = new DynamoDBClient(client('DYNAMODB'));
  const settings = await withPromoted(lakeSettings(environments, `lake ${dir}`), dynamodb);
  const { iceberg } = settings;
  const glue = lake.endpoints.get('GLUE');
  let athena: Athena | undefined;
  return {
    ...settings,
    s3: new S3Client(client('S3')),
    catalog: iceberg && icebergCatalog({ ...iceberg, url: `${glue}/iceberg`, credentials: CREDENTIALS }),
    sqs: new SQSClient(client('SQS')),
    dynamodb,
    glue: new GlueClient(client('GLUE')),
    firehose: firehoseClient(client('FIREHOSE')),
    accountId: ACCOUNT,
    lakeBucket: loads.bucket,
    database: loads.database,
    icebergTables: localIcebergTables(
      dir,
      icebergDatabaseOf(loads.database),
      settings.sources.map((source) => source.settings),
    ),
    fanOutValues: async () => {
      const writer = resources.find((resource) => isOfWriter(environmentOf(resource)));
      if (!writer) throw new CommandError(`lake ${dir}: its stack has no function that writes batches`);
      return fanOutValues(await readFile(join(lake.codeOf(writer), FAN_OUT_FILE)));
    },
    async *query(sql) {
      // Operations compare records: two of one millisecond may be different ones.
      athena ??= await openAthena({ dir, tables, microseconds: true });
      yield* toJson(await athena.query(sql));
    },
    logs: undefined,
    damaged: () => damageIn(dir),
    putLogEvents: (logGroup, logStream, events) => lake.putLogEvents(logGroup, logStream, events),
    metricSum: localMetricSum(dir, service),
    stateFolder: join(dir, 'operations'),
    // `settle` has waited for all deliveries, and no other process works in this folder.
    settledBefore: () => new Date(),
    settle: async () => {
      const waiting = showWaiting();
      const drained = await lake.drain(waiting.left);
      waiting.end();
      return troubles(drained, dir);
    },
    close: async () => {
      await athena?.close();
      await lake.close();
    },
  };
}

function environmentOf({ properties }: Resource): Environment {
  const variables = isObject(properties.Environment) ? properties.Environment.Variables : undefined;
  if (!isObject(variables)) return {};
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}
