/** The alarms of a local lake: evaluated here, since there is no CloudWatch. */

import { readLakeFolder } from '../input/lake-folder.ts';
import { type Alarm, alarmsIn, type MetricName } from './alarm.ts';
import { type AlarmState, inOrder } from './alarm-state.ts';
import { evaluate } from './evaluate.ts';
import { isMeasured, localSamples } from './local-samples.ts';

/**
 * Evaluates the alarms of the lake in a folder. It only reads files, so another process may have the lake open.
 *
 * @param now milliseconds since the epoch
 */
export function localAlarms(dir: string, now: number): AlarmState[] {
  const samples = localSamples(dir, now);
  return inOrder(
    alarmsIn(readLakeFolder(dir).alarms).map((alarm) => ({
      name: alarm.name,
      ...(notMeasured(alarm) ?? evaluate(alarm, samples, now)),
      description: ofLake(alarm.description, dir),
    })),
  );
}

/** An alarm that needs a metric which this machine does not have cannot be judged. */
function notMeasured({ metrics }: Alarm): Pick<AlarmState, 'state' | 'reason'> | undefined {
  const absent = new Set(metrics.filter((metric) => !isMeasured(metric)).map(nameText));
  if (absent.size === 0) return undefined;
  return { state: 'INSUFFICIENT_DATA', reason: `not measured on this machine: ${[...absent].join(', ')}` };
}

function nameText({ namespace, name }: MetricName): string {
  return `${namespace} ${name}`;
}

/** The description names the deployed stack in its command. */
function ofLake(description: string, dir: string): string {
  return description.replace(/ --stack \S+/, ` --lake ${dir}`);
}
