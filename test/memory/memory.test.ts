import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CAN_MEASURE_PROCESSES, peakMemoryMib } from '../../bench/process.ts';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { select } from '../../bin/output/balance.ts';
import { openAthena } from '../../local/athena/athena.ts';
import type { Call } from '../faults/call.ts';
import { openFaultyLake } from '../faults/faulty-lake.ts';
import { albLine } from '../faults/logs.ts';

const MIB = 1024 * 1024;

/** Two bodies more under way when memory is at its peak, and what V8 compiles in the meantime: chance, not growth. */
const CHANCE_MIB = 24;

/** Bytes in each line beyond an ALB line's own 500: fewer lines make the same bytes, sooner. */
const FILLING = 1500;

/** A gzip member of so many lines, and its size when decompressed. */
function memberOf(lines: number): { readonly member: Buffer; readonly bytes: number } {
  const text = `${Array.from({ length: lines }, (_, index) => albLine(index + 1, FILLING)).join('\n')}\n`;
  return { member: gzipSync(text, { level: 1 }), bytes: Buffer.byteLength(text) };
}

/** A Firehose that takes all rows of the source and keeps none: what it holds is not what is measured. */
async function discard(call: Call): Promise<void> {
  // Its start names the stream; reading all of a gigabyte as JSON would take longer than loading it.
  const start = (await call.body()).toString('utf8', 0, 200);
  if (!/^{"DeliveryStreamName":"[^"]*alb"/.test(start)) return;
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  call.answer({ status: 200, headers, body: Buffer.from('{"FailedPutCount":0,"RequestResponses":[]}') });
}

interface Measured {
  readonly lines: number;
  /** Decompressed bytes that `loads` tells. */
  readonly bytes: number;
  readonly peakMib: number;
}

/** Loads an object of at least so many bytes in a process of its own, which was started for it. */
async function measure(bytes: number): Promise<Measured> {
  let process = 0;
  const faulty = await openFaultyLake({
    changes: { concurrency: 1 },
    onInvocation: ({ pid }) => {
      process = pid;
    },
    fault: (call) => (call.operation === 'PutRecordBatch' ? discard(call) : undefined),
  });
  const { member, bytes: each } = memberOf(4000);
  const key = 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/03/04/large.log.gz';
  await faulty.putBytes(key, Buffer.concat(Array.from({ length: Math.ceil(bytes / each) }, () => member)));
  expect((await faulty.drain()).deadLetters).toEqual([]);
  const peakMib = peakMemoryMib(process);
  await faulty.lake.close();
  const athena = await openAthena(readLakeFolder(faulty.dir));
  const [row] = await select(athena, 'SELECT lines, bytes FROM loads');
  await athena.close();
  return { lines: Number(row?.lines), bytes: Number(row?.bytes), peakMib };
}

describe.runIf(CAN_MEASURE_PROCESSES)('the memory of a function', { timeout: 240_000 }, () => {
  test('does not grow with its object', async () => {
    const small = await measure(64 * MIB);
    const large = await measure(1024 * MIB);
    expect(large.bytes).toBeGreaterThanOrEqual(1024 * MIB);
    expect(large.lines / small.lines).toBeGreaterThan(15);
    expect(large.peakMib).toBeLessThan(256);
    expect(large.peakMib - small.peakMib).toBeLessThan(CHANCE_MIB);
  });
});
