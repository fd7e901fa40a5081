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
import { type Member, plainText, readObject } from './json-text.ts';

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
  const text = withoutEnd(line.startsWith('\uFEFF') ? line.slice(1) : line);
  if (text.startsWith('{')) return unwrapJson(text, start) ?? { text };
  const cri = CRI.exec(text);
  if (!cri) return { text };
  const [head, time, stream, tag] = cri;
  return {
    text: text.slice(head.length),
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
  const log = take(ENVELOPE.line, (json) => json.startsWith('"') && json !== '""') ?? take(ENVELOPE.line, isEmptyText);
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

const STREAMS: readonly string[] = ['"stdout"', '"stderr"'];

function isEmptyText(json: string): boolean {
  return json === '""';
}

function isPieceMark(json: string): boolean {
  return json === '"P"' || json === 'true' || json === '"true"';
}

function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && '\r\n'.includes(line[end - 1] ?? ' ')) end--;
  return line.slice(0, end);
}
