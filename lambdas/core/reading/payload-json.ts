/**
 * Reads the JSON of CloudWatch subscription payloads, with the log events in it.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 */
import { eventBlocks } from './events.ts';
import { BLOCK_BYTES, readEventsJson, type Span } from './kernel.ts';

/** Log events, the log stream that they come from, and what tells the payload from others. */
export interface PayloadJson {
  /** AWS account of the log group. */
  readonly owner: string;
  readonly logGroup: string;
  readonly logStream: string;
  /** Name of the subscription filter; several names are separated by commas. */
  readonly filter: string;
  readonly firstEventId: string;
  readonly lastEventId: string;
  /** Number of log events. */
  readonly events: number;
  /** The events, in the form that events.ts describes. */
  readonly blocks: readonly Buffer[];
  /** Size of the JSON in bytes. */
  readonly bytes: number;
}

/** Something is not a subscription payload. */
export class BadPayloadError extends Error {
  override readonly name = 'BadPayloadError';
}

/**
 * Reads the JSON of a payload. Returns undefined for a CONTROL_MESSAGE.
 *
 * @throws BadPayloadError with the field, what was expected and what was found
 */
export function payloadOf(json: Buffer): PayloadJson | undefined {
  const ordinary = readOrdinary(json);
  const payload = ordinary?.payload ?? parse(json.toString('utf8'));
  const type = field(payload, 'messageType', 'the payload');
  if (type === 'CONTROL_MESSAGE') return undefined;
  if (type !== 'DATA_MESSAGE') throw bad('messageType', 'DATA_MESSAGE or CONTROL_MESSAGE', type);
  const { blocks, events, firstEventId, lastEventId } =
    ordinary?.list ?? eventList(field(payload, 'logEvents', 'the payload'));
  const filters = field(payload, 'subscriptionFilters', 'the payload');
  return {
    owner: string(payload, 'owner'),
    logGroup: string(payload, 'logGroup'),
    logStream: string(payload, 'logStream'),
    filter: Array.isArray(filters) ? filters.join(',') : '',
    firstEventId,
    lastEventId,
    events,
    blocks,
    bytes: json.length,
  };
}

/** The events of a payload, and what of them identifies it. */
type EventList = Pick<PayloadJson, 'blocks' | 'events' | 'firstEventId' | 'lastEventId'>;

/** Reads events as `JSON.parse` gives them. */
function eventList(events: unknown): EventList {
  if (!Array.isArray(events)) throw bad('logEvents', 'a list', events);
  return {
    events: events.length,
    firstEventId: events.length > 0 ? string(events[0], 'id') : '',
    lastEventId: events.length > 0 ? string(events.at(-1), 'id') : '',
    blocks: eventBlocks(
      events.map((each) => ({
        message: string(each, 'message'),
        timestamp: Number(field(each, 'timestamp', 'logEvents')) || undefined,
      })),
    ),
  };
}

const KEY = '"logEvents"';
const LIST = Buffer.from(`${KEY}:[`);
const BEFORE_KEY = Buffer.from('{,');

/**
 * Reads a payload in the form in which CloudWatch writes payloads: the kernel reads its events from their bytes, and
 * only what is around the list is parsed. Parsing all of it, with a string for each message, takes longer than
 * everything else that is done with a line.
 *
 * @returns undefined for another form: only parsing it tells what it is
 */
function readOrdinary(json: Buffer): { readonly payload: unknown; readonly list: EventList } | undefined {
  const at = json.indexOf(LIST);
  const list = at > 0 && BEFORE_KEY.includes(json[at - 1] as number) ? readList(json, at + LIST.length) : undefined;
  if (!list) return undefined;
  const around = `${json.toString('utf8', 0, at)}${KEY}:0${json.toString('utf8', list.end)}`;
  // The list is that of the payload, and not of a value in it, only if its key is nowhere else, in no other spelling.
  if (around.includes('\\') || around.indexOf(KEY) !== around.lastIndexOf(KEY)) return undefined;
  try {
    const payload = JSON.parse(around) as { readonly logEvents?: unknown } | null;
    return payload?.logEvents === 0 ? { payload, list } : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the events of a list whose first event begins at `start`. */
function readList(json: Buffer, start: number): (EventList & { readonly end: number }) | undefined {
  const blocks: Buffer[] = [];
  let events = 0;
  let firstEventId = '';
  let lastEventId = '';
  for (let at = start; at < json.length; ) {
    const text = json.subarray(at, at + BLOCK_BYTES);
    const read = readEventsJson(text, at === start);
    const idAt = ({ start: from, length }: Span) => text.toString('latin1', from, from + length);
    if (read.events > 0) {
      if (events === 0) firstEventId = idAt(read.firstId);
      lastEventId = idAt(read.lastId);
      blocks.push(Buffer.from(read.output));
      events += read.events;
    }
    at += read.next;
    if (read.ended) return { blocks, events, firstEventId, lastEventId, end: at };
    if (read.events === 0) return undefined;
  }
  return undefined;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new BadPayloadError(`awslogs.data: expected JSON, got ${(cause as Error).message}`, { cause });
  }
}

/** A member of a value that must be an object. @throws BadPayloadError naming its owner if it is none */
export function field(of: unknown, name: string, owner: string): unknown {
  if (typeof of !== 'object' || of === null) throw bad(owner, 'an object', of);
  return (of as Readonly<Record<string, unknown>>)[name];
}

function string(of: unknown, name: string): string {
  const value = field(of, name, 'logEvents');
  if (typeof value !== 'string') throw bad(name, 'text', value);
  return value;
}

/** What is wrong with a field: what was expected, and what was found. */
export function bad(name: string, expected: string, got: unknown): BadPayloadError {
  return new BadPayloadError(`${name}: expected ${expected}, got ${String(JSON.stringify(got)).slice(0, 100)}`);
}
