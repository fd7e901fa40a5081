/**
 * Removes what container runtimes and log collectors wrap around a line of output. An envelope may be in another one.
 *
 * - plain: the line itself
 * - Docker and log collectors: `{"time"|"timestamp"|"@timestamp"|"date": …, "stream": …, "log"|"message": the line}`; of
 *   `log` and `message`, the first that is a text which is not empty (Filebeat's `log` is an object beside the message)
 * - FireLens and Docker's fluentd driver: `{"source": "stdout", "log": the line, "container_name": …}`,
 *   https://docs.docker.com/engine/logging/drivers/fluentd/
 * - Kubernetes (CRI): `2025-01-01T00:00:00.123456789Z stdout F the line`,
 *   https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 * - Fluentd: the time, a tab, the tag, a tab, and a JSON object, https://docs.fluentd.org/formatter/out_file
 */
import { withoutLineEnds } from '../lines/lines.ts';
import { type Member, objectOf, plainText, readObject } from './json-text.ts';

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

/** Envelopes around a line, one in the other: as many as a runtime and a few collectors make. */
export const MAX_ENVELOPES = 4;

/** One envelope, and the text in it. */
export interface Envelope {
  /** What people are shown: `CRI`, `Fluentd`, or the keys of a JSON object. */
  readonly name: string;
  readonly text: string;
  /** stdout or stderr, and when the runtime received the line, as far as the envelope contains them. */
  readonly stream?: Member;
  readonly time?: Member;
  /** All that the envelope contains beside the text, the stream and the time too. */
  readonly members: readonly Member[];
  readonly piece: Piece;
  /** The envelope of a whole line with this text. */
  wrap(text: string): string;
}

/** What an envelope says of the line in it: whether it is a piece of a line that the runtime has split. */
export interface Piece {
  /**
   * `more`: the line goes on in another envelope. `last`: the line ends with this text. `rest`: it does, and has begun in
   * another one. `unmarked`: Docker's log file has no mark but the line feed in the text, which is missing if the line
   * goes on, and which a log collector may remove.
   */
  readonly kind: 'more' | 'last' | 'rest' | 'unmarked';
  /** What the pieces of a line have in common, and those of lines of other streams have not. */
  readonly stream: string;
  /** Number of the piece in its line, from 1, where the envelope has it. */
  readonly ordinal?: number;
}

/** A line without its envelopes. If several of them have a stream or a time, the innermost one counts. */
export interface Unwrapped {
  readonly text: string;
  readonly stream?: string;
  readonly time?: string;
  /** The runtime has split a long line, and this is a piece of it. */
  readonly partial?: true;
  /** What else the envelopes contain, the outermost first. */
  readonly rest?: readonly Member[];
}

/** What a piece of a line that a container runtime has split is rejected with, unless it can be joined. */
export const PIECE = {
  reason: 'partial_line',
  detail: 'expected a whole line, got a piece cut by the container runtime',
} as const;

/**
 * Removes the envelopes of a line.
 *
 * @param start the text that every line of the format begins with, if any. The lines of a format may be JSON
 * themselves: without a `stream`, a JSON object is an envelope only if the text in it begins with `start`.
 */
export function unwrap(line: string, start = '', envelopes = envelopesOf(line, start)): Unwrapped {
  const inner = envelopes.at(-1);
  if (!inner) return { text: withoutLineEnds(withoutMark(line)) };
  const { stream } = envelopes.findLast((each) => each.stream) ?? {};
  const { time } = envelopes.findLast((each) => each.time) ?? {};
  return {
    text: withoutLineEnds(inner.text),
    ...(stream && { stream: plainText(stream.json) }),
    ...(time && { time: plainText(time.json) }),
    ...(envelopes.some(({ piece }) => piece.kind === 'more') && { partial: true }),
    rest: envelopes.flatMap(({ members }) => members.filter((member) => member !== stream && member !== time)),
  };
}

/** The function with its last result remembered: lines that may be pieces are looked at before they are read. */
export function rememberLast<Result>(of: (line: string) => Result): (line: string) => Result {
  let last: { readonly line: string; readonly result: Result } | undefined;
  return (line) => {
    if (last?.line !== line) last = { line, result: of(line) };
    return last.result;
  };
}

/** The envelopes of a line of a format, the outermost first: see `unwrap`. */
export function envelopesOf(line: string, start = ''): Envelope[] {
  const envelopes: Envelope[] = [];
  let text = withoutLineEnds(withoutMark(line));
  for (let next = envelopeOf(text, start); next && envelopes.length < MAX_ENVELOPES; next = envelopeOf(text, start)) {
    envelopes.push(next);
    text = withoutLineEnds(next.text);
  }
  return envelopes;
}

function envelopeOf(text: string, start: string): Envelope | undefined {
  if (text.startsWith('{')) return objectAround(text, start);
  const prefix = prefixOf(text);
  // A line of the format may have tabs too: of what Fluentd may have written, the record is the line or its envelope.
  const isCertain = !prefix?.tagged || isRecordOf(prefix.text, start) || objectAround(prefix.text, start) !== undefined;
  return isCertain ? prefix : undefined;
}

function isRecordOf(text: string, start: string): boolean {
  return start.startsWith('{') && text.startsWith(start);
}

function objectAround(text: string, start: string): Envelope | undefined {
  const { members } = readObject(text);
  const isText = ({ key, json }: Member) => LINE_KEYS.includes(key) && json.startsWith('"');
  const line = members?.find((member) => isText(member) && !isEmptyText(member)) ?? members?.find(isText);
  if (!members || !line) return undefined;
  const envelope = jsonEnvelope(members, line);
  // A line of a log_format that is JSON may have a text of its own that begins as CRI does.
  const isOwn = start.length > 1 && text.startsWith(start);
  const isLine = envelope.text.trimStart().startsWith(start) || (!isOwn && CRI.test(envelope.text));
  return envelope.stream || isLine ? envelope : undefined;
}

const CRI = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(:\S*)?(?: |$)/;

/** The time in any form that has no tab, and the tag. */
const FLUENTD = /^(\d[^\t]{0,46})\t([^\t]{0,255})\t(?=\{)/;

/** An envelope that stands before the line. */
interface Prefix extends Envelope {
  /** It is Fluentd's, with a time and a tag. */
  readonly tagged: boolean;
}

/** The envelope of CRI or of Fluentd, if the text begins with one. */
export function prefixOf(text: string): Prefix | undefined {
  const cri = CRI.exec(text);
  if (cri) {
    const [head, time = '', name = '', tag, more = ''] = cri;
    const members = textMembers({ time, stream: name });
    return {
      name: 'CRI',
      tagged: false,
      text: text.slice(head.length),
      time: members[0],
      stream: members[1],
      members,
      piece: { kind: tag === 'P' ? 'more' : 'last', stream: `cri ${name}` },
      wrap: (inner) => `${time} ${name} F${more} ${inner}`,
    };
  }
  const fluentd = FLUENTD.exec(text);
  if (!fluentd) return undefined;
  const [head, time = '', tag = ''] = fluentd;
  const members = textMembers({ time, tag });
  return {
    name: 'Fluentd',
    tagged: true,
    text: text.slice(head.length),
    time: members[0],
    members,
    piece: { kind: 'last', stream: `fluentd ${tag}` },
    wrap: (inner) => head + inner,
  };
}

/**
 * An envelope that is a JSON object.
 *
 * @param line the member that contains the line
 */
export function jsonEnvelope(members: readonly Member[], line: Member): Envelope {
  const stream =
    members.find(({ key }) => key === 'stream') ??
    members.find(({ key, json }) => key === 'source' && STREAMS.includes(json));
  const time = members.find(({ key }) => TIME_KEYS.includes(key));
  const keys = members.slice(0, NAMED_KEYS).map(({ key }) => key);
  return {
    name: `JSON with ${keys.join(', ')}${members.length > NAMED_KEYS ? ', …' : ''}`,
    text: plainText(line.json),
    ...(stream && { stream }),
    ...(time && { time }),
    members: members.filter((member) => member !== line),
    piece: pieceOf(members, line, stream),
    wrap: (text) =>
      objectOf(
        members
          .filter(({ key }) => !key.startsWith(PARTIAL))
          .map((member) => {
            if (member === line) return { key: member.key, json: JSON.stringify(text) };
            return TAG_KEYS.includes(member.key) ? { key: member.key, json: '"F"' } : member;
          }),
      ),
  };
}

/** An envelope has few keys; a name with more would be hard to read. */
const NAMED_KEYS = 12;

/** The names of a line's envelopes, the outermost first; undefined if it has none. */
export function envelopeName(envelopes: readonly Envelope[]): string | undefined {
  return envelopes.length === 0 ? undefined : envelopes.map(({ name }) => name).join(', in it ');
}

function pieceOf(members: readonly Member[], line: Member, stream: Member | undefined): Piece {
  const textOf = (name: string) => {
    const member = members.find(({ key }) => key === name);
    return member && plainText(member.json);
  };
  const tags = members.filter(({ key }) => TAG_KEYS.includes(key)).map(({ key }) => key);
  const isMarked = members.some((member) => PIECE_KEYS.includes(member.key) && isPieceMark(member.json));
  const id = textOf('partial_id');
  const ordinal = Number(textOf('partial_ordinal'));
  const isOther = (member: Member) =>
    member !== line && ![...TIME_KEYS, ...TAG_KEYS].includes(member.key) && !member.key.startsWith(PARTIAL);
  return {
    kind: kindOf(),
    // Only asked for if there are pieces.
    get stream() {
      return id === undefined ? `${line.key} ${tags} ${objectOf(members.filter(isOther))}` : `id ${id}`;
    },
    ...(ordinal > 0 && { ordinal }),
  };

  function kindOf(): Piece['kind'] {
    if (isMarked && textOf('partial_last') === 'true') return ordinal === 1 ? 'last' : 'rest';
    if (isMarked) return 'more';
    return stream?.key === 'stream' && line.key === 'log' && tags.length === 0 ? 'unmarked' : 'last';
  }
}

export const LINE_KEYS: readonly string[] = ENVELOPE.line;
export const STREAM_KEYS: readonly string[] = ENVELOPE.stream;
export const TIME_KEYS: readonly string[] = ENVELOPE.time;
export const STREAMS: readonly string[] = ['"stdout"', '"stderr"'];
const PIECE_KEYS: readonly string[] = ENVELOPE.piece;
const TAG_KEYS: readonly string[] = ['_p', 'logtag'];
/** Begins the keys with which Docker's fluentd driver marks pieces. */
const PARTIAL = 'partial_';

function textMembers(texts: Readonly<Record<string, string>>): Member[] {
  return Object.entries(texts).map(([key, text]) => ({ key, json: JSON.stringify(text) }));
}

export function isEmptyText({ json }: Member): boolean {
  return json === '""';
}

function isPieceMark(json: string): boolean {
  return json === '"P"' || json === 'true' || json === '"true"';
}

/** The line without a byte order mark. */
export function withoutMark(line: string): string {
  return line.startsWith('\uFEFF') ? line.slice(1) : line;
}
