/**
 * Reads objects whose content is CloudWatch subscription payloads, one behind the other with or without white space
 * between them: what Firehose writes if a log group's subscription goes to Firehose, and Firehose to S3. (The payloads
 * are gzip, so that the object is gzip of several members.) Firehose's own extraction of the messages makes lines of them.
 */
import { ObjectScanner } from '../lines/json-objects.ts';
import { KEPT_OF_LONG_LINE_BYTES } from '../lines/lines.ts';
import { BadPayloadError, payloadOf } from './payload-json.ts';

/** Bytes of an object's beginning that tell whether it has payloads: what is before the first event has less. */
export const PAYLOAD_HEAD_BYTES = 8192;

/**
 * Largest payload in an object. It is held as a whole, because what says that it is one may be at its end. Firehose takes
 * records of 1 MB, and gzip seldom makes logs more than 20 times smaller.
 */
const MAX_BYTES = 64 * 1024 * 1024;

const LIST_KEY = '"logEvents"';
/** The beginning of the list, with its first event. */
const LIST = /^"logEvents"\s*:\s*\[\s*(?:\]|\{\s*"(?:id|timestamp|message)")/;
const TYPES: readonly unknown[] = ['DATA_MESSAGE', 'CONTROL_MESSAGE'];

const KEYS = ['messageType', 'owner', 'logGroup', 'logStream', 'subscriptionFilters', 'policyLevel', 'logEvents'];
/** The beginning of an object, up to the end of its first key. */
const FIRST_KEY = /^\s*(?:\{\s*(?:"([^"]*)("?))?)?/;

/**
 * True if only the bytes after these tell whether they are the beginning of payloads. That is soon known: what is held
 * until then is read later than it came.
 */
export function mayBecomePayloads(head: Buffer): boolean {
  if (head.length >= PAYLOAD_HEAD_BYTES) return false;
  const text = textOf(head);
  const [begun, key, end] = FIRST_KEY.exec(text) ?? [];
  if (key === undefined || end === '')
    return begun === text && (key === undefined || KEYS.some((name) => name.startsWith(key)));
  // Before its list, a payload has no object.
  return KEYS.includes(key) && !text.includes('}') && !LIST.test(text.slice(text.indexOf(LIST_KEY)));
}

function textOf(head: Buffer): string {
  return head.toString('utf8', 0, PAYLOAD_HEAD_BYTES).replace(/^\uFEFF/, '');
}

/**
 * True if an object begins with a payload: an object whose members, in any order, are texts and lists of texts until the
 * list of events comes, and whose type, if it has come, is that of a payload.
 */
export function arePayloads(head: Buffer): boolean {
  const text = textOf(head);
  const at = text.indexOf(LIST_KEY);
  if (at < 0 || !LIST.test(text.slice(at))) return false;
  try {
    const before: unknown = JSON.parse(`${text.slice(0, at)}${LIST_KEY}:""}`);
    if (typeof before !== 'object' || before === null) return false;
    const { messageType = TYPES[0], ...others } = before as Readonly<Record<string, unknown>>;
    const isText = (value: unknown) => typeof value === 'string';
    const areTexts = Object.values(others).every(
      (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    );
    return TYPES.includes(messageType) && areTexts && Object.hasOwn(others, 'logEvents');
  } catch {
    return false;
  }
}

/** Receives what is in the payloads. */
export interface PayloadSink {
  /** Takes events, in the form that events.ts describes. */
  readEvents(block: Buffer, logStream: string): void;
  /** Takes the beginning of what is no payload, its length, and why it is none. */
  bad(head: Buffer, length: number, detail: string): void;
}

/** Splits bytes into payloads, and reads them. */
export class PayloadSplitter {
  readonly #sink: PayloadSink;
  readonly #scanner = new ObjectScanner();
  #open: Buffer[] = [];
  #bytes = 0;

  constructor(sink: PayloadSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let next = this.#scanner.next(bytes, 0); next >= 0; next = this.#scanner.next(bytes, next)) {
      this.#hold(bytes.subarray(start, next));
      this.end();
      start = next;
    }
    this.#hold(bytes.subarray(start));
  }

  /** Ends the payload that is open. */
  end(): void {
    const length = this.#bytes;
    const json = this.takeOpen();
    if (length > MAX_BYTES) {
      this.#sink.bad(json, length, `expected a payload of at most ${MAX_BYTES} bytes, got ${length}`);
      return;
    }
    if (json.toString('utf8', 0, KEPT_OF_LONG_LINE_BYTES).trim() === '') return;
    try {
      const payload = payloadOf(json);
      for (const block of payload?.blocks ?? []) {
        this.#sink.readEvents(block, `${payload?.logGroup} ${payload?.logStream}`);
      }
    } catch (error) {
      if (!(error instanceof BadPayloadError)) throw error;
      this.#sink.bad(json.subarray(0, KEPT_OF_LONG_LINE_BYTES), length, error.message);
    }
  }

  /** Takes what has been read of the payload that is open, for an object that breaks off within it. */
  takeOpen(): Buffer {
    const open = withoutMark(Buffer.concat(this.#open));
    this.#open = [];
    this.#bytes = 0;
    return open;
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    // Copied, because the caller reuses the chunk's memory after push.
    if (this.#bytes <= MAX_BYTES) this.#open.push(Buffer.from(part));
    else if (this.#open.length > 1) this.#open = [Buffer.concat(this.#open).subarray(0, KEPT_OF_LONG_LINE_BYTES)];
  }
}

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes;
}
