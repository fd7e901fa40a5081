/**
 * How fast a service is asked that refuses what is too much. Who asks many things at a time, and each again after a while, gets
 * few answers from one that is asked too much; so all requests are sent one after the other then, ever more slowly until none is
 * refused, and faster again with each answer.
 */
export interface PaceClock {
  /** Milliseconds, of any beginning. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** Milliseconds from one request to the next, once one was refused; and never more, as a function has little time. */
const FIRST_GAP_MS = 20;
const LONGEST_GAP_MS = 1_000;
/** Below this, requests do not wait for each other. */
const NO_GAP_MS = 5;
/** By how much the time changes with a refusal and with an answer: chosen by trying, as test/lambdas/core/iceberg/pace.test.ts does. */
const SLOWER = 1.3;
const FASTER = 0.97;
/** A refusal so soon after the last one says nothing new: a quota comes back within a while. */
const SAME_REFUSAL_MS = 100;

export class Pace {
  readonly #clock: PaceClock;
  #gap = 0;
  #nextAt = 0;
  #slowedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: PaceClock) {
    this.#clock = clock;
  }

  /** Sends a request when it is its turn. @param isRefused whether an error says that it was too much */
  async send<Answer>(request: () => Promise<Answer>, isRefused: (error: unknown) => boolean): Promise<Answer> {
    const at = Math.max(this.#clock.now(), this.#nextAt);
    this.#nextAt = at + this.#gap;
    if (at > this.#clock.now()) await this.#clock.sleep(at - this.#clock.now());
    const sentAt = this.#clock.now();
    try {
      const answer = await request();
      this.#gap = this.#gap < NO_GAP_MS ? 0 : this.#gap * FASTER;
      return answer;
    } catch (error) {
      if (isRefused(error) && sentAt >= this.#slowedAt + SAME_REFUSAL_MS) {
        this.#gap = Math.min(LONGEST_GAP_MS, Math.max(FIRST_GAP_MS, this.#gap * SLOWER));
        this.#slowedAt = this.#clock.now();
      }
      throw error;
    }
  }
}
