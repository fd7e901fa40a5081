/** A format's layout as the bytes the kernel reads: lambdas/kernel/program.ts. */

import { type ColumnSpecs, inOrder, numbered, OWN } from '../tables/table.ts';
import { ENVELOPE } from './envelope.ts';
import type { RecordKey } from './format.ts';
import type { DelimitedLayout, JsonRecordLayout, Layout, LayoutField, LayoutOp } from './layout.ts';

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
};

const FIELD_FLAGS = { quoted: 1, list: 2, token: 4, status: 8 } as const;
/** Of a field kept for an identity. */
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
} as const;

/** Ops that fingerprints need whatever their identity: they tell the time, or whether a line is a record at all. */
const NEEDED: ReadonlySet<LayoutOp> = new Set(['time', 'client', 'nginx-request', 'version']);

const HEADER_BYTES = 88;
const FIELD_BYTES = 64;
/** A name, its length, the object it is in, and what it is. */
const NAME_BYTES = 76;
const NAME_LENGTH_AT = 64;
const NAME_CONTEXT_AT = 68;
const NAME_TARGET_AT = 72;
/** In the header: where the fields kept for an identity lie, and how many there are. */
const KEPT_AT = 64;
export const KEPT_COUNT_AT = 68;
const STREAM_KEY_AT = 72;
const STREAM_SLOT_AT = 80;
const NAME_COUNT_AT = 84;
/** In a field's record: how long the text is that follows it; of one kept for an identity, which field it is. */
const AFTER_LENGTH_AT = 12;
const SLOTS_AT = 48;
const LITERAL_HEAD_AT = 56;
const LITERAL_HEAD_BYTES = 8;

/** Bytes the kernel has for a program, and the fields and columns it has tables for. */
const MAX_PROGRAM_BYTES = 131_072;
const MAX_FIELDS = 250;
const MAX_KEY_CHARS = 2;
/** The kernel looks for names in lower case. */
const MAY_BE_NAME = /^[^A-Z]{1,63}$/;
/** The first are the envelope and the record itself. */
const MAX_CONTEXTS = 64;
/** A name's target that is another object, by its number. */
const OBJECT = 0x8000;

/**
 * The program of a layout, for rows, or for fingerprints where an identity is given; undefined where the kernel has no
 * room for it.
 */
export function programOf(
  layout: Layout,
  specs: ColumnSpecs,
  recordKeys?: readonly RecordKey[],
): Uint8Array | undefined {
  const { fields } = layout;
  const keys = new Map(numbered(specs).map(({ name, key }) => [name, key]));
  const slots = new Map([...new Set(recordKeys?.flat())].map((name, index) => [name, index + 1]));
  const names = namesOf(layout);
  const fits =
    fields.length <= MAX_FIELDS &&
    slots.size <= MAX_FIELDS &&
    [...keys.values()].every((key) => key.length <= MAX_KEY_CHARS) &&
    names.every(({ name, context }) => MAY_BE_NAME.test(name) && context < MAX_CONTEXTS);
  if (!fits) return undefined;

  const text = new TextArea(HEADER_BYTES + fields.length * FIELD_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(KINDS[layout.kind], 0);
  header.writeUInt32LE(fields.length, 4);
  if (layout.kind === 'delimited') {
    header.writeUInt32LE(layout.minFields, 8);
    header.writeUInt32LE(layout.maxFields, 12);
  }
  header.writeUInt32LE(programFlags(layout, recordKeys !== undefined), 16);
  header.writeBigUInt64LE(keyBytes(OWN.extra.key), 24);
  header.writeBigUInt64LE(keyBytes(OWN.raw.key), 32);
  if (layout.kind === 'json' || layout.kind === 'delimited') header.writeBigUInt64LE(keyBytes(OWN.errors.key), 40);
  if (layout.kind === 'log-format') {
    header.writeUInt32LE(layout.neededFields, 20);
    header.writeUInt32LE(text.add(Buffer.from(layout.start)), 40);
    header.writeUInt32LE(Buffer.byteLength(layout.start), 44);
  }
  if (layout.kind === 'log-format' || layout.kind === 'json-record') {
    header.writeBigUInt64LE(keyBytes(keys.get(layout.stream) ?? ''), STREAM_KEY_AT);
    header.writeUInt32LE(slots.get(layout.stream) ?? 0, STREAM_SLOT_AT);
  }
  header.writeUInt32LE(text.add(Buffer.concat(names.map(nameBytes))), 48);
  header.writeUInt32LE(names.length, NAME_COUNT_AT);
  header.writeUInt32LE(slots.size, 56);
  // The word after it is the kernel's own: 0 until it has begun with the program.
  const slotOf = (name: string) => slots.get(name) ?? 0;
  const alternatives = (recordKeys ?? []).map((columns) => {
    const ordered = inOrder(columns, specs).map(slotOf);
    return [ordered.length, slotOf(columns[0] ?? ''), ...ordered];
  });
  header.writeUInt32LE(text.add(Buffer.from([...alternatives.flat(), 0])), 52);

  const records = fields.map((field) => {
    const wanted =
      !recordKeys || NEEDED.has(field.op) || field.status || field.columns.some((name) => slots.has(name ?? ''));
    return fieldBytes(wanted ? field : { ...field, op: 'skip' }, keys, slots, text);
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
 * Records of the fields that are looked at for an identity, where its columns are what these write, one behind the other.
 * None where they are not, as with parts of a field.
 *
 * @param first what the identity must have: a column that is there or not
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
  { op, columns, part, after = '', ...is }: LayoutField,
  keys: ReadonlyMap<string, string>,
  slots: ReadonlyMap<string, number>,
  text: TextArea,
): Buffer {
  const bytes = Buffer.alloc(FIELD_BYTES);
  bytes.writeUInt32LE(OPS[op], 0);
  let flags = 0;
  for (const [name, flag] of Object.entries(FIELD_FLAGS)) if (is[name as keyof typeof FIELD_FLAGS]) flags |= flag;
  if (part) flags |= (part[0].charCodeAt(0) << SEPARATOR_SHIFT) | (part[1] << PART_SHIFT);
  bytes.writeUInt32LE(flags, 4);
  bytes.writeUInt32LE(text.add(Buffer.from(after)), 8);
  bytes.writeUInt32LE(Buffer.byteLength(after), AFTER_LENGTH_AT);
  Buffer.from(after).copy(bytes, LITERAL_HEAD_AT, 0, LITERAL_HEAD_BYTES);
  for (const [index, name] of columns.entries()) {
    const key = name === undefined ? undefined : keys.get(name);
    if (name === undefined || key === undefined) continue;
    bytes.writeBigUInt64LE(keyBytes(key), 16 + index * 8);
    bytes.writeUInt8(slots.get(name) ?? 0, SLOTS_AT + index);
  }
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
  return flags;
}

/** `,"key":"` in seven bytes, and their number in the eighth. */
function keyBytes(key: string): bigint {
  const text = `,"${key}":"`;
  const bytes = Buffer.alloc(8);
  bytes.write(text);
  bytes[7] = text.length;
  return bytes.readBigUInt64LE();
}

/** A key of JSON that the kernel knows: in which object, and which column, object or part of an envelope it is. */
interface Name {
  readonly name: string;
  readonly context: number;
  readonly target: number;
}

function namesOf(layout: Layout): readonly Name[] {
  const { kind, fields } = layout;
  if (kind === 'json') return fields.map(({ columns }, target) => ({ name: columns[0] ?? '', context: 0, target }));
  // Not keys, but the names of columns that values may not convert to: of an address, that of its port.
  if (kind === 'delimited')
    return fields.map(({ columns }, target) => ({ name: columns.at(-1) ?? '', context: 0, target }));
  const parts = Object.values(ENVELOPE)
    .flat()
    .map((name, target) => ({ name, context: 0, target }));
  return kind === 'json-record' ? [...parts, ...recordNames(layout)] : parts;
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

/** What follows the fields: texts, each at its place. */
class TextArea {
  readonly #parts: Buffer[] = [];
  #at: number;

  constructor(start: number) {
    this.#at = start;
  }

  /** @returns its place in the program */
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
