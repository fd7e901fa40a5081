/** Reads JSON records that may be in the envelopes of container runtimes and log collectors (envelope.ts). */
import {
  type Envelope,
  isEmptyText,
  jsonEnvelope,
  LINE_KEYS,
  MAX_ENVELOPES,
  PIECE,
  prefixOf,
  STREAM_KEYS,
  STREAMS,
  TIME_KEYS,
  withoutMark,
} from './envelope.ts';
import { type Member, type ObjectText, readObject } from './json-text.ts';

/** True if a key is a column: its value is then the column's, and never a record. */
type IsColumn = (key: string) => boolean;

/**
 * Reads a JSON record that may be in envelopes. An envelope's members follow the record's own; if the record has a
 * member of the same name, whatever the case, `envelope.` is put before the envelope's.
 *
 * A record may itself have a text with JSON in it, and is then no envelope. So `message` is the text of a record only
 * if the envelope names the stream as stdout or stderr, and `log` only if it does so or has no column's value but a time.
 */
export function readRecord(line: string, isColumn: IsColumn): ObjectText {
  const { object, envelopes } = find(withoutMark(line), isColumn);
  if (!object.members) return object;
  return { members: envelopes.reduceRight(withEnvelope, object.members) };
}

/** The envelopes of a line with a JSON record, or with a piece of one, the outermost first. */
export function recordEnvelopesOf(line: string, isColumn: IsColumn): readonly Envelope[] {
  return find(withoutMark(line), isColumn).envelopes;
}

interface Found {
  readonly object: ObjectText;
  readonly envelopes: readonly Envelope[];
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
  // Text that is no JSON is a line of its own only in what cannot be but an envelope.
  return found.object.members || isEnvelope(members, isColumn) ? found : { object, envelopes: [] };
}

function within(envelope: Envelope, isColumn: IsColumn, depth: number): Found {
  if (envelope.piece.kind === 'more') return { object: PIECE, envelopes: [envelope] };
  const { object, envelopes } = find(envelope.text, isColumn, depth + 1);
  return { object, envelopes: [envelope, ...envelopes] };
}

/** The member that may contain a line: of `log` and `message`, the first that is a text which is not empty. */
function lineMember(members: readonly Member[], isColumn: IsColumn): Member | undefined {
  const isNamed = namesStream(members);
  const isRecord = members.some(({ key }) => isColumn(key.toLowerCase()) && !TIME_KEYS.includes(key));
  const isText = ({ key, json }: Member) =>
    (isNamed ? LINE_KEYS.includes(key) : key === 'log' && !isRecord) && json.startsWith('"') && !isColumn(key);
  return (
    members.find((member) => isText(member) && !isEmptyText(member)) ?? (isNamed ? members.find(isText) : undefined)
  );
}

/** True if the members name an output stream, and have no column's value but a time. */
function isEnvelope(members: readonly Member[], isColumn: IsColumn): boolean {
  const isRecord = members.some(
    ({ key }) => isColumn(key.toLowerCase()) && !TIME_KEYS.includes(key) && !STREAM_KEYS.includes(key),
  );
  return namesStream(members) && !isRecord;
}

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
