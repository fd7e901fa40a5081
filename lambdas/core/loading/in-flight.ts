/**
 * Sends items in order, a few at a time. An item is acknowledged when it and all before it are, so
 * that the position acknowledged has no gap beneath it.
 */
export class InFlight<Item> {
  readonly #limit: number;
  readonly #send: (item: Item) => Promise<void>;
  readonly #acknowledged: (item: Item) => Promise<void>;
  readonly #sending: { readonly item: Item; readonly sent: Promise<unknown> }[] = [];

  constructor(limit: number, send: (item: Item) => Promise<void>, acknowledged: (item: Item) => Promise<void>) {
    this.#limit = limit;
    this.#send = send;
    this.#acknowledged = acknowledged;
  }

  /**
   * Starts sending; waits while too many are under way.
   *
   * @throws what sending an earlier item threw. Call `settle` before leaving all the same.
   */
  async add(item: Item): Promise<void> {
    // The failure is kept as a value: it is thrown when its turn comes, not before somebody waits for it.
    const sent = this.#send(item).then(
      () => undefined,
      (error: unknown) => error ?? new Error('sending failed without an error'),
    );
    this.#sending.push({ item, sent });
    while (this.#sending.length >= this.#limit) await this.#oldest();
  }

  /** Waits for all that is under way. @throws the first failure. */
  async done(): Promise<void> {
    while (this.#sending.length > 0) await this.#oldest();
  }

  /** Waits until nothing is under way, whatever came of it: nothing may go on when a handler has returned. */
  async settle(): Promise<void> {
    await Promise.all(this.#sending.map(({ sent }) => sent));
  }

  async #oldest(): Promise<void> {
    const [first] = this.#sending;
    if (!first) return;
    const failure = await first.sent;
    if (failure !== undefined) throw failure;
    this.#sending.shift();
    await this.#acknowledged(first.item);
  }
}

/** Waits for all, then gives what they gave. @throws the first failure, when nothing is under way any more. */
export async function allOf<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
