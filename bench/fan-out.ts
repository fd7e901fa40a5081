/**
 * `npm run bench:fan-out -- 1000 500000`: writes a batch of rows to so many tables, as write-batch does with a lake in memory.
 * docs/iceberg.md has the figures. `npm run bench:commit-day` has what such batches ask of the services in a day.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { print } from '../bin/output/output.ts';
import { BatchFiles } from '../lambdas/core/direct/batch-files.ts';
import { EventDays } from '../lambdas/core/direct/event-days.ts';
import type { LakeFiles } from '../lambdas/core/direct/ports.ts';
import { RowDivider } from '../lambdas/core/direct/rows-by-table.ts';
import { FORMATS } from '../lambdas/core/formats/registry.ts';
import { schemaOf } from '../lambdas/core/iceberg/schema.ts';
import { LineBatcher } from '../lambdas/core/loading/line-batcher.ts';
import { recycle } from '../lambdas/core/loading/pack.ts';
import { openParquetFile } from '../lambdas/core/parquet/file.ts';
import { FanOutTables } from '../lambdas/core/tables/fan-out.ts';
import { sourceTable } from '../lambdas/core/tables/table.ts';
import { diskSpill } from '../lambdas/edges/spill.ts';
import { Random } from '../local/sample/random.ts';

const tables = Number(process.argv[2] ?? 1000);
const rows = Number(process.argv[3] ?? 500_000);
/** Milliseconds of a request to S3, so that as many files are in memory as would be. */
const REQUEST_MS = 2;

const NOW = Date.now();
const columns = {
  ...{ tenant: 'string', time: 'timestamp', level: 'string', service: 'string', message: 'string' },
  ...{ status: 'int', duration_ms: 'double', request_id: 'string', path: 'string' },
};
const format = FORMATS.get('json')?.compile({ columns });
if (!format) throw new Error('there is no format json');
const allow = Array.from({ length: tables }, (_, index) => `tenant_${index}`);
const table = sourceTable('app', '', format.columns, 'objects');
const ids = Object.fromEntries(schemaOf(table).map(({ name }, index) => [name, index + 1]));
const days = new EventDays('UTC', 400, NOW);
const divider = new RowDivider(days, table, format.columns, new FanOutTables('app', { by: 'tenant', allow }));
const today = days.dayOf(NOW);
const random = new Random('fan-out');

let begun = 0;
const lake: Partial<LakeFiles> = {
  keyOf: (uri) => uri,
  begin: async () => {
    begun++;
    await sleep(REQUEST_MS);
    return 'u'.repeat(100);
  },
  uploadPart: async (_key, _id, number) => {
    await sleep(REQUEST_MS);
    return { number, etag: 'e'.repeat(34) };
  },
};
const spill = await diskSpill();
const files = new BatchFiles({
  attempt: 'one',
  ...{ batch: '20261129100000-0123456789ab', spill, openFile: openParquetFile, lake: lake as LakeFiles },
  tables: {
    of: async ({ name }) => ({ name, uuid: 'u'.repeat(36), location: `s3://lake/iceberg/${name}`, schemaId: 0, ids }),
  },
});

/** A line; few tenants have most of them. */
function line(number: number): string {
  const tenant = allow[Math.floor(tables * random.fraction() ** 3)];
  const time = new Date(NOW - Math.floor(random.fraction() * 300_000)).toISOString();
  const message = `handled request number ${number} of user ${Math.floor(random.fraction() * 1e6)}`;
  const service = `svc${Math.floor(random.fraction() * 20)}`;
  const request_id = Math.floor(random.fraction() * 1e15).toString(16);
  const path = `/api/v1/things/${Math.floor(random.fraction() * 1000)}`;
  const rest = { status: 200, duration_ms: random.fraction() * 100, request_id, path };
  return `${JSON.stringify({ tenant, time, level: 'INFO', service, message, ...rest })}\n`;
}

const batcher = new LineBatcher({
  ...{ source: 'app', origin: 'origin000000', format, keepRaw: 'never', shared: new Map() },
  now: () => new Date(NOW),
});
async function take(batches: ReturnType<LineBatcher['takeFullBatches']>): Promise<void> {
  for (const { rows: records, rejected, times } of batches) {
    for (const part of divider.divide(records, times, today)) await files.append(part.table, part.day, part.rows);
    recycle(records);
    recycle(rejected);
  }
}
const started = Date.now();
for (let number = 0; number < rows; number += 1000) {
  batcher.push(Buffer.from(Array.from({ length: 1000 }, (_, index) => line(number + index)).join('')));
  await take(batcher.takeFullBatches());
}
batcher.end();
await take(batcher.takeRemaining());
const read = Date.now();
const list = await files.finish([], today);
const ended = Date.now();
await spill.remove();

const bytes = list.files.reduce((sum, { size }) => sum + size, 0);
print(
  [
    `${tables} tables, ${rows} rows: ${begun} files of ${Math.round(bytes / begun)} bytes each`,
    `peak memory          ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
    `reading, with making the lines   ${(read - started) / 1000} s`,
    `ending the files     ${(ended - read) / 1000} s, requests of ${REQUEST_MS} ms among it`,
    `attempt's list       ${JSON.stringify(list).length} bytes`,
  ].join('\n'),
);
