/** Makes the tables of docs/cost.md from plans, so that they agree with `lake plan`. */
import { type Context, readConfig } from '../../lib/config/config.ts';
import { thousands } from '../output/render.ts';
import { type Plan, planOf } from './plan.ts';
import { listPrices } from './prices.ts';
import { measuredRates } from './rates.ts';
import { COST_PARTS, dollars, number } from './text.ts';

/** The tables as Markdown, by name. */
export function costTables(): ReadonlyMap<string, string> {
  return new Map([
    ['by-volume', byVolume()],
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

function byVolume(): string {
  const plans = VOLUMES.map((lines) => plan(Number(lines)));
  const row = (name: string, of: (plan: Plan) => string) => [name, ...plans.map(of)];
  return table(
    ['lines per day', ...VOLUMES.map((lines) => thousands(Number(lines)))],
    [
      ['command: `lake plan --lines-per-day`', ...VOLUMES.map((lines) => `\`${lines}\``)],
      ...COST_PARTS.map(([name, of]) => row(name, ({ monthly }) => dollars(of(monthly.parquet)))),
      row('S3, 400 days kept', ({ monthly }) => dollars(monthly.parquet.loading.s3Storage)),
      row('**total**', ({ monthly }) => dollars(monthly.parquet.total)),
      row('total, to Iceberg', ({ monthly }) => dollars(monthly.iceberg.total)),
      row('total, the usual way', ({ monthly }) => dollars(monthly.usual.total)),
      row('per raw TB, without storage', ({ monthly }) => dollars(monthly.parquet.perRawTB)),
      row('Firehose at the peak, MiB/s', ({ sources: [source] }) => number(source?.firehose.peak.mibPerSecond ?? 0)),
      row('files per day', ({ sources: [source] }) => thousands(Math.round(source?.files.perDay ?? 0))),
    ],
  );
}

/** Cost with different options after `lake plan --lines-per-day 16e9`. */
function whatHelps(): string {
  const all = (context: Context, linesPerObject?: number) => plan(16e9, context, linesPerObject).monthly.parquet.total;
  const rows: [string, number][] = [
    ['', all({})],
    ['-c parquetCompression=GZIP', all({ parquetCompression: 'GZIP' })],
    ['-c retentionDays=90', all({ retentionDays: 90 })],
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
