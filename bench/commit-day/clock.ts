/** A clock that goes on only when nobody does anything else: hours of waiting for services take as long as the work between. */
import { setImmediate as nextTurn } from 'node:timers/promises';

interface Event {
  readonly at: number;
  readonly happen: () => void;
}

export class SimulatedClock {
  /** Milliseconds since the epoch. */
  now: number;
  /** A heap: the parent of an event does not happen after it. */
  readonly #events: Event[] = [];

  constructor(now: number) {
    this.now = now;
  }

  wait(ms: number): Promise<void> {
    return new Promise((happen) => this.#add({ at: this.now + Math.max(0, ms), happen }));
  }

  /** Lets time pass until nobody waits any more, or the time is over. */
  async run(until = Number.POSITIVE_INFINITY): Promise<void> {
    await nextTurn();
    for (let first = this.#events[0]; first && first.at <= until; first = this.#events[0]) {
      this.now = first.at;
      while (this.#events[0]?.at === this.now) this.#take()?.happen();
      // All that follows from it is done before the next event.
      await nextTurn();
    }
  }

  #add(event: Event): void {
    const heap = this.#events;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (above.at <= event.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #take(): Event | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && (heap[right] as Event).at < (heap[left] as Event).at ? right : left;
      if ((heap[child] as Event).at >= last.at) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
