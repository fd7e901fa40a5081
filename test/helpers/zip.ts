/** Zip archives for tests. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface Packed {
  readonly name: string;
  readonly text: string;
  readonly method: 0 | 8;
}

/** An archive by PKWARE's note; where a file begins, its sizes may be left to the list at the end. */
export function archiveOf(files: readonly Packed[], { comment = '', streamed = false } = {}): Buffer {
  const parts: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const { name, text, method } of files) {
    const data = method === 8 ? deflateRawSync(text) : Buffer.from(text);
    const [checksum, size] = [crc32(text), Buffer.byteLength(text)];
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(checksum, 16);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(3, 30);
    entry.writeUInt16LE(2, 32);
    entry.writeUInt32LE(at, 42);
    entries.push(entry, Buffer.from(`${name}EXTCO`));
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(method, 8);
    if (!streamed) {
      head.writeUInt32LE(checksum, 14);
      head.writeUInt32LE(data.length, 18);
      head.writeUInt32LE(size, 22);
    }
    head.writeUInt16LE(name.length, 26);
    head.writeUInt16LE(1, 28);
    for (const part of [head, Buffer.from(`${name}X`), data]) add(part);
  }
  const list = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, list, end, Buffer.from(comment)]);
}
