/** Writes a Parquet file in a process of its own, whose memory is measured; `measureDirectMemory` starts it. */
import { type DirectRequest, type DirectResult, writeFile } from './direct.ts';
import { sourceOf } from './input.ts';
import { peakMemoryMib } from './process.ts';

// The parent process may be killed at any time: this process must then end too.
process.on('disconnect', () => process.exit(0));

process.on('message', ({ kind, key, gzip, times }: DirectRequest) => {
  writeFile({ source: sourceOf(kind), key, gzip: Buffer.from(gzip) }, times).then(
    (written) => {
      const result: DirectResult = { ...written, peakMib: peakMemoryMib(process.pid) };
      process.send?.(result);
    },
    (error) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    },
  );
});
