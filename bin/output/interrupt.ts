import { constants } from 'node:os';
import { complain, showLive } from './output.ts';

/**
 * From now on, Ctrl-C (and SIGTERM) says what becomes of what the command has done, and ends the process. Call it once the
 * stack is synthesized: until then nothing is done, and JavaScript that does not wait would delay the answer.
 *
 * @param text completes "interrupted: "
 */
export function onInterrupt(text: string): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      showLive('');
      complain(`interrupted: ${text}`);
      // The code that shells give for a process that ended by a signal.
      process.exit(128 + constants.signals[signal]);
    });
  }
}
