import { type DeadLetterCounts, redriveCheckDeadLetters, redriveDeadLetters } from './dead-letters.ts';
import { type FailedEventCounts, redriveFailedEvents } from './failed-events.ts';
import { type FailedRecordCounts, redriveFailedRecords } from './failed-records.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { OperationOptions } from './operation-options.ts';

/** Result of a redrive, by where the inputs had failed. */
export interface RedriveCounts {
  readonly deadLetters: DeadLetterCounts;
  /** Of the duplicate check. */
  readonly checkDeadLetters: DeadLetterCounts;
  readonly failedEvents: FailedEventCounts;
  readonly failedRecords: FailedRecordCounts;
}

/**
 * Tries again what was given up on: messages in the dead-letter queue, then payloads of log events, then records that
 * Firehose could not convert.
 *
 * @param problems gets a line for each item that is left where it is
 */
export async function redrive(lake: LakeHandle, options: OperationOptions, problems: string[]): Promise<RedriveCounts> {
  return {
    deadLetters: await redriveDeadLetters(lake, options),
    checkDeadLetters: await redriveCheckDeadLetters(lake, options),
    failedEvents: await redriveFailedEvents(lake, options, problems),
    failedRecords: await redriveFailedRecords(lake, options, problems),
  };
}
