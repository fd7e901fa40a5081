/**
 * The file of a spool: records that a delivery stream has acknowledged and not delivered yet.
 *
 *   header: "TRBSPOOL" | acknowledged bytes (f64) | acknowledged records (u32) | CRC-32 of these (u32)
 *   frames, one for each batch:
 *           length of the rest (u32) | CRC-32 of the rest (u32) | arrival, ms since the epoch (f64) | records (u32)
 *           | { length (u32), bytes }*
 *
 * A frame is written behind the last one, and then the header says that it counts. So whatever is behind the acknowledged
 * bytes was never acknowledged, because the process died while it wrote; and if one of them is missing or another than it
 * was, the file is damaged.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** The records of one request. */
export interface Batch {
  /** Milliseconds since the epoch. */
  readonly arrival: number;
  readonly records: readonly Buffer[];
}

/** How far a spool's file counts. */
export interface Acknowledged {
  /** Bytes of the file. */
  readonly bytes: number;
  readonly records: number;
}

/** A spool's file of which not everything can be read that was acknowledged. */
export class SpoolDamageError extends Error {
  override readonly name = 'SpoolDamageError';
  /** What the header says; undefined if it cannot be read itself. */
  readonly acknowledged: Acknowledged | undefined;

  constructor(file: string, acknowledged?: Acknowledged) {
    super(`${file}: the file of a spool is damaged`);
    this.acknowledged = acknowledged;
  }
}

const MAGIC = Buffer.from('TRBSPOOL');
const HEADER_BYTES = MAGIC.length + 8 + 4 + 4;
/** Length and checksum of a frame. */
const FRAME_HEAD_BYTES = 4 + 4;
/** Arrival and number of records. */
const BATCH_HEAD_BYTES = 8 + 4;

/** A file without a batch. */
export const NOTHING: Acknowledged = { bytes: HEADER_BYTES, records: 0 };

/** Writes a batch behind the acknowledged ones. When the promise resolves, it counts, and survives a power cut. */
export async function writeBatch(handle: FileHandle, before: Acknowledged, batch: Batch): Promise<Acknowledged> {
  const bytes = frame(batch);
  await writeAll(handle, bytes, before.bytes);
  const acknowledged = { bytes: before.bytes + bytes.length, records: before.records + batch.records.length };
  await writeAll(handle, header(acknowledged), 0);
  await handle.datasync();
  return acknowledged;
}

/**
 * Reads a spool's file batch by batch, so that only one batch is in memory.
 *
 * @throws SpoolDamageError after the batches before the damage
 */
export async function* readBatches(file: string): AsyncGenerator<Batch> {
  const handle = await open(file);
  try {
    const acknowledged = readHeader(await read(handle, 0, HEADER_BYTES));
    if (!acknowledged) throw new SpoolDamageError(file);
    for (let at = HEADER_BYTES; at < acknowledged.bytes; ) {
      const head = await read(handle, at, FRAME_HEAD_BYTES);
      const length = head?.readUInt32LE(0) ?? 0;
      const end = at + FRAME_HEAD_BYTES + length;
      const rest = end <= acknowledged.bytes ? await read(handle, at + FRAME_HEAD_BYTES, length) : undefined;
      if (!head || !rest || crc32(rest) !== head.readUInt32LE(4)) throw new SpoolDamageError(file, acknowledged);
      yield parsed(rest);
      at = end;
    }
  } finally {
    await handle.close();
  }
}

function header({ bytes, records }: Acknowledged): Buffer {
  const buffer = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(buffer);
  buffer.writeDoubleLE(bytes, MAGIC.length);
  buffer.writeUInt32LE(records, MAGIC.length + 8);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return buffer;
}

function readHeader(buffer: Buffer | undefined): Acknowledged | undefined {
  if (!buffer?.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (crc32(buffer.subarray(0, HEADER_BYTES - 4)) !== buffer.readUInt32LE(HEADER_BYTES - 4)) return undefined;
  return { bytes: buffer.readDoubleLE(MAGIC.length), records: buffer.readUInt32LE(MAGIC.length + 8) };
}

function frame({ arrival, records }: Batch): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES + BATCH_HEAD_BYTES);
  head.writeDoubleLE(arrival, FRAME_HEAD_BYTES);
  head.writeUInt32LE(records.length, FRAME_HEAD_BYTES + 8);
  const parts = records.flatMap((record) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(record.length);
    return [size, record];
  });
  const whole = Buffer.concat([head, ...parts]);
  whole.writeUInt32LE(whole.length - FRAME_HEAD_BYTES, 0);
  whole.writeUInt32LE(crc32(whole.subarray(FRAME_HEAD_BYTES)), 4);
  return whole;
}

function parsed(bytes: Buffer): Batch {
  const records: Buffer[] = [];
  const count = bytes.readUInt32LE(8);
  for (let index = 0, at = BATCH_HEAD_BYTES; index < count; index++) {
    const length = bytes.readUInt32LE(at);
    records.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { arrival: bytes.readDoubleLE(0), records };
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Undefined if the file ends before. */
async function read(handle: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return buffer;
}
