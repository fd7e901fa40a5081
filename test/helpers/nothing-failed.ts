import type { Drained } from '../../local/local-lake.ts';

/** What draining a lake gives when everything was loaded. */
export const NOTHING_FAILED: Drained = {
  deadLetters: [],
  failedEvents: [],
  conversionFailures: [],
  damaged: [],
  denied: [],
};
