/** PyIceberg, which shares no code with the project. https://py.iceberg.apache.org */
import { join } from 'node:path';
import { ACCOUNT, REGION } from '../../../local/account.ts';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { DATABASE } from '../../helpers/local-catalog.ts';
import { beside, type Checked, pythonWith, runBeside } from '../check.ts';
import { exactJson } from '../differences.ts';
import { checkStages, type OtherCatalog, type Place } from './engines.ts';
import type { Engine, EngineAnswer, Question } from './questions.ts';

const PACKAGE = 'pyiceberg[pyarrow,rest-sigv4]==0.12.0';

/** A call of one of the functions of pyiceberg_steps.py. */
export type Step = Readonly<Record<string, unknown>> & { readonly do: string };

/** What steps, which run one after the other, give. */
export type RunSteps = (steps: readonly Step[]) => Promise<readonly unknown[]>;

/** @throws Missing if there is no Python 3, or the package cannot be installed */
export function pyIceberg({ uri, s3Url }: Pick<Place, 'uri' | 's3Url'>): RunSteps {
  const python = join(pythonWith('pyiceberg', [PACKAGE]), 'python');
  const catalog = {
    uri,
    warehouse: ACCOUNT,
    'rest.sigv4-enabled': 'true',
    'rest.signing-name': 'glue',
    'rest.signing-region': REGION,
    'client.access-key-id': CREDENTIALS.accessKeyId,
    'client.secret-access-key': CREDENTIALS.secretAccessKey,
    'client.region': REGION,
    's3.endpoint': s3Url,
    's3.access-key-id': CREDENTIALS.accessKeyId,
    's3.secret-access-key': CREDENTIALS.secretAccessKey,
    's3.region': REGION,
  };
  return async (steps) => {
    const input = JSON.stringify({ catalog, database: DATABASE, steps });
    return exactJson(await runBeside(python, [beside('iceberg/pyiceberg_steps.py')], input)) as unknown[];
  };
}

/** @throws Missing if there is no Python 3, or the package cannot be installed */
export async function openPyIceberg(place: Pick<Place, 'uri' | 's3Url'>): Promise<Engine> {
  const steps = pyIceberg(place);
  const ask = async (questions: readonly Question[]) =>
    (await steps(questions.map((question) => ({ do: 'read', ...question })))) as EngineAnswer[];
  return { name: 'PyIceberg', ask };
}

/** @param openCatalog of a catalog that is not the local one */
export function pyIcebergReads(name: string, openCatalog?: (s3Url: string) => Promise<OtherCatalog>): Promise<Checked> {
  return checkStages(name, openPyIceberg, openCatalog);
}
