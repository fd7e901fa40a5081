/** Avro's object container files. https://avro.apache.org/docs/1.12.0/specification/#object-container-files */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import type { Type } from 'avsc';
import avsc from 'avsc/lib/types.js';
import { type AvroObject, type AvroSchema, renamed } from './avro-fields.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;

/** A block's records before compression: as many as fill this. */
const BLOCK_BYTES = 64 * 1024;

/** No block is larger once decompressed: one that is was not written by an Iceberg writer. */
const MAX_BLOCK_BYTES = 256 * 1024 * 1024;

/** Longs are bigints: ids of snapshots do not fit a number. */
const long = avsc.builtins.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : Number(a > b)),
});

/** Types are compiled, which takes longer than reading a small file. Few writers write a table, each its own schema. */
const MAX_COMPILED = 100;
const compiled = new Map<string, Type>();

const HEADER_METADATA = typeOf({ type: 'map', values: 'bytes' });
const LONG = typeOf('long');

export interface AvroFile {
  /** The schema it was written with, its fields named as asked for. */
  readonly schema: AvroObject;
  readonly metadata: Readonly<Record<string, string>>;
  /** Decoded each time they are read, so that only a block of them need be in memory. */
  readonly records: Iterable<unknown>;
}

/**
 * @param names of fields by id, by which their values are to be found
 * @throws Error if it is no such file or is compressed otherwise than by deflate or zstd
 */
export function readAvroFile(bytes: Uint8Array, names: ReadonlyMap<number, string>): AvroFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('expected an Avro file, which begins with "Obj"');
  const header = decode(HEADER_METADATA, file, MAGIC.length);
  const metadata = Object.fromEntries(
    Object.entries(header.value as Record<string, Buffer>).map(([key, value]) => [key, value.toString('utf8')]),
  );
  const schema = renamed(JSON.parse(metadata['avro.schema'] ?? 'null') as AvroSchema, names) as AvroObject;
  const decompress = decompressorOf(metadata['avro.codec'] ?? 'null');
  const type = typeOf(schema);
  return { schema, metadata, records: { [Symbol.iterator]: () => recordsOf(file, header.end, type, decompress) } };
}

function* recordsOf(
  file: Buffer,
  start: number,
  type: Type,
  decompress: (block: Buffer) => Buffer,
): Generator<unknown> {
  const sync = file.subarray(start, start + SYNC_BYTES);
  let at = start + SYNC_BYTES;
  while (at < file.length) {
    const count = decode(LONG, file, at);
    const length = decode(LONG, file, count.end);
    const end = length.end + Number(length.value);
    if (!file.subarray(end, end + SYNC_BYTES).equals(sync))
      throw new Error(`expected the end of a block at byte ${end}`);
    const block = decompress(file.subarray(length.end, end));
    let next = 0;
    for (let record = 0; record < Number(count.value); record++) {
      const decoded = decode(type, block, next);
      next = decoded.end;
      yield decoded.value;
    }
    at = end + SYNC_BYTES;
  }
}

function decode(type: Type, bytes: Buffer, at: number): { readonly value: unknown; readonly end: number } {
  const { value, offset } = type.decode(bytes, at);
  if (offset < 0) throw new Error(`expected more after byte ${at}: the file is cut off`);
  return { value, end: offset };
}

function decompressorOf(codec: string): (block: Buffer) => Buffer {
  const most = { maxOutputLength: MAX_BLOCK_BYTES };
  if (codec === 'null') return (block) => block;
  if (codec === 'deflate') return (block) => inflateRawSync(block, most);
  if (codec === 'zstandard') return (block) => zstdDecompressSync(block, most);
  throw new Error(`expected an Avro file compressed by deflate or zstandard, or not at all, got ${codec}`);
}

/** Writes a file, compressed by deflate. The same records give the same bytes. */
export function avroFile(
  schema: AvroObject,
  metadata: Readonly<Record<string, string>>,
  records: Iterable<unknown>,
): Uint8Array {
  const type = typeOf(schema);
  const header = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' };
  const entries = Object.entries(header).map(([key, value]) => [key, Buffer.from(value, 'utf8')]);
  const start = Buffer.concat([MAGIC, HEADER_METADATA.toBuffer(Object.fromEntries(entries))]);
  const blocks = [...blocksOf(type, records)];
  const sync = syncMarker([start, ...blocks.map(({ bytes }) => bytes)]);
  const body = blocks.flatMap(({ count, bytes }) => [
    LONG.toBuffer(BigInt(count)),
    LONG.toBuffer(BigInt(bytes.length)),
    bytes,
    sync,
  ]);
  return Buffer.concat([start, sync, ...body]);
}

function* blocksOf(type: Type, records: Iterable<unknown>): Generator<{ count: number; bytes: Buffer }> {
  let open: Buffer[] = [];
  let size = 0;
  for (const record of records) {
    const bytes = type.toBuffer(record);
    open.push(bytes);
    size += bytes.length;
    if (size < BLOCK_BYTES) continue;
    yield { count: open.length, bytes: deflateRawSync(Buffer.concat(open)) };
    open = [];
    size = 0;
  }
  if (open.length > 0) yield { count: open.length, bytes: deflateRawSync(Buffer.concat(open)) };
}

/** Ends each block: bytes that are nowhere else in the file. */
function syncMarker(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, SYNC_BYTES);
}

function typeOf(schema: AvroSchema): Type {
  const text = JSON.stringify(schema);
  const known = compiled.get(text);
  if (known) return known;
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  // Unions are of null and one type, so their values need no name of the branch.
  const type = avsc.Type.forSchema(schema as never, { wrapUnions: false, registry: { long } });
  compiled.set(text, type);
  return type;
}
