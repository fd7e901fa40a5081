/** Metrics of a local lake, from the logs of its functions: CloudWatch would make them of the same lines. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadMetric, SOURCE_DIMENSION } from '../../lambdas/core/metrics.ts';
import { isObject } from '../../local/template/intrinsics.ts';

/**
 * Sums up a metric of the lake in a folder. A log that has grown too long for one file has lost its oldest lines.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function localMetricSum(dir: string) {
  return async (metric: LoadMetric, source: string, since: Date): Promise<number> => {
    let sum = 0;
    for (const file of globSync(join(dir, 'logs', '*.log*'))) {
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        const logged = line.includes('"_aws"') ? embeddedMetrics(line) : undefined;
        if (logged?.[SOURCE_DIMENSION] !== source || !isObject(logged._aws)) continue;
        if (Number(logged._aws.Timestamp) >= since.getTime()) sum += Number(logged[metric] ?? 0);
      }
    }
    return sum;
  };
}

function embeddedMetrics(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    // The process died while it wrote the line.
    return undefined;
  }
}
