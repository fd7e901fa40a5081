/** Makes the tables of docs/cost.md from plans, so that they agree with `lake plan`. */
import { type Context, readConfig } from '../../lib/config/config.ts';
import { bytesText, thousands } from '../output/render.ts';
import type { IcebergAmounts } from './iceberg.ts';
import { type Plan, planOf } from './plan.ts';
import { listPrices } from './prices.ts';
import { measuredRates } from './rates.ts';
import type { SourcePlan } from './source-plan.ts';
import { COST_PARTS, dollars, number } from './text.ts';
import { MAX_STREAMS, SMALL_FILE_BYTES } from './warnings.ts';

/** The tables as Markdown, by name. */
export function costTables(): ReadonlyMap<string, string> {
  return new Map([
    ['by-volume', byVolume(...ALB)],
    ['log-groups', byVolume(...LOG_GROUP)],
    ['lanes', lanes()],
    ['table-formats', tableFormats()],
    ['fan-out', fanOut()],
    ['params', params()],
    ['what-helps', whatHelps()],
    ['duplicates', duplicates()],
    ['prices', prices()],
  ]);
}

function plan(linesPerDay: number, context: Context = {}, linesPerObject?: number): Plan {
  const config = readConfig(context);
  const volumes = new Map(config.sources.map(({ name }) => [name, { linesPerDay, linesPerObject }]));
  return planOf({ config, volumes, peakFactor: 2, rates: measuredRates(), prices: listPrices() });
}

/** Lines per day, as they are given to `--lines-per-day`. */
const VOLUMES = ['1e5', '1e7', '1e9', '16e9'];

/** Sources that tables are for: the params, and how a command names them. */
const ALB = [{}, ''] as const;
const LOG_GROUP = [
  { sources: [{ name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: ['/ecs/app'] } }] },
  ' in a folder with this source in cdk.json',
] as const;

function byVolume(context: Context, where: string): string {
  const plans = VOLUMES.map((lines) => plan(Number(lines), context));
  const row = (name: string, of: (plan: Plan) => string) => [name, ...plans.map(of)];
  return table(
    ['lines per day', ...VOLUMES.map((lines) => thousands(Number(lines)))],
    [
      [`command${where}: \`lake plan --lines-per-day\``, ...VOLUMES.map((lines) => `\`${lines}\``)],
      ...COST_PARTS.filter(([name]) => name !== 'Glue').map(([name, of]) =>
        row(name, ({ monthly }) => dollars(of(monthly.parquet))),
      ),
      row('S3, 400 days kept', ({ monthly }) => dollars(monthly.parquet.loading.s3Storage)),
      row('**total**', ({ monthly }) => dollars(monthly.parquet.total)),
      row('total, `delivery=direct`', ({ monthly }) => dollars(monthly.direct.total)),
      row('total, `delivery=direct` and `tableFormat=iceberg`', ({ monthly }) => dollars(monthly.iceberg.total)),
      row('total, by Firehose to Iceberg', ({ monthly }) => dollars(monthly.firehoseIceberg.total)),
      row('total, the usual way', ({ monthly }) => dollars(monthly.usual.total)),
      row('per raw TB, without storage', ({ monthly }) => dollars(monthly.parquet.perRawTB)),
      row('Firehose at the peak, MiB/s', ({ sources: [source] }) => number(source?.firehose.peak.mibPerSecond ?? 0)),
      row('files per day', ({ sources: [source] }) => thousands(Math.round(source?.files.perDay ?? 0))),
    ],
  );
}

/** Both lanes side by side, for ALB lines. */
function lanes(): string {
  const columns = VOLUMES.flatMap((lines) => {
    const { monthly, sources: throughFirehose } = plan(Number(lines));
    const { sources: direct } = plan(Number(lines), { delivery: 'direct' });
    return [
      { lane: 'Firehose', lines, cost: monthly.parquet, source: throughFirehose[0] },
      { lane: 'direct', lines, cost: monthly.direct, source: direct[0] },
    ];
  });
  type Column = (typeof columns)[number];
  const row = (name: string, of: (column: Column) => string) => [name, ...columns.map(of)];
  const atMost = ({ source }: Column) => `${number((source?.freshness.mostSeconds ?? 0) / 60)} min`;
  return table(
    ['lines per day', ...columns.map(({ lane, lines }) => `${thousands(Number(lines))}, ${lane}`)],
    [
      ...COST_PARTS.map(([name, of]) => row(name, ({ cost }) => dollars(of(cost)))),
      row('S3, 400 days kept', ({ cost }) => dollars(cost.loading.s3Storage)),
      row('**total**', ({ cost }) => dollars(cost.total)),
      row('per raw TB, without storage', ({ cost }) => dollars(cost.perRawTB)),
      row('files per day', ({ source }) => thousands(Math.round(source?.files.perDay ?? 0))),
      row('each file', ({ source }) => bytesText(source?.files.bytes ?? 0)),
      row('from a request to its row, at most', atMost),
    ],
  );
}

/** Both kinds of tables of the direct lane side by side, for ALB lines. */
function tableFormats(): string {
  const columns = VOLUMES.slice(1).flatMap((lines) => {
    const { monthly, sources: parquet } = plan(Number(lines), { delivery: 'direct' });
    const { sources: iceberg } = plan(Number(lines), { delivery: 'direct', tableFormat: 'iceberg' });
    return [
      { format: 'parquet', lines, cost: monthly.direct, source: parquet[0] },
      { format: 'iceberg', lines, cost: monthly.iceberg, source: iceberg[0] },
    ];
  });
  type Column = (typeof columns)[number];
  const row = (name: string, of: (column: Column) => string) => [name, ...columns.map(of)];
  const amount = (name: string, of: (iceberg: IcebergAmounts) => string) =>
    row(name, ({ source }) => (source?.iceberg ? of(source.iceberg) : ''));
  const whole = (value: number) => thousands(Math.round(value));
  return table(
    ['lines per day', ...columns.map(({ format, lines }) => `${thousands(Number(lines))}, ${format}`)],
    [
      ...COST_PARTS.filter(([name]) => name !== 'Firehose').map(([name, of]) =>
        row(name, ({ cost }) => dollars(of(cost))),
      ),
      row('S3, 400 days kept', ({ cost }) => dollars(cost.loading.s3Storage)),
      row('**total**', ({ cost }) => dollars(cost.total)),
      row('files per day, as written', ({ source }) => whole(source?.files.perDay ?? 0)),
      amount('files of a day, when merged', ({ mergedFilesPerDay }) => whole(mergedFilesPerDay)),
      amount('commits per day', ({ commitsPerDay }) => whole(commitsPerDay)),
      amount('requests to Glue per day', ({ glueRequestsPerDay }) => whole(glueRequestsPerDay)),
      amount(
        'S3 PUT, GET per day for manifests and metadata',
        ({ s3PutsPerDay, s3GetsPerDay }) => `${whole(s3PutsPerDay)}, ${whole(s3GetsPerDay)}`,
      ),
      amount('DPU-hours per day', ({ dpuHoursPerDay }) => number(dpuHoursPerDay)),
      amount('metadata', ({ metadataBytes }) => bytesText(metadataBytes)),
      row(
        'from a request to its row, at most',
        ({ source }) => `${number((source?.freshness.mostSeconds ?? 0) / 60)} min`,
      ),
    ],
  );
}

const BY_DEFAULT = { bufferIntervalSeconds: 300, bufferSizeMiB: 128 };
const SELDOM_CUT = { bufferIntervalSeconds: 900, bufferSizeMiB: 512 };
/** Numbers of tables among which a billion lines are divided, and the params. */
const DIVIDED: readonly (readonly [tables: number, more: Context])[] = [
  [1, {}],
  [100, {}],
  [1000, {}],
  [1000, SELDOM_CUT],
  [10_000, {}],
  [10_000, SELDOM_CUT],
];

function fanOut(): string {
  const columns = DIVIDED.map(([tables, more]) => {
    const allow = Array.from({ length: tables - 1 }, (_, index) => `tenant_${index}`);
    const source = { name: 'app', format: 'json', columns: { tenant: 'string', time: 'timestamp', message: 'string' } };
    const from = { bucket: 'my-logs' };
    const fanOut = { by: 'tenant', allow, other: 'rest' };
    const sources = [{ ...source, from, ...(tables > 1 && { fanOut }) }];
    const planned = plan(1e9, { delivery: 'direct', tableFormat: 'iceberg', ...more, sources });
    const [app] = planned.sources;
    if (!app?.iceberg) throw new Error('expected a source with Iceberg tables');
    const { files, lambda, freshness, iceberg } = app;
    return {
      tables,
      more,
      cost: planned.monthly.configured,
      files,
      lambda,
      freshness,
      iceberg,
    };
  });
  type Column = (typeof columns)[number];
  const row = (name: string, of: (column: Column) => string) => [name, ...columns.map(of)];
  const whole = (value: number) => thousands(Math.round(value));
  return table(
    ['tables', ...columns.map(({ tables }) => thousands(tables))],
    [
      row('`bufferIntervalSeconds`, `bufferSizeMiB`', ({ more }) => {
        const { bufferIntervalSeconds, bufferSizeMiB } = { ...BY_DEFAULT, ...more };
        return `${bufferIntervalSeconds}, ${bufferSizeMiB}`;
      }),
      row('files per day, as written', ({ files }) => whole(files.perDay)),
      row('each file', ({ files }) => bytesText(files.bytes)),
      row('files of a day, when merged', ({ iceberg }) => whole(iceberg.mergedFilesPerDay)),
      row('commits per day', ({ iceberg }) => whole(iceberg.commitsPerDay)),
      row('requests to Glue per day', ({ iceberg }) => whole(iceberg.glueRequestsPerDay)),
      row('DPU-hours per day', ({ iceberg }) => number(iceberg.dpuHoursPerDay)),
      row('writing a batch', ({ lambda }) => `${number(lambda.secondsPerObject)} s`),
      row('from a request to its row, at most', ({ freshness }) => `${number(freshness.mostSeconds / 60)} min`),
      ...COST_PARTS.filter(([name]) => name !== 'Firehose').map(([name, of]) =>
        row(name, ({ cost }) => dollars(of(cost))),
      ),
      row('S3, 400 days kept', ({ cost }) => dollars(cost.loading.s3Storage)),
      row('**total**', ({ cost }) => dollars(cost.total)),
    ],
  );
}

/** What to set at a volume so that a plan warns of nothing that a param can change. */
function params(): string {
  const plans = VOLUMES.map((lines) => plan(Number(lines)));
  const row = (name: string, of: (source: SourcePlan, plan: Plan) => number | string) => [
    name,
    ...plans.map((each) => (each.sources[0] ? String(of(each.sources[0], each)) : '')),
  ];
  const streams =
    (index: number) =>
    ({ firehose: { regions, peak } }: SourcePlan) => {
      const needed = regions[index]?.streamsNeeded ?? 0;
      if (needed <= MAX_STREAMS) return needed;
      return `${MAX_STREAMS}, of ${number(peak.mibPerSecond / MAX_STREAMS)} MiB/s each`;
    };
  const dayGiB = ({ files }: SourcePlan) => Math.ceil((files.perDay * files.bytes) / 2 ** 30);
  return table(
    ['lines per day', ...VOLUMES.map((lines) => thousands(Number(lines)))],
    [
      row('`streamsPerTable` in us-east-1, us-west-2, eu-west-1', streams(0)),
      row('`streamsPerTable` in other Regions', streams(1)),
      row('`bufferIntervalSeconds`', ({ files }) => (files.bytes < SMALL_FILE_BYTES ? 900 : 300)),
      row('`maxConcurrency`', ({ lambda }) => Math.max(50, Math.ceil(lambda.peak))),
      row('concurrent invocations that the account needs', ({ lambda }) => 2 * Math.ceil(lambda.peak)),
      row('`scanLimitGiB`, for queries of a week', (source) => thousands(Math.max(100, 7 * dayGiB(source)))),
    ],
  );
}

/** Cost with different options after `lake plan --lines-per-day 16e9`. */
function whatHelps(): string {
  const all = (context: Context, linesPerObject?: number) => plan(16e9, context, linesPerObject).monthly.parquet.total;
  const rows: [string, number][] = [
    ['', all({})],
    ['-c parquetCompression=SNAPPY', all({ parquetCompression: 'SNAPPY' })],
    ['-c delivery=direct', plan(16e9, { delivery: 'direct' }).monthly.configured.total],
    [
      '-c delivery=direct -c tableFormat=iceberg',
      plan(16e9, { delivery: 'direct', tableFormat: 'iceberg' }).monthly.configured.total,
    ],
    ['-c retentionDays=90', all({ retentionDays: 90 })],
    ['-c archiveAfterDays=60', all({ archiveAfterDays: 60 })],
    ['-c duplicates.sampleRate=0.1', all({ 'duplicates.sampleRate': 0.1 })],
    ['--lines-per-object 100000', all({}, 100_000)],
    ['--lines-per-object 1000', all({}, 1000)],
  ];
  return table(
    ['`lake plan --lines-per-day 16e9` and', 'dollars per month'],
    rows.map(([more, usd]) => [more ? `\`${more}\`` : 'nothing else', dollars(usd)]),
  );
}

function duplicates(): string {
  const ways: [string, Context][] = [
    ['duplicates.enabled=false', { 'duplicates.enabled': false }],
    ['duplicates.sampleRate=0.01', { 'duplicates.sampleRate': 0.01 }],
    ['duplicates.sampleRate=0.1', { 'duplicates.sampleRate': 0.1 }],
    ['duplicates.sampleRate=1', {}],
  ];
  const volumes = VOLUMES.slice(1);
  return table(
    ['`lake plan --lines-per-day …`', ...volumes.map((lines) => `\`${lines}\``)],
    ways.map(([param, context]) => [
      `\`-c ${param}\``,
      ...volumes.map((lines) => dollars(plan(Number(lines), context).monthly.parquet.duplicates.total)),
    ]),
  );
}

function prices(): string {
  const { region: _, date: __, ...all } = listPrices();
  return table(
    ['price', 'dollars', 'confidence', 'source'],
    Object.entries(all).map(([name, { source, confidence, ...price }]) => [
      name,
      'tiers' in price
        ? price.tiers
            .map(({ upTo, usd }) => `${usd}${upTo === undefined ? '' : ` up to ${thousands(upTo)} GB`}`)
            .join(', ')
        : price.usd.toFixed(10).replace(/\.?0+$/, ''),
      confidence,
      source,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
