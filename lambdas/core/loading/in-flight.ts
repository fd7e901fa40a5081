/**
 * Sends items concurrently, up to a limit, and acknowledges them in the order in which they were added: an item is
 * acknowledged only after it and all items before it were sent. A checkpoint taken then has no gap before it.
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
   * Starts to send an item, then waits until fewer than the limit are in flight.
   *
   * @throws what sending an earlier item threw; the caller must still call `settle` before it returns
   */
  async add(item: Item): Promise<void> {
    // A failure is kept as a value until its item's turn: a rejected promise without a handler would end the process.
    const sent = this.#send(item).then(
      () => undefined,
      (error: unknown) => error ?? new Error('sending failed without an error'),
    );
    this.#sending.push({ item, sent });
    while (this.#sending.length >= this.#limit) await this.#acknowledgeOldest();
  }

  /** Waits until all items are sent and acknowledged. @throws the first failure, in the order of the items */
  async done(): Promise<void> {
    while (this.#sending.length > 0) await this.#acknowledgeOldest();
  }

  /**
   * Waits until no item is in flight, whether it was sent or failed. Lambda freezes the process when the handler
   * returns, so no request may still be running then.
   */
  async settle(): Promise<void> {
    await Promise.all(this.#sending.map(({ sent }) => sent));
  }

  async #acknowledgeOldest(): Promise<void> {
    const [first] = this.#sending;
    if (!first) return;
    const failure = await first.sent;
    if (failure !== undefined) throw failure;
    this.#sending.shift();
    await this.#acknowledged(first.item);
  }
}

/** Resolves to the values of all promises. @throws the first failure, but only after every promise has settled */
export async function allOf<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
