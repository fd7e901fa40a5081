import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSetAside, setAside } from '../damage.ts';
import { syncFolder, UNFINISHED, writeDurable } from '../files.ts';

/** A message as stored in its file. Times are milliseconds since the epoch. */
const storedMessage = z.object({
  id: z.string(),
  body: z.string(),
  sentAt: z.number(),
  /** When a message that was sent with a delay becomes visible. */
  visibleFrom: z.number(),
  attributes: z.record(z.string(), z.unknown()),
  /**
   * How often the message was received and came back. A receive that was in flight when the process crashed does not
   * count: the crash of the whole account is not a failure of the message's receiver.
   */
  returns: z.number(),
  /** Why the message came back the last time, if known. */
  lastError: z.string().optional(),
});

type StoredMessage = Readonly<z.infer<typeof storedMessage>>;

/** A received message. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  readonly receiptHandle: string;
  readonly receiveCount: number;
  readonly sentAt: number;
  readonly firstReceivedAt: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A message that was received too often. */
export interface DeadLetter {
  readonly queue: string;
  readonly body: string;
  readonly error: string;
}

/** A queue's handling of time and of failures. */
export interface QueueOptions {
  /** The queue's folder, with one file per message. */
  readonly dir: string;
  /** Milliseconds for which a received message stays hidden. */
  readonly visibilityTimeout: number;
  /** Milliseconds for which a sent message stays hidden. */
  readonly delay?: number;
  /** The queue to which a message moves when it has been received too often. */
  readonly redrive?: { readonly queue: MessageQueue; readonly maxReceiveCount: number };
  readonly onDeadLetter?: (letter: Omit<DeadLetter, 'queue'>) => void;
}

interface Held {
  stored: StoredMessage;
  /** Name of its file. */
  readonly file: string;
  /** `returns` as stored in the file, which is written again only if the number has changed. */
  storedReturns: number;
  visibleAt: number;
  firstReceivedAt: number;
  /** Receipt of the receive that holds the message, or undefined if no receiver does. */
  receipt: string | undefined;
}

/** The longest wait of a Node timer. */
const LONGEST_WAIT = 2 ** 31 - 1;

/**
 * A durable queue with visibility timeouts: for a standard SQS queue, and for Lambda's queue of asynchronous
 * invocations. A sent message is a file from before `send` resolves until the message is deleted, and survives a crash and
 * a power cut. A deleted one may come back after a power cut, as it may with SQS.
 */
export class MessageQueue {
  readonly options: QueueOptions;
  readonly #messages = new Map<string, Held>();
  readonly #listeners = new Set<() => void>();

  private constructor(options: QueueOptions) {
    this.options = options;
  }

  /**
   * Opens a queue with the messages in its folder. Messages that were in flight are visible at once. A file that is no
   * message is set aside.
   */
  static async open(options: QueueOptions): Promise<MessageQueue> {
    const queue = new MessageQueue(options);
    await mkdir(options.dir, { recursive: true });
    const stored: { message: StoredMessage; name: string }[] = [];
    for (const name of await readdir(options.dir)) {
      if (isSetAside(name)) continue;
      const file = join(options.dir, name);
      if (name.endsWith(UNFINISHED)) {
        await rm(file);
        continue;
      }
      const message = messageIn(await readFile(file, 'utf8'));
      if (message) stored.push({ message, name });
      else setAside(file);
    }
    stored.sort((a, b) => a.message.sentAt - b.message.sentAt);
    for (const { message, name } of stored) queue.#hold(message, name);
    return queue;
  }

  /** Number of messages that are visible, delayed or in flight. */
  get size(): number {
    return this.#messages.size;
  }

  counts(now = Date.now()): { visible: number; inFlight: number; delayed: number } {
    const hidden = [...this.#messages.values()].filter(({ visibleAt }) => visibleAt > now);
    const inFlight = hidden.filter(({ receipt }) => receipt !== undefined).length;
    return { visible: this.#messages.size - hidden.length, inFlight, delayed: hidden.length - inFlight };
  }

  /** Stores a message and returns its id. `delay` is in milliseconds. */
  async send(body: string, options: SendOptions = {}): Promise<string> {
    const { delay = this.options.delay ?? 0, attributes = {}, label } = options;
    const sentAt = Date.now();
    const message = { id: randomUUID(), body, sentAt, visibleFrom: sentAt + delay, attributes, returns: 0 };
    const name = label === undefined ? `${message.id}.json` : `${message.id}.${label}.json`;
    await writeDurable(join(this.options.dir, name), JSON.stringify(message));
    this.#hold(message, name);
    this.#notifyListeners();
    return message.id;
  }

  /** Receives up to `max` visible messages, oldest first, and hides them for `visibility` milliseconds. */
  async receive(max: number, visibility = this.options.visibilityTimeout): Promise<ReceivedMessage[]> {
    const now = Date.now();
    const taken: Held[] = [];
    const dead: Held[] = [];
    for (const held of this.#messages.values()) {
      if (taken.length === max) break;
      if (held.visibleAt > now) continue;
      if (held.receipt !== undefined) {
        held.receipt = undefined;
        held.stored = { ...held.stored, returns: held.stored.returns + 1 };
      }
      const { redrive } = this.options;
      if (redrive && held.stored.returns >= redrive.maxReceiveCount) {
        dead.push(held);
        continue;
      }
      held.receipt = randomUUID();
      held.visibleAt = now + visibility;
      held.firstReceivedAt ||= now;
      taken.push(held);
    }
    for (const held of dead) this.#messages.delete(held.stored.id);
    for (const held of dead) await this.#bury(held);
    for (const held of taken) {
      if (held.stored.returns !== held.storedReturns) await this.#store(held);
    }
    return taken.map(received);
  }

  /** Deletes a message by the handle of its latest receive; an older handle deletes nothing. */
  async delete(receiptHandle: string): Promise<void> {
    const held = this.#holder(receiptHandle);
    if (!held) return;
    this.#messages.delete(held.stored.id);
    await rm(this.#path(held), { force: true });
    this.#notifyListeners();
  }

  /**
   * Hides a message in flight for `visibility` milliseconds from now. Returns false if the handle does not hold a
   * message.
   */
  changeVisibility(receiptHandle: string, visibility: number): boolean {
    const held = this.#holder(receiptHandle);
    if (!held || held.visibleAt <= Date.now()) return false;
    held.visibleAt = Date.now() + visibility;
    this.#notifyListeners();
    return true;
  }

  /** Stores the error of a message in flight, for the report in case the message becomes a dead letter. */
  noteError(receiptHandle: string, lastError: string): void {
    const held = this.#holder(receiptHandle);
    if (held) held.stored = { ...held.stored, lastError };
  }

  /** Ends all waits that would end only with time. Returns false if there were none. */
  skipWaits(): boolean {
    const now = Date.now();
    const waiting = [...this.#messages.values()].filter(({ visibleAt }) => visibleAt > now);
    for (const held of waiting) held.visibleAt = now;
    if (waiting.length > 0) this.#notifyListeners();
    return waiting.length > 0;
  }

  /** Resolves when a message is visible, or when the signal is aborted. */
  async untilVisible(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let next = Number.POSITIVE_INFINITY;
      for (const { visibleAt } of this.#messages.values()) next = Math.min(next, visibleAt);
      const wait = next - Date.now();
      if (wait <= 0) return;
      await this.#change(Math.min(wait, LONGEST_WAIT), signal);
    }
  }

  #hold(stored: StoredMessage, file: string): void {
    const { id, visibleFrom, returns } = stored;
    this.#messages.set(id, {
      stored,
      file,
      storedReturns: returns,
      visibleAt: visibleFrom,
      firstReceivedAt: 0,
      receipt: undefined,
    });
  }

  #holder(receiptHandle: string): Held | undefined {
    const [id = '', receipt] = receiptHandle.split('/');
    const held = this.#messages.get(id);
    return held?.receipt !== undefined && held.receipt === receipt ? held : undefined;
  }

  async #store(held: Held): Promise<void> {
    held.storedReturns = held.stored.returns;
    await writeDurable(this.#path(held), JSON.stringify(held.stored));
  }

  /** Moves a message to the dead-letter queue by one rename, so that it is always in exactly one of the two queues. */
  async #bury(held: Held): Promise<void> {
    const target = this.options.redrive?.queue;
    if (!target) return;
    held.stored = { ...held.stored, visibleFrom: 0, returns: 0 };
    await this.#store(held);
    await rename(this.#path(held), join(target.options.dir, held.file));
    await syncFolder(target.options.dir);
    target.#hold(held.stored, held.file);
    target.#notifyListeners();
    this.#notifyListeners();
    const { body, lastError } = held.stored;
    this.options.onDeadLetter?.({ body, error: lastError ?? 'received too often; no function reported an error' });
  }

  #path({ file }: Held): string {
    return join(this.options.dir, file);
  }

  #notifyListeners(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #change(wait: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, wait);
      this.#listeners.add(done);
      signal.addEventListener('abort', done);
    });
  }
}

/** How a message is sent. */
export interface SendOptions {
  /** Milliseconds until the message becomes visible; default: the queue's own delay. */
  readonly delay?: number;
  /** Message attributes, unchanged. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** A part of the file's name that says what the message is about, for when the file cannot be read. */
  readonly label?: string;
}

/** The message in the text of a file, or undefined if it contains none. */
function messageIn(text: string): StoredMessage | undefined {
  try {
    return storedMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function received({ stored, receipt, firstReceivedAt }: Held): ReceivedMessage {
  const { id, body, sentAt, returns, attributes } = stored;
  return {
    id,
    body,
    receiptHandle: `${id}/${receipt}`,
    receiveCount: returns + 1,
    sentAt,
    firstReceivedAt,
    attributes,
  };
}
