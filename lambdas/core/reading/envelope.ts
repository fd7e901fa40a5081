/**
 * Removes what a container runtime wraps around a line of output.
 *
 * - plain: the line itself
 * - Docker and log collectors: `{"time"|"timestamp"|"@timestamp"|"date": …, "stream": …, "log"|"message": the line}`; of
 *   `log` and `message`, the first that is a text which is not empty (Filebeat's `log` is an object beside the message)
 * - FireLens and Docker's fluentd driver: `{"source": "stdout", "log": the line, "container_name": …}`,
 *   https://docs.docker.com/engine/logging/drivers/fluentd/
 * - Kubernetes (CRI): `2025-01-01T00:00:00.123456789Z stdout F the line`,
 *   https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
import { type Member, type ObjectText, plainText, readObject } from './json-text.ts';

/**
 * Keys of a JSON envelope, in the order of the numbers that they have in lambdas/kernel/envelope.ts. `source` is the
 * stream only if it is `stdout` or `stderr`. `piece` marks a piece of a line that the runtime has split: Fluent Bit's
 * `_p` and `logtag` are then `P`, and Docker's fluentd driver sets `partial_message` for each piece, the last one too.
 */
export const ENVELOPE = {
  line: ['log', 'message'],
  stream: ['stream', 'source'],
  time: ['time', 'timestamp', '@timestamp', 'date'],
  piece: ['_p', 'logtag', 'partial_message'],
} as const;

/** A line without its envelope. */
export interface Unwrapped {
  readonly text: string;
  /** stdout or stderr, if the envelope contains it. */
  readonly stream?: string;
  /** When the runtime received the line, as written in the envelope. */
  readonly time?: string;
  /** The runtime has split a long line, and this is a piece of it. */
  readonly partial?: true;
  /** The other members of a JSON envelope. */
  readonly rest?: readonly Member[];
}

const CRI = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S*)?(?: |$)/;

/**
 * Removes the envelope of a line.
 *
 * @param start the text that every line of the format begins with, if any. The lines of a format may be JSON
 * themselves: without a `stream`, a JSON object is an envelope only if the text in it begins with `start`.
 */
export function unwrap(line: string, start = ''): Unwrapped {
  const text = withoutEnd(withoutMark(line));
  if (text.startsWith('{')) return unwrapJson(text, start) ?? { text };
  return unwrapCri(text);
}

function unwrapCri(line: string): Unwrapped {
  const cri = CRI.exec(line);
  if (!cri) return { text: line };
  const [head, time, stream, tag] = cri;
  return {
    text: line.slice(head.length),
    ...(time && { time }),
    ...(stream && { stream }),
    ...(tag === 'P' && { partial: true }),
  };
}

function unwrapJson(text: string, start: string): Unwrapped | undefined {
  const { members } = readObject(text);
  if (!members) return undefined;
  const take = (keys: readonly string[], fits: (json: string) => boolean = () => true) =>
    members.find(({ key, json }) => keys.includes(key) && fits(json));
  const log =
    take(ENVELOPE.line, (json) => json.startsWith('"') && !isEmptyText(json)) ?? take(ENVELOPE.line, isEmptyText);
  const stream = take(['stream']) ?? take(['source'], (json) => STREAMS.includes(json));
  if (!log) return undefined;
  const inner = withoutEnd(plainText(log.json));
  if (!stream && !inner.startsWith(start)) return undefined;
  const time = take(ENVELOPE.time);
  return {
    text: inner,
    ...(stream && { stream: plainText(stream.json) }),
    ...(time && { time: plainText(time.json) }),
    ...(take(ENVELOPE.piece, isPieceMark) && { partial: true }),
    rest: members.filter((member) => member !== log && member !== stream && member !== time),
  };
}

/** Names the envelope that `unwrap` takes off a line; undefined if there is none. */
export function envelopeOf(line: string, start = ''): string | undefined {
  const { rest, time, stream } = unwrap(line, start);
  if (rest) return jsonEnvelope(line);
  return time !== undefined && stream !== undefined ? CRI_ENVELOPE : undefined;
}

/** Names the envelope that `readRecord` takes off a line; undefined if there is none. */
export function recordEnvelopeOf(line: string, isColumn: (key: string) => boolean): string | undefined {
  if (unwrapCri(withoutMark(line)).time !== undefined) return CRI_ENVELOPE;
  const { members } = readObject(line);
  return members && unwrapRecord(members, isColumn) ? jsonEnvelope(line) : undefined;
}

const CRI_ENVELOPE = 'CRI';
/** An envelope has few keys; a name with more would be hard to read. */
const NAMED_KEYS = 12;

function jsonEnvelope(line: string): string {
  const keys = (readObject(line).members ?? []).map(({ key }) => key);
  return `JSON with ${keys.slice(0, NAMED_KEYS).join(', ')}${keys.length > NAMED_KEYS ? ', …' : ''}`;
}

/**
 * Reads a JSON record that may be in an envelope. The envelope's members follow the record's own; if the record has a
 * member of the same name, whatever the case, `envelope.` is put before the envelope's.
 *
 * A record may itself have a text with JSON in it, and is then no envelope. So `message` is the text of a record only
 * if the envelope names the stream as stdout or stderr, and `log` only if it does so or has no column's value but a time.
 *
 * @param isColumn whether a key is a column: its value is then the column's, and never a record
 */
export function readRecord(line: string, isColumn: (key: string) => boolean): ObjectText {
  const { text, time, stream, partial } = unwrapCri(withoutMark(line));
  if (partial) return PIECE;
  const object = readObject(text);
  if (!object.members) return object;
  if (time !== undefined) return { members: withEnvelope(object.members, textMembers({ time, stream })) };
  return unwrapRecord(object.members, isColumn) ?? object;
}

/** The record in an envelope, or undefined if the members are not those of an envelope. */
function unwrapRecord(members: readonly Member[], isColumn: (key: string) => boolean): ObjectText | undefined {
  const others = members.filter(({ key }) => !isColumn(key));
  const namesStream = members.some(({ key, json }) => STREAM_KEYS.includes(key) && STREAMS.includes(json));
  const isRecord = members.some(({ key }) => isColumn(key.toLowerCase()) && !TIME_KEYS.includes(key));
  const isText = ({ key, json }: Member) =>
    (namesStream ? LINE_KEYS.includes(key) : key === 'log' && !isRecord) && json.startsWith('"') && !isEmptyText(json);
  const wrapped = others.find(isText);
  if (!wrapped) return undefined;
  if (namesStream && others.some(({ key, json }) => PIECE_KEYS.includes(key) && isPieceMark(json))) return PIECE;
  const text = plainText(wrapped.json);
  if (namesStream && BLANK.test(text)) return readObject(text);
  const record = BEGINS_OBJECT.test(text) ? readObject(text).members : undefined;
  if (!record) return undefined;
  const envelope = members.filter((member) => member !== wrapped);
  return { members: withEnvelope(record, envelope) };
}

/** What a piece of a line that a container runtime has split is rejected with. */
export const PIECE = {
  reason: 'partial_line',
  detail: 'expected a whole line, got a piece cut by the container runtime',
} as const;

const LINE_KEYS: readonly string[] = ENVELOPE.line;
const STREAM_KEYS: readonly string[] = ENVELOPE.stream;
const TIME_KEYS: readonly string[] = ENVELOPE.time;
const PIECE_KEYS: readonly string[] = ENVELOPE.piece;
const BEGINS_OBJECT = /^[ \t\r\n]*\{/;
const BLANK = /^[ \t\r\n]*$/;

/** The members of a record and, by names that the record does not have, those of its envelope. */
function withEnvelope(record: readonly Member[], envelope: readonly Member[]): Member[] {
  const taken = new Set(record.map(({ key }) => key.toLowerCase()));
  const nameOf = (key: string) => (taken.has(key.toLowerCase()) ? `envelope.${key}` : key);
  return [...record, ...envelope.map(({ key, json }) => ({ key: nameOf(key), json }))];
}

function textMembers(texts: Readonly<Record<string, string | undefined>>): Member[] {
  return Object.entries(texts).map(([key, text]) => ({ key, json: JSON.stringify(text ?? '') }));
}

const STREAMS: readonly string[] = ['"stdout"', '"stderr"'];

function isEmptyText(json: string): boolean {
  return json === '""';
}

function isPieceMark(json: string): boolean {
  return json === '"P"' || json === 'true' || json === '"true"';
}

/** The line without a byte order mark. */
function withoutMark(line: string): string {
  return line.startsWith('\uFEFF') ? line.slice(1) : line;
}

function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && '\r\n'.includes(line[end - 1] ?? ' ')) end--;
  return line.slice(0, end);
}
