import { afterEach, beforeEach, vi } from 'vitest';

/** One line of the embedded metric format, as CloudWatch reads it. */
export interface MetricLine {
  readonly namespace: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Value and CloudWatch unit by metric name. */
  readonly metrics: Readonly<Record<string, readonly [value: number, unit: string]>>;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** What else the line holds. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** What a function prints in one test. */
export interface Printed {
  /** Lines that are JSON and no metrics, as the logger writes them. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  readonly metrics: readonly MetricLine[];
}

/** Keeps the JSON lines that a function prints during each test of the file, instead of showing them. */
export function capturePrinted(): Printed {
  const logs: Record<string, unknown>[] = [];
  const metrics: MetricLine[] = [];
  beforeEach(() => {
    logs.length = 0;
    metrics.length = 0;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      vi.spyOn(stream, 'write').mockImplementation((chunk, ...rest) => {
        const line = objectOf(String(chunk));
        if (!line) return write(chunk, ...(rest as []));
        if ('_aws' in line) metrics.push(metricLine(line));
        else logs.push(line);
        return true;
      });
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return { logs, metrics };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
interface Embedded {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly [
    {
      readonly Namespace: string;
      readonly Dimensions: readonly [readonly string[]];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    },
  ];
}

function metricLine({ _aws, ...values }: Record<string, unknown>): MetricLine {
  const {
    Timestamp: timestamp,
    CloudWatchMetrics: [{ Namespace: namespace, Dimensions: dimensions, Metrics }],
  } = _aws as Embedded;
  const units = new Map(Metrics.map(({ Name, Unit }) => [Name, Unit]));
  const [names] = dimensions;
  const rest = Object.entries(values).filter(([name]) => !units.has(name) && !names.includes(name));
  return {
    namespace,
    dimensions: Object.fromEntries(names.map((name) => [name, String(values[name])])),
    metrics: Object.fromEntries([...units].map(([name, unit]) => [name, [Number(values[name]), unit] as const])),
    timestamp,
    rest: Object.fromEntries(rest),
  };
}
