/** Encodes a format's layout as the program that the kernel reads: lambdas/kernel/program.ts. */

import { type ColumnSpecs, inOrder, numbered, OWN } from '../tables/table.ts';
import { ENVELOPE } from './envelope.ts';
import type { RecordKey } from './format.ts';
import { type PathObject, recordOf } from './json-paths.ts';
import type { DelimitedLayout, JsonLayout, JsonRecordLayout, Layout, LayoutField, LayoutOp } from './layout.ts';
import { CHANGES_END, type LocalZone } from './local-zone.ts';

const KINDS = { delimited: 1, 'log-format': 2, json: 3, 'json-record': 4 } as const;

const OPS: Readonly<Record<LayoutOp, number>> = {
  skip: 0,
  text: 1,
  int: 2,
  bigint: 3,
  double: 4,
  time: 5,
  boolean: 6,
  seconds: 7,
  address: 8,
  request: 9,
  client: 10,
  'nginx-request': 11,
  url: 12,
  version: 13,
  host: 14,
  part: 15,
  'seconds-list': 16,
  'status-list': 17,
  repeated: 18,
};

const FIELD_FLAGS = { quoted: 1, list: 2, token: 4, status: 8, joined: 64, plain: 128, remembered: 1 << 24 } as const;
/** Flags of a kept field (see `keptFields`). */
const KEPT_FLAGS = { first: 16, dropped: 32 } as const;
const SEPARATOR_SHIFT = 8;
const PART_SHIFT = 16;

const PROGRAM_FLAGS = {
  fingerprints: 1,
  hexEscapes: 2,
  noHttp: 4,
  noClient: 8,
  localClient: 16,
  marked: 32,
  jsonEscapes: 64,
  inEscape: 128,
  notStdout: 256,
  errorLogNoHttp: 512,
  errorLogNoClient: 1024,
  oddNames: 2048,
} as const;

/**
 * Ops that fingerprints need whatever the record key: they give a record its time, or decide whether a line is a
 * record.
 */
const NEEDED: ReadonlySet<LayoutOp> = new Set(['time', 'client', 'nginx-request', 'version']);

const HEADER_BYTES = 96;
const FIELD_BYTES = 64;
/**
 * A name entry: the name, its length, the number of the JSON object (the context) with this key, and the key's target.
 */
const NAME_BYTES = 76;
const NAME_LENGTH_AT = 64;
const NAME_CONTEXT_AT = 68;
const NAME_TARGET_AT = 72;
/** In the header: offset and number of the kept fields. */
const KEPT_AT = 64;
export const KEPT_COUNT_AT = 68;
const STREAM_KEY_AT = 72;
/** Delimited lines have no stream: in its place are their lengths. */
const LENGTHS_AT = 72;
const STREAM_SLOT_AT = 80;
const NAME_COUNT_AT = 84;
const ZONE_AT = 88;
const ZONE_COUNT_AT = 92;
/** In a field's entry: the length of the literal that follows the field; in a kept field's entry, the field's index. */
const AFTER_LENGTH_AT = 12;
const SLOTS_AT = 48;
const ERROR_NAME_AT = 52;
const LITERAL_HEAD_AT = 56;
const LITERAL_HEAD_BYTES = 8;

/** Bytes that the kernel has for a program, and entries that its tables have for fields and columns. */
const MAX_PROGRAM_BYTES = 131_072;
const MAX_FIELDS = 250;
const MAX_KEY_CHARS = 3;
/** The kernel compares names in lower case. */
const MAY_BE_NAME = /^[^A-Z]{1,63}$/;
/**
 * Contexts are numbers of JSON objects. In a JSON line, 0 is the line and the others are objects within it; in a JSON
 * record, 0 is the envelope, 1 the record itself, and the others are objects within it.
 */
const MAX_CONTEXTS = { json: 256, others: 64 } as const;
/** Flag in a name's target: the key holds a nested object with columns; the low bits are that object's number. */
const OBJECT = 0x8000;
/** Flag beside OBJECT: if the value is no object, the key may be one of an envelope. */
const OF_ENVELOPE = 0x4000;
/**
 * Targets of keys whose value may be a JSON record as text, and of keys that may mark a piece of one. The kernel leaves
 * such lines to the TypeScript reader.
 */
const MAY_NAME = 0xfffc;
const MAY_WRAP = 0xfffd;
const MAY_MARK = 0xfffe;

/**
 * The program of a layout. It writes rows, or makes fingerprints if record keys are given. Undefined if the layout
 * exceeds the kernel's memory or tables.
 */
export function programOf(
  layout: Layout,
  specs: ColumnSpecs,
  recordKeys?: readonly RecordKey[],
): Uint8Array | undefined {
  const { fields } = layout;
  const keys = new Map(numbered(specs).map(({ name, key }) => [name, key]));
  const slots = new Map([...new Set(recordKeys?.flat())].map((name, index) => [name, index + 1]));
  const all = namesOf(layout);
  const names = all.filter(({ name }) => MAY_BE_KEY.test(name));
  const contexts = layout.kind === 'json' ? MAX_CONTEXTS.json : MAX_CONTEXTS.others;
  const fits =
    fields.length <= MAX_FIELDS &&
    slots.size <= MAX_FIELDS &&
    [...keys.values()].every((key) => key.length <= MAX_KEY_CHARS) &&
    names.every(({ name, context }) => MAY_BE_NAME.test(name) && context < contexts);
  if (!fits) return undefined;

  const text = new TextArea(HEADER_BYTES + fields.length * FIELD_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(KINDS[layout.kind], 0);
  header.writeUInt32LE(fields.length, 4);
  if (layout.kind === 'delimited') {
    header.writeUInt32LE(layout.minFields, 8);
    header.writeUInt32LE(layout.maxFields, 12);
    header.writeBigUInt64LE(
      layout.lengths.reduce((set, length) => set | (1n << BigInt(length)), 0n),
      LENGTHS_AT,
    );
  }
  const oddNames = names.length < all.length ? PROGRAM_FLAGS.oddNames : 0;
  header.writeUInt32LE(programFlags(layout, recordKeys !== undefined) | oddNames, 16);
  header.writeBigUInt64LE(keyBytes(OWN.extra.key), 24);
  header.writeBigUInt64LE(keyBytes(OWN.raw.key), 32);
  header.writeBigUInt64LE(keyBytes(OWN.errors.key), 40);
  if (layout.kind === 'log-format') {
    header.writeUInt32LE(text.add(Buffer.from(layout.start)), 8);
    header.writeUInt32LE(Buffer.byteLength(layout.start), 12);
    header.writeUInt32LE(layout.neededFields, 20);
  }
  if (layout.kind === 'log-format' || layout.kind === 'json-record') {
    header.writeBigUInt64LE(keyBytes(keys.get(layout.stream) ?? ''), STREAM_KEY_AT);
    header.writeUInt32LE(slots.get(layout.stream) ?? 0, STREAM_SLOT_AT);
  }
  if ('zone' in layout && layout.zone.changes.length > 0) {
    header.writeUInt32LE(text.add(zoneBytes(layout.zone)), ZONE_AT);
    header.writeUInt32LE(layout.zone.changes.length + 1, ZONE_COUNT_AT);
  }
  header.writeUInt32LE(text.add(Buffer.concat(names.map(nameBytes))), 48);
  header.writeUInt32LE(names.length, NAME_COUNT_AT);
  header.writeUInt32LE(slots.size, 56);
  // The word after it, at 60, belongs to the kernel: 0 means that the kernel has not prepared its tables for this
  // program yet.
  const slotOf = (name: string) => slots.get(name) ?? 0;
  const alternatives = (recordKeys ?? []).map((columns) => {
    const ordered = inOrder(columns, specs).map(slotOf);
    return [ordered.length, slotOf(columns[0] ?? ''), ...ordered];
  });
  header.writeUInt32LE(text.add(Buffer.from([...alternatives.flat(), 0])), 52);

  const records = fields.map((field) => {
    const wanted =
      !recordKeys || NEEDED.has(field.op) || field.status || field.columns.some((name) => slots.has(name ?? ''));
    return fieldBytes({ ...field, ...(!wanted && { op: 'skip' }) }, keys, slots, text);
  });
  if (layout.kind === 'delimited' && recordKeys) {
    const [only, ...others] = recordKeys;
    const kept = only && others.length === 0 ? keptFields(layout, inOrder(only, specs), only[0], records) : [];
    header.writeUInt32LE(text.add(Buffer.concat(kept)), KEPT_AT);
    header.writeUInt32LE(kept.length, KEPT_COUNT_AT);
  }
  const program = Buffer.concat([header, ...records, text.bytes()]);
  return program.length <= MAX_PROGRAM_BYTES ? program : undefined;
}

/**
 * Entries of the kept fields: those that a fingerprint of a delimited line must read. There are none if the text
 * written for these fields, one after the other, is not the record key, for example if the key has only some columns of
 * a field.
 *
 * @param first the first column of the record key; a record has the key only if this column has a value
 */
function keptFields(
  { fields }: DelimitedLayout,
  columns: readonly string[],
  first: string | undefined,
  records: readonly Buffer[],
): Buffer[] {
  const isPart = (name: string | undefined) => name !== undefined && columns.includes(name);
  const isFirst = ({ op, columns: [name] }: LayoutField) => name === first && (op === 'text' || op === 'time');
  const written = fields.filter((field) => field.columns.some(isPart)).flatMap((field) => field.columns);
  if (written.join() !== columns.join() || !fields.some(isFirst)) return [];
  return fields.flatMap((field, index) => {
    const part = field.columns.some(isPart);
    if (!part && !NEEDED.has(field.op) && !field.quoted && !field.list) return [];
    const bytes = Buffer.from(records[index] as Buffer);
    const flags = (isFirst(field) ? KEPT_FLAGS.first : 0) | (part ? 0 : KEPT_FLAGS.dropped);
    bytes.writeUInt32LE(bytes.readUInt32LE(4) | flags, 4);
    bytes.writeUInt32LE(index, AFTER_LENGTH_AT);
    bytes.fill(0, SLOTS_AT, LITERAL_HEAD_AT);
    return [bytes];
  });
}

function fieldBytes(
  // Of an address, it is the port that may not convert.
  { op, columns, part, first, after = '', errorName = columns.at(-1) ?? '', ...fieldFlags }: LayoutField,
  keys: ReadonlyMap<string, string>,
  slots: ReadonlyMap<string, number>,
  text: TextArea,
): Buffer {
  const bytes = Buffer.alloc(FIELD_BYTES);
  bytes.writeUInt32LE(OPS[op], 0);
  let flags = 0;
  for (const [name, flag] of Object.entries(FIELD_FLAGS))
    if (fieldFlags[name as keyof typeof FIELD_FLAGS]) flags |= flag;
  if (part) flags |= (part[0].charCodeAt(0) << SEPARATOR_SHIFT) | (part[1] << PART_SHIFT);
  if (first !== undefined) flags |= first << PART_SHIFT;
  bytes.writeUInt32LE(flags, 4);
  bytes.writeUInt32LE(text.add(Buffer.from(after)), 8);
  bytes.writeUInt32LE(Buffer.byteLength(after), AFTER_LENGTH_AT);
  Buffer.from(after).copy(bytes, LITERAL_HEAD_AT, 0, LITERAL_HEAD_BYTES);
  bytes.writeUInt32LE(text.add(lengthAndText(errorName)), ERROR_NAME_AT);
  for (const [index, name] of columns.entries()) {
    const key = name === undefined ? undefined : keys.get(name);
    if (name === undefined || key === undefined) continue;
    bytes.writeBigUInt64LE(keyBytes(key), 16 + index * 8);
    bytes.writeUInt8(slots.get(name) ?? 0, SLOTS_AT + index);
  }
  return bytes;
}

function lengthAndText(text: string): Buffer {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(text));
  bytes.writeUInt16LE(bytes.write(text, 2));
  return bytes;
}

function programFlags(layout: Layout, fingerprints: boolean): number {
  let flags = fingerprints ? PROGRAM_FLAGS.fingerprints : 0;
  if (layout.kind !== 'log-format' && layout.kind !== 'json-record') return flags;
  if (layout.notStdout) flags |= PROGRAM_FLAGS.notStdout;
  if (layout.noClient) flags |= PROGRAM_FLAGS.noClient;
  if (layout.localClient) flags |= PROGRAM_FLAGS.localClient;
  if (layout.kind !== 'log-format') return flags;
  if (layout.escape === 'default') flags |= PROGRAM_FLAGS.hexEscapes;
  if (layout.escape === 'json') flags |= PROGRAM_FLAGS.jsonEscapes;
  if (layout.noHttp) flags |= PROGRAM_FLAGS.noHttp;
  if (layout.marked) flags |= PROGRAM_FLAGS.marked;
  if (layout.inEscape) flags |= PROGRAM_FLAGS.inEscape;
  if (layout.errorLogNoHttp) flags |= PROGRAM_FLAGS.errorLogNoHttp;
  if (layout.errorLogNoClient) flags |= PROGRAM_FLAGS.errorLogNoClient;
  return flags;
}

/** `,"key":` in at most seven bytes, and its length in the eighth. */
function keyBytes(key: string): bigint {
  const text = `,"${key}":`;
  const bytes = Buffer.alloc(8);
  bytes.write(text);
  bytes[7] = text.length;
  return bytes.readBigUInt64LE();
}

/**
 * A JSON key that the kernel recognizes: the object it is in, and the column, object or part of an envelope that it is.
 */
interface Name {
  readonly name: string;
  readonly context: number;
  readonly target: number;
}

/**
 * Keys that may be those of an envelope around a JSON record. If the name of the stream may be a column's value, each
 * line with a text that may be a line is left to the TypeScript reader.
 */
function recordEnvelope(line: PathObject): Name[] {
  const isColumn = (name: string) => 'column' in (line.steps.get(name) ?? {});
  const lineTarget = ENVELOPE.stream.some(isColumn) ? MAY_MARK : MAY_WRAP;
  return [
    ...ENVELOPE.line.map((name) => ({ name, context: 0, target: lineTarget })),
    ...ENVELOPE.stream.map((name) => ({ name, context: 0, target: MAY_NAME })),
    ...ENVELOPE.piece.map((name) => ({ name, context: 0, target: MAY_MARK })),
  ];
}

function namesOf(layout: Layout): readonly Name[] {
  if (layout.kind === 'delimited') return [];
  if (layout.kind === 'json') return lineNames(layout);
  const parts = Object.values(ENVELOPE)
    .flat()
    .map((name, target) => ({ name, context: 0, target }));
  return layout.kind === 'json-record' ? [...parts, ...recordNames(layout)] : parts;
}

/**
 * Names that the kernel knows. If a program has other ones, the kernel leaves every line with a key that is empty, long
 * or not plain text.
 */
const MAY_BE_KEY = /^[ !#-[\]-\u007F]{1,63}$/;

function lineNames({ fields }: JsonLayout): Name[] {
  const indices = new Map(fields.map(({ columns: [name = ''] }, index) => [name, index]));
  const line = recordOf(fields.map(({ columns: [name = ''], path }) => [name, path]));
  const envelope = recordEnvelope(line);
  const ofEnvelope = new Set(envelope.map(({ name }) => name));
  const named = new Map<PathObject, readonly Name[]>();
  const add = (object: PathObject) => {
    const inner = [...object.steps.values()].flatMap((step) => ('object' in step ? [step.object] : []));
    const names = [...object.steps].map(([name, step]): Name => {
      const mayWrap = object === line && ofEnvelope.has(name) ? OF_ENVELOPE : 0;
      const target = 'object' in step ? OBJECT | mayWrap | step.object.number : (indices.get(step.column) ?? 0);
      return { name, context: object.number, target };
    });
    named.set(object, names);
    for (const each of inner) if (!named.has(each)) add(each);
  };
  add(line);
  return [...[...named.values()].flat(), ...envelope.filter(({ name }) => !line.steps.has(name))];
}

function recordNames({ fields }: JsonRecordLayout): Name[] {
  const names: Name[] = [];
  const contexts = new Map([['', 1]]);
  for (const [index, { path }] of fields.entries()) {
    let context = 1;
    for (const [depth, name] of path.entries()) {
      if (depth === path.length - 1) names.push({ name, context, target: index });
      else {
        const object = path.slice(0, depth + 1).join('.');
        const inner = contexts.get(object) ?? contexts.size + 1;
        if (!contexts.has(object)) names.push({ name, context, target: OBJECT | inner });
        contexts.set(object, inner);
        context = inner;
      }
    }
  }
  return names;
}

function nameBytes({ name, context, target }: Name): Buffer {
  const bytes = Buffer.alloc(NAME_BYTES);
  bytes.write(name);
  bytes.writeUInt32LE(name.length, NAME_LENGTH_AT);
  bytes.writeUInt32LE(context, NAME_CONTEXT_AT);
  bytes.writeUInt32LE(target, NAME_TARGET_AT);
  return bytes;
}

/** What follows the fields: byte strings that the header and the fields refer to by offset. */
class TextArea {
  readonly #parts: Buffer[] = [];
  #at: number;

  constructor(start: number) {
    this.#at = start;
  }

  /** @returns the offset of the bytes in the program */
  add(bytes: Buffer): number {
    const at = this.#at;
    this.#parts.push(bytes);
    this.#at += bytes.length;
    return at;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

const MINUTE_MS = 60_000;

/** The changes of a zone, in minutes, which end with one that only says how far the others reach. */
function zoneBytes({ changes }: LocalZone): Buffer {
  const end = { from: CHANGES_END, offset: 0 };
  return Buffer.from(
    Int32Array.from([...changes, end].flatMap(({ from, offset }) => [from / MINUTE_MS, offset / MINUTE_MS])).buffer,
  );
}
