/** Trino over the tables of the template as Athena has them: the Glue tables as synthesized, and the lake's objects. */
import { readdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { basename, join } from 'node:path';
import { REGION } from '../../../local/account.ts';
import { openEndpoint } from '../../../local/endpoint.ts';
import { stackOf } from '../../../local/local-lake.ts';
import { openS3 } from '../../../local/s3/s3.ts';
import { readStack } from '../../../local/template/template.ts';
import { type Checked, progress } from '../check.ts';
import { assembly } from '../configurations.ts';
import { demoLake, emptyLake, lakeOfTwoGenerations } from '../lakes.ts';
import { ATHENA, Comparison, WHOLE } from './comparison.ts';
import { Glue } from './glue.ts';
import { accessKey, type Properties, startTrino } from './server.ts';

/** Athena's engine version 3 is made of Trino, and this is the last version of Trino that runs on Java 17. */
const VERSION = '435';

/** Reads every table of several lakes with Trino, and runs all saved queries and views of these and of every format. */
export async function trinoReadsLikeDuckDb(): Promise<Checked> {
  const deliveries = ['firehose', 'direct'] as const;
  const lakes = [...deliveries.map(demoLake), ...deliveries.map(lakeOfTwoGenerations)];
  const stacks = lakes.map((dir) => ({ dir, directory: stackOf(dir) ?? dir }));
  stacks.push({ dir: emptyLake(), directory: assembly('formats').directory });

  const paths: string[] = [];
  const noted = (_service: string, { url = '' }: IncomingMessage) => {
    paths.push(url);
    return false;
  };
  const [glue, s3] = [await openEndpoint(), await openEndpoint({ intercept: noted })];
  progress('starting Trino');
  const trino = await startTrino(VERSION, ['hive'], {
    [ATHENA]: hive(glue.url, s3.url, 'MILLISECONDS'),
    [WHOLE]: hive(glue.url, s3.url, 'MICROSECONDS'),
  });
  const comparison = new Comparison(trino, paths);
  try {
    for (const { dir, directory } of stacks) {
      progress(`comparing ${basename(dir)}`);
      const { resources } = readStack({ directory, urls: { sqs: '' } });
      glue.serve(new Glue(resources));
      s3.serve(await openS3({ dir, buckets: new Set(readdirSync(join(dir, 'buckets'))), onCreated: async () => {} }));
      await comparison.add(dir, resources);
    }
  } finally {
    await trino.close();
    await Promise.all([glue.close(), s3.close()]);
  }
  return comparison.checked;
}

/**
 * A catalog with the tables of Glue and the objects of S3.
 *
 * @see https://trino.io/docs/435/connector/hive.html and https://trino.io/docs/435/object-storage/file-system-s3.html
 */
export function hive(glueUrl: string, s3Url: string, precision: 'MILLISECONDS' | 'MICROSECONDS'): Properties {
  return {
    'connector.name': 'hive',
    'hive.metastore': 'glue',
    'hive.metastore.glue.region': REGION,
    'hive.metastore.glue.endpoint-url': glueUrl,
    ...accessKey('hive.metastore.glue'),
    'fs.hadoop.enabled': false,
    'fs.native-s3.enabled': true,
    's3.endpoint': s3Url,
    's3.region': REGION,
    ...accessKey('s3'),
    's3.path-style-access': true,
    'hive.partition-projection-enabled': true,
    'hive.timestamp-precision': precision,
    'hive.parquet.time-zone': 'UTC',
  };
}
