import { Duration } from 'aws-cdk-lib';
import type { EventSource } from '../config/sources.ts';
import { Duplicates } from '../duplicates.ts';
import { eventsPlace, recordSettings } from '../source-settings.ts';
import { grantRead, type LaneProps, output, roleArnOf } from './lane.ts';
import type { LoadedObjects } from './objects.ts';
import { type Payloads, placeOf } from './payloads.ts';

/** The same objects and log events → a function beside the loading ones → a table → counts. */
export function checkDuplicates(
  events: readonly EventSource[],
  payloads: Payloads | undefined,
  { notifications, inputs = [] }: Partial<LoadedObjects>,
  { stack, config, encryptionKey, removalPolicy }: LaneProps,
): Duplicates {
  const { memoryMiB, logEventsMemoryMiB, maxConcurrency, duplicates } = config;
  const objects = inputs.filter(({ source }) => source.lane === 'objects');
  const duplicateCheck = new Duplicates(stack, 'Duplicates', {
    sources: [
      ...objects.map(({ source, place }) => ({ ...recordSettings(source), ...place })),
      ...events.map((source) => ({ ...recordSettings(source), ...eventsPlace(source, placeOf(payloads, source)) })),
    ],
    sampleRate: duplicates.sampleRate,
    window: Duration.hours(duplicates.windowHours),
    memoryMiB,
    logEventsMemoryMiB,
    encryptionKey,
    removalPolicy,
  });
  const { track } = duplicateCheck;
  if (track) {
    for (const input of inputs) grantRead(track, input);
    const description = 'Reads the objects for the duplicate check: for policies of buckets and keys of others.';
    output(stack, 'CheckingRole', roleArnOf(track), description);
  }
  if (notifications) duplicateCheck.listenTo(notifications, maxConcurrency);
  return duplicateCheck;
}
