import { type Alarm, alarmsIn } from '../../bin/alarms/alarm.ts';
import type { Samples } from '../../bin/alarms/evaluate.ts';
import type { Context } from '../../lib/config/config.ts';
import { isObject, type Lookup, resolve } from '../../local/template/intrinsics.ts';
import { resources, templateOf } from './template.ts';

/** References as the logical ids they refer to. */
const LOOKUP: Lookup = {
  ref: (name) => name,
  attribute: (logicalId) => logicalId,
  condition: () => true,
};

/** The alarms of a stack, of its template. */
export function alarmsOfStack(context: Context): Alarm[] {
  return alarmsIn(
    [...resources(templateOf(context), 'AWS::CloudWatch::Alarm')].map(([logicalId, { Type, Properties }]) => {
      const properties = resolve(Properties, LOOKUP);
      return { logicalId, type: Type, localName: logicalId, properties: isObject(properties) ? properties : {} };
    }),
  );
}

/** Values of metrics by name. */
export type Values = Readonly<Record<string, number>>;

/**
 * Metrics that have had these values, one set in each period, the newest last; every series of a name has the same.
 * An undefined set is a period without data.
 */
export function samplesOf({ periodSeconds }: Alarm, periods: readonly (Values | undefined)[], now: number): Samples {
  return ({ name }) =>
    periods.toReversed().flatMap((values, index) => {
      const value = values?.[name];
      return value === undefined ? [] : [{ at: now - (index + 0.5) * periodSeconds * 1000, value }];
    });
}
