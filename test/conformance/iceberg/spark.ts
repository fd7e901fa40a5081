/** Spark over the Iceberg tables of the local catalog. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNT, REGION } from '../../../local/account.ts';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { beside, type Checked, FOLDER, javaWith, pythonWith } from '../check.ts';
import { type Answer, exactJson } from '../differences.ts';
import { startLineProcess } from '../line-process.ts';
import { checkStages, dataFiles, type Place } from './engines.ts';
import type { Engine, Failure, PartialAnswer, Question } from './questions.ts';
import { sqlOf } from './questions.ts';

/** The last line of Spark that runs on Java 17 and has Scala 2.12, as AWS Glue and EMR have it. */
const SPARK = '3.5.9';
const ICEBERG = '1.12.0';

/** The name of the catalog in Spark. */
const CATALOG = 'lake';

export interface Spark {
  /** @returns what the statement gives, or Spark's own message */
  run(statement: string): Promise<Answer | Failure>;
  close(): Promise<void>;
}

/**
 * Installs Spark.
 *
 * @returns its Python, and the class paths of its jars and of Iceberg's
 * @throws Missing if there is no Python 3, no Java or no Maven
 */
export function sparkClassPath(): { readonly python: string; readonly spark: string; readonly iceberg: string } {
  const programs = pythonWith('spark', [`pyspark==${SPARK}`]);
  const iceberg = javaWith(
    `org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:${ICEBERG}`,
    `org.apache.iceberg:iceberg-aws-bundle:${ICEBERG}`,
  );
  const spark = join(programs, '../lib/python*/site-packages/pyspark/jars/*.jar');
  return { python: join(programs, 'python'), spark, iceberg };
}

/** @throws Missing if there is no Python 3, no Java or no Maven */
export function startSpark({ uri, s3Url }: Pick<Place, 'uri' | 's3Url'>): Spark {
  const { python, iceberg } = sparkClassPath();
  const configuration = {
    ...documented(uri),
    ...ofThisMachine(s3Url),
    'spark.driver.extraClassPath': globSync(`${iceberg}.jar`).join(':'),
  };
  const { ask, close } = startLineProcess(
    python,
    [beside('iceberg/spark_statements.py'), JSON.stringify(configuration)],
    {
      env: {
        ...process.env,
        SPARK_LOCAL_IP: '127.0.0.1',
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_REGION: REGION,
      },
      logFile: join(FOLDER, 'spark.log'),
    },
  );
  return { run: async (statement) => exactJson(await ask(JSON.stringify(statement))) as Answer | Failure, close };
}

/** The settings that docs/iceberg.md gives. */
function documented(uri: string): Readonly<Record<string, string>> {
  const catalog = `spark.sql.catalog.${CATALOG}`;
  return {
    'spark.sql.extensions': 'org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions',
    [catalog]: 'org.apache.iceberg.spark.SparkCatalog',
    [`${catalog}.type`]: 'rest',
    [`${catalog}.uri`]: uri,
    [`${catalog}.warehouse`]: ACCOUNT,
    [`${catalog}.rest.sigv4-enabled`]: 'true',
    [`${catalog}.rest.signing-name`]: 'glue',
    [`${catalog}.rest.signing-region`]: REGION,
    [`${catalog}.io-impl`]: 'org.apache.iceberg.aws.s3.S3FileIO',
    [`${catalog}.rest-metrics-reporting-enabled`]: 'false',
  };
}

/** What differs of endpoints and of a Spark of this machine. */
function ofThisMachine(s3Url: string): Readonly<Record<string, string>> {
  const catalog = `spark.sql.catalog.${CATALOG}`;
  return {
    [`${catalog}.s3.endpoint`]: s3Url,
    [`${catalog}.s3.path-style-access`]: 'true',
    // Otherwise it takes a table for half a minute as it was.
    [`${catalog}.cache-enabled`]: 'false',
    'spark.sql.defaultCatalog': CATALOG,
    'spark.master': 'local[2]',
    'spark.driver.memory': '2g',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.ui.enabled': 'false',
    'spark.sql.shuffle.partitions': '2',
    'spark.sql.warehouse.dir': join(FOLDER, 'spark-warehouse'),
    'spark.sql.session.timeZone': 'UTC',
    // Statements as DuckDB and Trino take them.
    'spark.sql.ansi.enabled': 'true',
    'spark.sql.ansi.doubleQuotedIdentifiers': 'true',
    'spark.sql.parser.escapedStringLiterals': 'true',
    'spark.sql.timestampType': 'TIMESTAMP_NTZ',
  };
}

export function sparkReadsIceberg(): Promise<Checked> {
  return checkStages('spark', openSpark);
}

/** @throws Missing if there is no Python 3, no Java or no Maven */
export async function openSpark(place: Place): Promise<Engine> {
  const spark = startSpark(place);
  const ask = async (questions: readonly Question[]) => {
    const answers: PartialAnswer[] = [];
    for (const question of questions) {
      place.s3Paths.length = 0;
      const answer = await spark.run(sqlOf(question));
      answers.push('error' in answer ? answer : { ...answer, files: dataFiles(place.s3Paths) });
    }
    return answers;
  };
  return { name: 'Spark', ask, close: spark.close };
}
