import { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { thousands } from '../../output/render.ts';
import { QUOTAS, type RegionQuota, streamsNeeded, type Throughput, tightest, UNITS } from '../../plan/quotas.ts';
import type { SourcePlan } from '../../plan/source-plan.ts';
import { check, notKnown, ok, problem, type Verdict } from '../check.ts';
import type { Clients } from '../clients.ts';
import type { Examined } from '../examined.ts';

/** A planned source with one of its streams, if it is deployed; undefined stands for a lake without a plan. */
type Planned = { readonly source: SourcePlan; readonly stream: string | undefined } | undefined;

/**
 * Firehose has no operation that tells its quotas, and Service Quotas does not have them. A stream that gets records
 * publishes them as metrics.
 * https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
 */
const LIMITS = {
  mibPerSecond: 'BytesPerSecondLimit',
  recordsPerSecond: 'RecordsPerSecondLimit',
  requestsPerSecond: 'PutRequestsPerSecondLimit',
} as const;

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

/** Whether the streams of each source take the peak that is planned. */
export const throughput = check<Planned, Throughput | undefined>({
  name: 'Firehose throughput',
  actions: ['cloudwatch:GetMetricStatistics'],
  things({ config, plan, stack }) {
    // The direct lane sends nothing to Firehose but what the lake had begun before.
    const sources = config.sources.filter(({ delivery }) => delivery === 'firehose').map(({ name }) => name);
    if (sources.length === 0) return [];
    if (!plan) return [undefined];
    const streamOf = (name: string) => stack?.sources.find((source) => source.name === name)?.streams[0];
    return plan.sources
      .filter(({ name }) => sources.includes(name))
      .map((source) => ({ source, stream: streamOf(source.name) }));
  },
  about: (planned) => planned?.source.name ?? '',
  ask: async ({ cloudWatch }, planned) => (planned?.stream ? limitsOf(cloudWatch, planned.stream) : undefined),
  judge(measured, planned, lake) {
    if (!planned) {
      const says =
        'How many lines come is not known, so nothing is compared with the quotas of Firehose ' +
        `(${quotaText(quotaOf(lake.region))} for a stream in ${lake.region}, unless they were raised).`;
      return [notKnown(says, 'lake doctor --lines-per-day N')];
    }
    return [judged(measured, planned.source, lake)];
  },
});

function judged(measured: Throughput | undefined, { name, firehose }: SourcePlan, { region }: Examined): Verdict {
  const { peak, streams } = firehose;
  const quota = { ...quotaOf(region), ...measured };
  const needed = streamsNeeded(peak, quota);
  const what = tightest(peak, quota);
  const says =
    `At the peak ${name} sends ${number(peak[what])} ${UNITS[what]}; ${streams === 1 ? 'its stream takes' : `its ${streams} streams take`} ` +
    `${number(streams * quota[what])}, ${measured ? 'as Firehose itself says' : `by the quota of ${region} unless it was raised`}.`;
  if (needed <= streams) return ok(says);
  return problem(
    says,
    needed <= MAX_STREAMS
      ? `set "streamsPerTable": ${needed} for ${name}, or ask for ${number(peak[what] / streams)} ${UNITS[what]}: ${FORM}`
      : `ask for ${number(peak[what] / streams)} ${UNITS[what]} for each stream: ${FORM}`,
  );
}

const MAX_STREAMS = 50;
/** Firehose's quotas are raised by this form. https://docs.aws.amazon.com/firehose/latest/dev/limits.html */
const FORM = 'https://docs.aws.amazon.com/firehose/latest/dev/limits.html';

function quotaOf(region: string): RegionQuota {
  const quota = QUOTAS.find(({ regions }) => regions.includes(region)) ?? QUOTAS.find(({ regions }) => !regions.length);
  if (!quota) throw new Error('no quota for other Regions');
  return quota;
}

function quotaText({ mibPerSecond, recordsPerSecond, requestsPerSecond }: RegionQuota): string {
  return `${mibPerSecond} MiB/s, ${thousands(recordsPerSecond)} records/s, ${thousands(requestsPerSecond)} puts/s`;
}

/** Undefined if the stream has published none for some hours, because nothing came. */
async function limitsOf(client: Clients['cloudWatch'], stream: string): Promise<Throughput | undefined> {
  const end = Date.now();
  const limit = async (MetricName: string) => {
    const { Datapoints = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/Firehose',
        MetricName,
        Dimensions: [{ Name: 'DeliveryStreamName', Value: stream }],
        StartTime: new Date(end - 3 * HOUR_MS),
        EndTime: new Date(end),
        Period: 3600,
        Statistics: ['Maximum'],
      }),
    );
    const latest = Datapoints.toSorted((a, b) => Number(a.Timestamp) - Number(b.Timestamp)).at(-1);
    return latest?.Maximum;
  };
  const bytes = await limit(LIMITS.mibPerSecond);
  const recordsPerSecond = await limit(LIMITS.recordsPerSecond);
  const requestsPerSecond = await limit(LIMITS.requestsPerSecond);
  if (!bytes || !recordsPerSecond || !requestsPerSecond) return undefined;
  return { mibPerSecond: bytes / MIB, recordsPerSecond, requestsPerSecond };
}

/** Three significant digits below 100, a whole number above. */
function number(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : String(Number(value.toPrecision(3)));
}
