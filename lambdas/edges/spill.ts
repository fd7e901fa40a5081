/** Rows that wait on the function's disk. */
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spill } from '../core/direct/ports.ts';

const LENGTH_BYTES = 4;

/** A spill in a folder of its own, which `remove` deletes: a function keeps its disk from one invocation to the next. */
export async function diskSpill(): Promise<Spill & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-rows-'));
  return {
    async append(name, rows) {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(rows.length);
      await appendFile(join(folder, name), Buffer.concat([length, rows]));
    },

    async *take(name) {
      const file = join(folder, name);
      let read: Buffer = Buffer.alloc(0);
      for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
        read = Buffer.concat([read, chunk as Buffer]);
        while (read.length >= LENGTH_BYTES) {
          const end = LENGTH_BYTES + read.readUInt32LE(0);
          if (read.length < end) break;
          yield read.subarray(LENGTH_BYTES, end);
          read = read.subarray(end);
        }
      }
      await rm(file);
    },

    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
