/** Trino over a lake whose sources have Iceberg tables, as Athena has them: tables of both formats, and views over both. */

import { openEndpoint } from '../../../local/endpoint.ts';
import { tablesIn } from '../../../local/glue/pointers.ts';
import { stackOf } from '../../../local/local-lake.ts';
import { readStack } from '../../../local/template/template.ts';
import { DATABASE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, progress } from '../check.ts';
import { CATALOG, iceberg } from '../iceberg/trino.ts';
import { changedIcebergLake } from '../lakes.ts';
import { ATHENA, Comparison, WHOLE } from './comparison.ts';
import { Glue } from './glue.ts';
import { hive } from './hive.ts';
import { startTrino } from './server.ts';

const VERSION = '483';

/** Reads every table, and runs every saved query and view. */
export async function trinoAnswersOverIceberg(): Promise<Checked> {
  const dir = changedIcebergLake();
  const { resources } = readStack({ directory: stackOf(dir) ?? dir, urls: { sqs: '' } });
  const names = await tablesIn(dir, DATABASE);
  const paths: string[] = [];
  const local = await serveCatalog({
    dir,
    interceptS3: (_service, { url = '' }) => {
      paths.push(url);
      return false;
    },
  });
  const glue = await openEndpoint();
  glue.serve(new Glue(resources, { [DATABASE]: names }));
  progress('starting Trino');
  const { s3Url } = local;
  // Tables that are of Iceberg by their entry in Glue are read by the other catalog: in Athena, one catalog has both.
  const redirected = { 'hive.iceberg-catalog-name': CATALOG };
  const trino = await startTrino(VERSION, ['hive', 'iceberg'], {
    [ATHENA]: { ...hive(glue.url, s3Url, 'MILLISECONDS'), ...redirected },
    [WHOLE]: { ...hive(glue.url, s3Url, 'MICROSECONDS'), ...redirected },
    [CATALOG]: iceberg(VERSION, { uri: `${local.url}/iceberg`, s3Url, s3Paths: paths }),
  });
  const comparison = new Comparison(trino, paths);
  try {
    await comparison.add(dir, resources, names);
  } finally {
    await trino.close();
    await glue.close();
    await local.close();
  }
  return comparison.checked;
}
