/** Reads JSON records that may be in the envelopes of container runtimes and log collectors (envelope.ts). */
import {
  type Envelope,
  isEmptyText,
  jsonEnvelope,
  LINE_KEYS,
  MAX_ENVELOPES,
  PIECE,
  prefixOf,
  rememberLast,
  STREAM_KEYS,
  STREAMS,
  TIME_KEYS,
  withoutMark,
} from './envelope.ts';
import { type Member, type ObjectText, plainText, readObject } from './json-text.ts';
import { type LinePiece, linePieceOf } from './line-piece.ts';

/**
 * True if a member is a column's value, or an object in which columns have values: it is then never a record. The key of
 * the member is compared as it stands, and a column's is in lower case.
 */
type IsColumn = (member: Member) => boolean;

/** Finds the JSON record in a line. */
export interface RecordFinder {
  /**
   * Reads a JSON record that may be in envelopes. An envelope's members follow the record's own; if the record has a
   * member of the same name, whatever the case, `envelope.` is put before the envelope's.
   */
  read(line: string): ObjectText;
  /** The envelopes of a line with a JSON record, the outermost first. */
  envelopesOf(line: string): readonly Envelope[];
  /** What the envelopes say of pieces of lines. */
  pieceOf(line: string): LinePiece | undefined;
}

/**
 * A record may itself have a text with JSON in it, and is then no envelope. So `message` is the text of a record only
 * if the envelope names the stream as stdout or stderr, and `log` only if it does so or has no column's value but a time.
 * If `log` or `message` is a column, it is the text of a record only if, besides, no other column has a value; so is a
 * `message` beside a `log` that is an object, as Filebeat and Elastic Agent write it, without a stream too.
 */
export function recordFinder(isColumn: IsColumn): RecordFinder {
  const found = rememberLast((line) => find(withoutMark(line), isColumn));
  return {
    read(line) {
      const { object, envelopes } = found(line);
      return object.members ? { members: envelopes.reduceRight(withEnvelope, object.members) } : object;
    },
    envelopesOf: (line) => found(line).envelopes,
    pieceOf: (line) => linePieceOf(found(line).around ?? found(line).envelopes),
  };
}

interface Found {
  readonly object: ObjectText;
  readonly envelopes: readonly Envelope[];
  /** The envelope that the object is for its text, which is a column's value and no record. It may be a piece of one. */
  readonly around?: readonly Envelope[];
}

function find(text: string, isColumn: IsColumn, depth = 0): Found {
  const prefix = depth < MAX_ENVELOPES ? prefixOf(text) : undefined;
  if (prefix) return within(prefix, isColumn, depth);
  const object = readObject(text);
  if (!object.members || depth === MAX_ENVELOPES) return { object, envelopes: [] };
  const { members } = object;
  const line = lineMember(members, isColumn);
  if (!line) return { object, envelopes: [] };
  const found = within(jsonEnvelope(members, line), isColumn, depth);
  if (found.object.members || found.object === PIECE) return found;
  // Text that is no JSON is a line of its own only in what cannot be but an envelope.
  const isCertain = found.envelopes.length > 1 || (namesStream(members) && filledColumns(members, isColumn).size === 0);
  return isCertain ? found : { object, envelopes: [], around: found.envelopes };
}

function within(envelope: Envelope, isColumn: IsColumn, depth: number): Found {
  if (envelope.piece.kind === 'more') return { object: PIECE, envelopes: [envelope] };
  const { object, envelopes } = find(envelope.text, isColumn, depth + 1);
  return { object, envelopes: [envelope, ...envelopes] };
}

/** The member that may contain a line: of `log` and `message`, the first that is a text which is not empty. */
function lineMember(members: readonly Member[], isColumn: IsColumn): Member | undefined {
  const isNamed = namesStream(members);
  const hasFile = members.some(({ key, json }) => key === 'log' && json.startsWith('{'));
  const filled = filledColumns(members, isColumn);
  const hasStream = members.some((member) => isColumn(member) && STREAM_KEYS.includes(member.key));
  const isAlone = (name: string) => !hasStream && [...filled].every((column) => column === name);
  const mayContain = (member: Member) => {
    const { key, json } = member;
    if (isNamed) return !isColumn(member) || isAlone(key);
    if (key === 'message') return hasFile && isAlone(key) && BEGINS_OBJECT.test(plainText(json));
    return filled.size === 0 && !hasStream;
  };
  const texts = members.filter((member) => LINE_KEYS.includes(member.key) && member.json.startsWith('"'));
  const lines = texts.filter(mayContain);
  return lines.find((member) => !isEmptyText(member)) ?? (isNamed ? lines[0] : undefined);
}

/** The columns that have a value, but for the times and the stream. */
function filledColumns(members: readonly Member[], isColumn: IsColumn): ReadonlySet<string> {
  const lower = members.map(({ key, json }) => ({ key: key.toLowerCase(), json }));
  const filled = lower.filter(
    (member) => isColumn(member) && !TIME_KEYS.includes(member.key) && !STREAM_KEYS.includes(member.key),
  );
  return new Set(filled.map(({ key }) => key));
}

const BEGINS_OBJECT = /^[ \t\r\n]*\{/;

function namesStream(members: readonly Member[]): boolean {
  return members.some(({ key, json }) => STREAM_KEYS.includes(key) && STREAMS.includes(json));
}

/** The members of a record and, by names that the record does not have, those of its envelope. */
function withEnvelope(record: readonly Member[], { members }: Envelope): readonly Member[] {
  const taken = new Set(record.map(({ key }) => key.toLowerCase()));
  return [...record, ...members.map(({ key, json }) => ({ key: freeName(key, taken), json }))];
}

/** The key with as many `envelope.` in front as it takes to be free, up to one for each envelope. */
function freeName(key: string, taken: ReadonlySet<string>): string {
  let name = key;
  for (let tries = 0; tries < MAX_ENVELOPES && taken.has(name.toLowerCase()); tries++) name = `envelope.${name}`;
  return name;
}
