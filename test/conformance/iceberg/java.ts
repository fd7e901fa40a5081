/** Iceberg's own library, on which Spark, Trino and Flink are built. https://iceberg.apache.org/docs/latest/api/ */
import { ACCOUNT, REGION } from '../../../local/account.ts';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { DATABASE } from '../../helpers/local-catalog.ts';
import { beside, type Checked, javaWith, runBeside } from '../check.ts';
import { checkStages, type Place } from './engines.ts';
import type { PlannedFiles } from './questions.ts';

/** Of Iceberg's artifacts. */
export const ICEBERG = '1.10.0';

/** Of S3, for Iceberg's library. https://iceberg.apache.org/docs/latest/aws/#s3-fileio */
export function s3FileIo(s3Url: string): Readonly<Record<string, string>> {
  return {
    'io-impl': 'org.apache.iceberg.aws.s3.S3FileIO',
    'client.region': REGION,
    's3.endpoint': s3Url,
    's3.path-style-access': 'true',
    's3.access-key-id': CREDENTIALS.accessKeyId,
    's3.secret-access-key': CREDENTIALS.secretAccessKey,
  };
}

/** Those that docs/iceberg.md gives for Spark, and what differs of an endpoint of this machine. */
export function catalogProperties({ uri, s3Url }: Pick<Place, 'uri' | 's3Url'>): Readonly<Record<string, string>> {
  return {
    uri,
    warehouse: ACCOUNT,
    'rest.sigv4-enabled': 'true',
    'rest.signing-name': 'glue',
    'rest.signing-region': REGION,
    'rest.access-key-id': CREDENTIALS.accessKeyId,
    'rest.secret-access-key': CREDENTIALS.secretAccessKey,
    ...s3FileIo(s3Url),
  };
}

/** @throws Missing if there is no Java or Maven */
export function icebergJavaPlansFiles(): Promise<Checked> {
  const classPath = javaWith(
    `org.apache.iceberg:iceberg-core:${ICEBERG}`,
    `org.apache.iceberg:iceberg-aws:${ICEBERG}`,
    `org.apache.iceberg:iceberg-aws-bundle:${ICEBERG}`,
  );
  return checkStages('java', async ({ uri, s3Url }) => {
    const catalog = catalogProperties({ uri, s3Url });
    const args = ['-cp', classPath, beside('iceberg/PlanFiles.java')];
    return {
      name: 'Iceberg Java',
      ask: async (questions) => {
        const input = JSON.stringify({ catalog, database: DATABASE, questions });
        return JSON.parse(await runBeside('java', args, input)) as PlannedFiles[];
      },
    };
  });
}
