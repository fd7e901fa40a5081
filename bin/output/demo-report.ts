/** Answers the first questions a user would ask a lake, by SQL and from the files in its folder. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ICEBERG_PREFIX } from '../../lambdas/core/tables/table.ts';
import type { Athena } from '../../local/athena/athena.ts';
import type { PlantedDuplicates } from '../../local/sample/sample-line.ts';
import { glueTable } from '../../local/template/glue-table.ts';
import type { LakeFolder } from '../input/lake-folder.ts';
import { type Balance, select } from './balance.ts';
import { bytesText, renderTable, thousands } from './render.ts';

export interface DemoReport {
  readonly lake: string;
  readonly tables: readonly TableReport[];
  readonly balance: readonly Balance[];
  readonly planted: Planted;
  /** Percentiles of target_processing_time. */
  readonly latencySeconds: Readonly<Record<'p50' | 'p95' | 'p99', number>>;
  readonly failingEndpoints: readonly FailingEndpoint[];
}

/** Unusual lines and duplicates that the sample contains on purpose, and whether the lake found all of them. */
export interface Planted {
  readonly oddLines: number;
  readonly asPlanted: boolean;
  readonly duplicates: readonly FoundDuplicates[];
}

/** One source's duplicates: how many the lake found, and how many the sample contains. */
export interface FoundDuplicates {
  readonly source: string;
  readonly checked: number;
  /** Share of duplicates among the checked records, 0 to 1. */
  readonly rate: number;
  readonly found: PlantedDuplicates;
  readonly planted: PlantedDuplicates;
}

interface TableReport {
  readonly table: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** Folder of its Parquet files. */
  readonly folder: string;
}

interface FailingEndpoint {
  readonly endpoint: string;
  readonly requests: number;
  readonly failed: number;
}

export async function demoReport(
  athena: Athena,
  lake: LakeFolder,
  balance: readonly Balance[],
  planted: Planted,
): Promise<DemoReport> {
  const tables: TableReport[] = [];
  for (const resource of lake.tables) {
    const { name, bucket, prefix } = glueTable(resource);
    const source = lake.sources.find((each) => each.name === name);
    const place = source?.tableFormat === 'iceberg' ? `${ICEBERG_PREFIX}${name}/` : prefix;
    const folder = join(lake.dir, 'buckets', bucket, place);
    const [row] = await select(athena, `SELECT count(*) AS found FROM "${name}"`);
    tables.push({ table: name, rows: Number(row?.found), ...parquetIn(folder), folder });
  }
  return {
    lake: lake.dir,
    tables,
    balance,
    planted,
    latencySeconds: await latency(athena),
    failingEndpoints: await failingEndpoints(athena),
  };
}

async function latency(athena: Athena): Promise<DemoReport['latencySeconds']> {
  const [row] = await select(
    athena,
    `SELECT approx_percentile(target_processing_time, 0.5) AS p50,
       approx_percentile(target_processing_time, 0.95) AS p95,
       approx_percentile(target_processing_time, 0.99) AS p99 FROM alb`,
  );
  return { p50: Number(row?.p50), p95: Number(row?.p95), p99: Number(row?.p99) };
}

async function failingEndpoints(athena: Athena): Promise<FailingEndpoint[]> {
  const rows = await select(
    athena,
    `SELECT concat(request_verb, ' ', url_extract_host(request_url),
         regexp_replace(url_extract_path(request_url), '/[0-9]+', '/{id}')) AS endpoint,
       count(*) AS requests, count_if(elb_status_code >= 500) AS failed
     FROM alb GROUP BY 1 HAVING count_if(elb_status_code >= 500) > 0 ORDER BY failed DESC, endpoint LIMIT 5`,
  );
  return rows.map(({ endpoint, requests, failed }) => ({
    endpoint: String(endpoint),
    requests: Number(requests),
    failed: Number(failed),
  }));
}

function parquetIn(folder: string): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.parquet')) continue;
    files++;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, bytes };
}

/** Repeats within an object and across objects count together: it depends on the lane how payloads are gathered. */
const DUPLICATE_KINDS: readonly ((of: FoundDuplicates['found']) => number)[] = [
  ({ withinObject, acrossObjects }) => withinObject + acrossObjects,
  ({ redelivered }) => redelivered,
  ({ outsideWindow }) => outsideWindow,
];

/** The report on one screen. */
export function demoText({ lake, tables, balance, planted, latencySeconds, failingEndpoints }: DemoReport): string {
  const right = (...names: string[]) => names.map((name) => ({ name, align: 'right' as const }));
  const { p50, p95, p99 } = latencySeconds;
  const seconds = (value: number) => `${value.toFixed(3)} s`;
  const where = lake === './lake' ? '' : ` --lake ${lake}`;
  return [
    '',
    renderTable(
      [{ name: 'table' }, ...right('rows', 'files', 'size'), { name: 'folder of the Parquet files' }],
      tables.map(({ table, rows, files, bytes, folder }) => [
        table,
        thousands(rows),
        thousands(files),
        bytesText(bytes),
        folder,
      ]),
    ),
    '',
    renderTable(
      [{ name: 'source' }, ...right('lines', '= rows', '+ filtered', '+ rejected')],
      balance.map(({ source, lines, rows, filtered, rejected }) => [
        source,
        ...[lines, rows, filtered, rejected].map(thousands),
      ]),
    ),
    `Unusual lines in the sample: ${thousands(planted.oddLines)}. ` +
      `The lake's counts are ${planted.asPlanted ? '' : 'not '}those expected.`,
    '',
    renderTable(
      [
        { name: 'duplicates found (expected)' },
        ...right('records', 'rate', 'duplicates', 'redelivered', 'outside window'),
      ],
      planted.duplicates.map(({ source, checked, rate, found, planted: of }) => [
        source,
        thousands(checked),
        `${(100 * rate).toFixed(2)} %`,
        ...DUPLICATE_KINDS.map((kind) => `${thousands(kind(found))} (${thousands(kind(of))})`),
      ]),
    ),
    '',
    `target_processing_time: p50 ${seconds(p50)}, p95 ${seconds(p95)}, p99 ${seconds(p99)}`,
    '',
    renderTable(
      [{ name: 'endpoints with the most 5xx' }, ...right('5xx', 'requests', 'share')],
      failingEndpoints.map(({ endpoint, requests, failed }) => [
        endpoint,
        thousands(failed),
        thousands(requests),
        `${((100 * failed) / requests).toFixed(1)} %`,
      ]),
    ),
    '',
    'Next, query the lake yourself:',
    `  npm run lake -- duplicates --lines${where}`,
    `  npm run lake -- query "SELECT reason, count(*) FROM rejected_lines GROUP BY reason"${where}`,
  ].join('\n');
}
