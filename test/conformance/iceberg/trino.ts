/** Trino over the Iceberg tables of the local catalog. */
import { ACCOUNT, REGION } from '../../../local/account.ts';
import { DATABASE } from '../../helpers/local-catalog.ts';
import type { Checked } from '../check.ts';
import { accessKey, type Properties, startTrino, TrinoError, type TrinoResult, type Version } from '../trino/server.ts';
import { checkStages, dataFiles, type Place } from './engines.ts';
import { type Engine, type PartialAnswer, type Question, sqlOf } from './questions.ts';

/** Older versions than the first, such as that of Athena, cannot sign requests to a catalog. The second is the newest. */
export type IcebergVersion = Extract<Version, '476' | '483'>;

/** Trino's catalog of the Iceberg tables. */
export const CATALOG = 'lake';

export function trinoReadsIceberg(version: IcebergVersion): Promise<Checked> {
  return checkStages(`trino-${version}`, (place) => openTrino(version, place));
}

/** @throws Missing if there is no Java that is new enough, or no Maven */
export async function openTrino(version: IcebergVersion, place: Place): Promise<Engine> {
  const trino = await startTrino(version, ['iceberg'], { [CATALOG]: iceberg(version, place) });
  const session = { catalog: CATALOG, schema: DATABASE };
  const ask = async (questions: readonly Question[]) => {
    const answers: PartialAnswer[] = [];
    for (const question of questions) {
      place.s3Paths.length = 0;
      answers.push(await answerOf(() => trino.query(sqlOf(question), session), place));
    }
    return answers;
  };
  return { name: `Trino ${version}`, ask, close: trino.close };
}

async function answerOf(query: () => Promise<TrinoResult>, { s3Paths }: Place): Promise<PartialAnswer> {
  try {
    const answer = await query();
    return { ...answer, files: dataFiles(s3Paths) };
  } catch (error) {
    if (error instanceof TrinoError) return { error: error.message };
    throw error;
  }
}

/** Those that docs/iceberg.md gives, and what differs of endpoints of this machine. */
export function iceberg(version: IcebergVersion, { uri, s3Url }: Place): Properties {
  return {
    'connector.name': 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': uri,
    'iceberg.rest-catalog.warehouse': ACCOUNT,
    ...(version === '476'
      ? { 'iceberg.rest-catalog.sigv4-enabled': true }
      : { 'iceberg.rest-catalog.security': 'SIGV4' }),
    'iceberg.rest-catalog.signing-name': 'glue',
    'iceberg.rest-catalog.view-endpoints-enabled': false,
    // Requests to S3 show which files a query reads.
    'iceberg.metadata-cache.enabled': false,
    'fs.native-s3.enabled': true,
    's3.region': REGION,
    's3.endpoint': s3Url,
    's3.path-style-access': true,
    ...accessKey('s3'),
  };
}
