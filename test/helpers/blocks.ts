import { eventBlocks } from '../../lambdas/core/reading/events.ts';

/** Messages as blocks of log events, whose time is not known. */
export function blocksOf(messages: readonly string[]): Buffer[] {
  return eventBlocks(messages.map((message) => ({ message, timestamp: undefined })));
}
