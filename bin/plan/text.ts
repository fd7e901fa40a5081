/** A plan as text for a terminal. */
import { bytesText, quantity, type RenderColumn, renderTable, thousands } from '../output/render.ts';
import type { IcebergAmounts } from './iceberg.ts';
import type { MonthlyCost, Plan } from './plan.ts';
import { tightest, UNITS } from './quotas.ts';
import type { SourcePlan } from './source-plan.ts';
import { DAYS_PER_MONTH } from './usage.ts';

/** Each source, Firehose's quotas by Region, the monthly cost by part and way to load, warnings, and assumptions. */
export function planText(plan: Plan): string {
  const { sources, warnings } = plan;
  const throughFirehose = sources.filter(({ delivery }) => delivery === 'firehose');
  return [
    ...sources.map((source) => sourceText(source, plan)),
    ...(throughFirehose.length > 0
      ? [`Firehose at the peak, by Region: throughput, quota per stream, streams\n${regionsText(throughFirehose)}`]
      : []),
    `US dollars per month of ${DAYS_PER_MONTH} days, at list prices of ${plan.prices.region} on ${plan.prices.date}\n` +
      costText(plan),
    ...(warnings.length > 0 ? [`Warnings\n${warnings.map((warning) => `- ${warning}`).join('\n')}`] : []),
    basisText(plan),
  ].join('\n\n');
}

const left = (...names: string[]): RenderColumn[] => names.map((name) => ({ name }));
const right = (...names: string[]): RenderColumn[] => names.map((name) => ({ name, align: 'right' }));

function sourceText(source: SourcePlan, { peakFactor, config }: Plan): string {
  const {
    name,
    format,
    lane,
    delivery,
    lambda,
    firehose,
    files,
    freshness,
    dynamoDb,
    batchesPerDay = 0,
    iceberg,
  } = source;
  const direct = delivery === 'direct';
  const loaded = { direct: 'batch', objects: 'object', events: 'payload' }[direct ? 'direct' : lane];
  const objects = lane === 'objects' ? 'objects' : 'payloads';
  const facts = [
    [
      'per day',
      `${count(source.linesPerDay)} lines of ${count(source.bytesPerLine)} B, ${bytesText(source.rawBytesPerDay)}; ` +
        `${count(source.objectsPerDay)} ${objects} of ${count(source.linesPerObject)} lines`,
    ],
    [
      'Lambda',
      `${number(lambda.secondsPerObject)} s per ${loaded}; ` +
        `concurrent invocations: ${number(lambda.average)} on average, ${number(lambda.peak)} at the peak` +
        (lane === 'objects' ? ` (maxConcurrency ${config.maxConcurrency})` : '') +
        `; ${count(lambda.gbSecondsPerDay)} GB-seconds per day`,
    ],
    direct
      ? [
          'batches',
          `${count(batchesPerDay)} per day, of ${count(source.objectsPerDay / batchesPerDay)} ${objects} each`,
        ]
      : [
          'Firehose',
          `${number(firehose.average.mibPerSecond)} MiB/s on average, ${number(firehose.peak.mibPerSecond)} MiB/s and ` +
            `${number(firehose.peak.requestsPerSecond)} puts/s at the peak (${peakFactor}x); ` +
            `${firehose.billedBytesPerByte.toFixed(2)} B billed per raw byte`,
        ],
    ...(iceberg ? [['Iceberg', icebergText(iceberg)]] : []),
    [
      'files',
      `${count(files.perDay)} per day, ${bytesText(files.bytes)} each (${direct ? 'ZSTD' : config.parquetCompression}), ` +
        `one every ${duration(files.everySeconds)}${direct ? '' : ' per stream'}; ` +
        `a day has ${bytesText(files.perDay * files.bytes)}, $${dollars(files.scanDayUsd)} to scan in Athena`,
    ],
    ['freshness', `${duration(freshness.leastSeconds)} to ${duration(freshness.mostSeconds)} from an event to its row`],
    [
      'DynamoDB',
      `per day ${count(dynamoDb.ledgerWritesPerDay)} write units for the ledger; ` +
        `${count(dynamoDb.duplicateWritesPerDay)} write and ${count(dynamoDb.duplicateReadsPerDay)} read units ` +
        `for the duplicate check${sampled(config)}`,
    ],
  ];
  return `${name} (${format})\n${renderTable([{ name: '' }, { name: '', wrap: true }], facts).trimStart()}`;
}

function icebergText(iceberg: IcebergAmounts): string {
  const { commitsPerDay, filesPerCommit, glueRequestsPerDay, s3PutsPerDay, s3GetsPerDay, dpuHoursPerDay } = iceberg;
  const { tables } = iceberg;
  return (
    `${tables > 1 ? `${count(tables)} tables; ` : ''}${count(commitsPerDay)} commits per day, of ${count(filesPerCommit)} files each; ${count(glueRequestsPerDay)} requests to Glue; ` +
    `for manifests and metadata ${count(s3PutsPerDay)} S3 PUT and ${count(s3GetsPerDay)} S3 GET; ` +
    `${number(dpuHoursPerDay)} DPU-hours per day of Glue, which leave ${count(iceberg.mergedFilesPerDay)} files of the day; ` +
    `metadata of ${tables > 1 ? 'up to ' : ''}${bytesText(iceberg.metadataBytes)}`
  );
}

function sampled({ duplicates: { enabled, sampleRate } }: Plan['config']): string {
  if (!enabled) return ' (off)';
  return sampleRate < 1 ? ` (sample of ${sampleRate})` : '';
}

function regionsText(sources: readonly SourcePlan[]): string {
  const rows = sources.flatMap(({ name, firehose: { streams, peak, regions } }) =>
    regions.map(({ streamsNeeded, ...quota }) => {
      const what = tightest(peak, quota);
      return [
        name,
        quota.regions.length > 0 ? quota.regions.join(', ') : 'others',
        number(peak.mibPerSecond),
        number(quota.mibPerSecond),
        count(streamsNeeded),
        count(streams),
        streamsNeeded <= streams ? 'enough' : `${number(peak[what] / streams)} ${UNITS[what]}`,
      ];
    }),
  );
  const columns = right('MiB/s', 'per stream', 'streamsPerTable needed', 'configured', 'or a quota of');
  return renderTable([{ name: 'source' }, { name: 'Regions', wrap: true }, ...columns], rows);
}

/** Parts of the monthly cost, without storage in S3. */
export const COST_PARTS: readonly (readonly [string, (cost: MonthlyCost) => number])[] = [
  ['Firehose', ({ loading }) => loading.firehose],
  ['Glue', ({ loading }) => loading.glue],
  ['Lambda', ({ loading }) => loading.lambda],
  ['SQS, SNS', ({ loading }) => loading.queues],
  ['S3 requests', ({ loading }) => loading.s3Requests],
  ['DynamoDB (ledger)', ({ loading }) => loading.dynamoDb],
  ['CloudWatch', ({ loading }) => loading.cloudWatch],
  ['duplicate check', ({ duplicates }) => duplicates.total],
];

/** Names the storage of S3, by how long rows stay. */
function keptFor(sources: readonly SourcePlan[]): string {
  const days = [...new Set(sources.map(({ retentionDays }) => retentionDays))].sort((a, b) => a - b);
  return `S3, ${days.length > 2 ? `${days[0]} to ${days.at(-1)}` : days.join(' or ')} days kept`;
}

function costText({ monthly, sources, requestsPerDay, alarms }: Plan): string {
  const ways = [monthly.parquet, monthly.direct, monthly.iceberg, monthly.usual];
  const row = (name: string, of: (cost: MonthlyCost) => number) => [name, ...ways.map((way) => dollars(of(way)))];
  const { sqs, sns, s3Gets, s3Puts } = requestsPerDay;
  const table = renderTable(
    [...left(''), ...right('Firehose', 'direct', 'Iceberg', 'usual way')],
    [
      ...COST_PARTS.map(([name, of]) => row(name, of)),
      row(keptFor(sources), ({ loading }) => loading.s3Storage),
      row('total', ({ total }) => total),
      row('per raw TB, without storage', ({ perRawTB }) => perRawTB),
    ],
  );
  const requests = `SQS ${count(sqs)}, SNS ${count(sns)}, S3 GET ${count(s3Gets)}, S3 PUT ${count(s3Puts)}`;
  const watching = `${alarms.alarms} that look at ${quantity(alarms.metrics, 'metric')}, ${dollars(alarms.usd)} of CloudWatch's part`;
  const asConfigured = `${dollars(monthly.configured.total)} a month, ${dollars(monthly.configured.perRawTB)} per raw TB`;
  return `${table}\nAs configured: ${asConfigured}\nRequests per day: ${requests}\nAlarms: ${watching}`;
}

function basisText({ rates, peakFactor, assumed, sources }: Plan): string {
  const notMeasured = sources.filter(({ format, ratesOf }) => format !== ratesOf);
  const takenFrom = notMeasured.map(
    ({ format, ratesOf }) =>
      `The format ${format} has not been measured: the rates of ${ratesOf} are used for it. ` +
      `Measure it with: npm run bench -- FILES --format ${format}`,
  );
  return [
    `Rates: measured on ${rates.date} on ${rates.machine}; a Lambda function with 1,769 MiB is assumed to be as fast.`,
    ...new Set(takenFrom),
    'Prices: bin/plan/prices.json, or --prices, states the source and the confidence of each; no free tiers, no taxes.',
    `Assumed: a peak of ${peakFactor}x the average (--peak); ` +
      `an invocation waits ${assumed.waitSeconds} s for other services, which is most of its time for log events; ` +
      "an object contains five minutes of events; Firehose's default quotas; no rejected lines.",
    'Not included: Athena, ingestion of the logs by CloudWatch itself, KMS, data transfer.',
    `Glue merges ${assumed.compactedGBPerDpuHour} GB in a DPU-hour, which AWS does not publish, and bills two DPUs for a minute at ` +
      'the least whenever it maintains a table.',
    ...(sources.some(({ iceberg }) => (iceberg?.tables ?? 1) > 1)
      ? ['Of the values of fanOut, the share of the nth is 1/n of that of the first.']
      : []),
    'The usual way is the baseline to compare with: readline, a regular expression, JSON.stringify, ' +
      'one record per line; no ledger, no duplicate check.',
  ].join('\n');
}

/** US dollars, with cents below 100. */
export function dollars(usd: number): string {
  return usd >= 100 ? thousands(Math.round(usd)) : usd.toFixed(2);
}

/** A whole number; fractions below 10 with two significant digits. */
function count(value: number): string {
  return value >= 10 || Number.isInteger(value) ? thousands(Math.round(value)) : number(value);
}

/** Two significant digits below 100, a whole number above. */
export function number(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function duration(seconds: number): string {
  return seconds < 120 ? `${number(seconds)} s` : `${number(seconds / 60)} min`;
}
