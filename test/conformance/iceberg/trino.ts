/** Trino over the Iceberg tables of the local catalog. */
import { ACCOUNT, REGION } from '../../../local/account.ts';
import { DATABASE } from '../../helpers/local-catalog.ts';
import type { Checked } from '../check.ts';
import { accessKey, type Properties, startTrino, TrinoError, type TrinoResult } from '../trino/server.ts';
import { checkStages, type Place } from './engines.ts';
import { type Engine, type PartialAnswer, type Question, sqlOf } from './questions.ts';

/** Older versions, such as that of Athena, cannot sign requests to a catalog. */
const VERSION = '476';

const CATALOG = 'lake';

export function trinoReadsIceberg(): Promise<Checked> {
  return checkStages('trino', openTrino);
}

/** @throws Missing if there is no Java that is new enough, or no Maven */
export async function openTrino(place: Place): Promise<Engine> {
  const trino = await startTrino(VERSION, ['iceberg'], { [CATALOG]: iceberg(place) });
  const session = { catalog: CATALOG, schema: DATABASE };
  const ask = async (questions: readonly Question[]) => {
    const answers: PartialAnswer[] = [];
    for (const question of questions) {
      place.s3Paths.length = 0;
      answers.push(await answerOf(() => trino.query(sqlOf(question), session), place));
    }
    return answers;
  };
  return { name: 'Trino', ask, close: trino.close };
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
function iceberg({ uri, s3Url }: Place): Properties {
  return {
    'connector.name': 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': uri,
    'iceberg.rest-catalog.warehouse': ACCOUNT,
    'iceberg.rest-catalog.sigv4-enabled': true,
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

/** The URIs of data files among paths of requests. */
function dataFiles(paths: readonly string[]): string[] {
  const files = paths
    .map((path) => decodeURIComponent(path.replace(/\?.*/, '')))
    .filter((path) => path.endsWith('.parquet'));
  return [...new Set(files)].map((path) => `s3:/${path}`);
}
