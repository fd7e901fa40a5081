import { type DeadLetterCounts, redriveDeadLetters } from './dead-letters.ts';
import { type FailedEventCounts, redriveFailedEvents } from './failed-events.ts';
import { type FailedRecordCounts, redriveFailedRecords } from './failed-records.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { OperationOptions } from './operation-options.ts';

/** What a redrive came to, by where things had failed. */
export interface RedriveCounts {
  readonly deadLetters: DeadLetterCounts;
  readonly failedEvents: FailedEventCounts;
  readonly failedRecords: FailedRecordCounts;
}

/**
 * Tries again what failed for good: messages, then payloads of log events, then records that could not
 * be converted.
 *
 * @param problems is told of each thing that is left where it is
 */
export async function redrive(lake: LakeHandle, options: OperationOptions, problems: string[]): Promise<RedriveCounts> {
  return {
    deadLetters: await redriveDeadLetters(lake, options),
    failedEvents: await redriveFailedEvents(lake, options, problems),
    failedRecords: await redriveFailedRecords(lake, options, problems),
  };
}
