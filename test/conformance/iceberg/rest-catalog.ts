/** Tables in a catalog that is not the project's own: the one by which Iceberg tests its clients. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommitRefusedError } from '../../../lambdas/core/iceberg/ports.ts';
import { catalogAt, DATABASE, LAKE, serveCatalog } from '../../helpers/local-catalog.ts';
import { beside, type Checked, FOLDER, javaWith } from '../check.ts';
import { freePort, startServer } from '../server-process.ts';
import type { OtherCatalog } from './engines.ts';
import { ICEBERG, s3FileIo } from './java.ts';
import { IcebergTables } from './lake.ts';
import { pyIcebergReads } from './pyiceberg.ts';
import { DAYS, ordinaryRows, WEB } from './stages.ts';

/** Has the lake's own client make and change tables there, and PyIceberg read them. */
export async function otherCatalogTakesCommits(): Promise<Checked> {
  const read = await pyIcebergReads('rest-catalog', openRestCatalog);
  const raced = await raceForCommits();
  return { measured: `${read.measured}; ${raced.measured}`, problems: [...read.problems, ...raced.problems] };
}

const ROUNDS = 20;
const AT_ONCE = 4;

/** Of several changes that were made for the same snapshot, the catalog takes one, and refuses the others. */
async function raceForCommits(): Promise<Checked> {
  const dir = join(FOLDER, 'iceberg-races');
  rmSync(dir, { recursive: true, force: true });
  const local = await serveCatalog({ dir });
  const { catalog, close } = await openRestCatalog(local.s3Url);
  const tables = new IcebergTables({ catalog, files: local.files });
  const problems: string[] = [];
  try {
    await tables.ensure(WEB);
    for (let round = 1; round <= ROUNDS; round++) {
      const outcomes = await Promise.allSettled(
        await tables.appends(WEB, { day: DAYS[0], rows: ordinaryRows(round) }, AT_ONCE, { round: String(round) }),
      );
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      if (refused.length !== AT_ONCE - 1) problems.push(`round ${round}: ${refused.length} of ${AT_ONCE} refused`);
      for (const { reason } of refused) {
        if (!(reason instanceof CommitRefusedError)) problems.push(`round ${round}: expected a refusal, got ${reason}`);
      }
    }
    const { metadata } = await tables.load(WEB.name);
    const files = await tables.paths(WEB.name);
    if (files.length !== ROUNDS) problems.push(`expected ${ROUNDS} files, got ${files.length}`);
    if (metadata.properties?.round !== String(ROUNDS)) problems.push('the properties of the last commit are not there');

    const old = (metadata.snapshots ?? []).slice(0, -1).map((snapshot) => snapshot['snapshot-id']);
    const forget = { action: 'remove-snapshots', 'snapshot-ids': old } as const;
    await tables.commit(WEB.name, { requirements: [], updates: [forget] });
    const left = (await tables.load(WEB.name)).metadata.snapshots?.length;
    if (left !== 1) problems.push(`expected one snapshot to be left, got ${left}`);
  } finally {
    await close();
    await local.close();
  }
  return { measured: `${ROUNDS} times ${AT_ONCE} commits at once`, problems };
}

/** @throws Missing if there is no Java or Maven */
async function openRestCatalog(s3Url: string): Promise<OtherCatalog> {
  const classPath = javaWith(
    `org.apache.iceberg:iceberg-core:${ICEBERG}`,
    `org.apache.iceberg:iceberg-core:${ICEBERG}:tests`,
    `org.apache.iceberg:iceberg-aws:${ICEBERG}`,
    `org.apache.iceberg:iceberg-aws-bundle:${ICEBERG}`,
    'org.eclipse.jetty:jetty-servlet:11.0.25',
    'org.xerial:sqlite-jdbc:3.49.1.0',
  );
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  const properties = {
    uri: 'jdbc:sqlite::memory:',
    // Each would have a database of its own.
    clients: '1',
    'jdbc.schema-version': 'V1',
    warehouse: `s3://${LAKE}/rest`,
    ...s3FileIo(s3Url),
    // Old metadata files stay: the local S3 has no request that deletes several objects.
    's3.delete-enabled': 'false',
  };
  const args = [beside('iceberg/RestCatalog.java'), String(port), DATABASE, ...Object.entries(properties).flat()];
  const { close } = await startServer({
    program: 'java',
    args: ['-cp', classPath, ...args],
    cwd: FOLDER,
    logFile: join(FOLDER, 'rest-catalog.log'),
    isReady: async () => (await fetch(`${uri}/v1/config`)).ok,
  });
  return { uri, catalog: catalogAt(uri, { url: uri }), close };
}
