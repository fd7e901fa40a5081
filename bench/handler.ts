/** Measures the whole handler: its CPU time and its peak memory. */
import { gunzipSync } from 'node:zlib';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { thousands } from '../bin/output/render.ts';
import { REGION } from '../local/account.ts';
import type { Functions } from './functions.ts';
import type { Input } from './input.ts';
import { median, taken } from './measure.ts';
import { cpuMillis, peakMemoryMib } from './process.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';
import { usualHandler } from './usual.ts';

/** The handler's measured values for one input. */
export interface Handled {
  /** CPU time ÷ CPU time of gunzipSync of the same bytes in this process. */
  readonly ratio: number;
  readonly nsPerByte: number;
  readonly loadsRowBytes: number;
  readonly logBytes: number;
}

/** Measures the CPU time of load-objects for each input. */
export async function measureHandler(
  functions: Functions,
  inputs: readonly Input[],
  { handlerTimes, handlerObjects, handlerWarmups }: Scale,
): Promise<{ readonly handled: ReadonlyMap<Input, Handled>; readonly section: Section }> {
  const handled = new Map<Input, Handled>();
  const rows: string[][] = [];
  const handler = await functions.start();
  try {
    for (const input of inputs) {
      const runs: { cpu: number; gunzip: number; loadsRowBytes: number; logBytes: number }[] = [];
      const { pid } = await handler.load(input, 1);
      for (let object = -handlerWarmups; object < handlerObjects; object++) {
        const before = cpuMillis(pid);
        const { loadsRowBytes, logBytes } = await handler.load(input, handlerTimes);
        const cpu = cpuMillis(pid) - before;
        let gunzip = 0;
        for (let time = 0; time < handlerTimes; time++) gunzip += (await taken(() => gunzipSync(input.gzip))).cpu;
        if (object >= 0) runs.push({ cpu, gunzip, loadsRowBytes, logBytes });
      }
      const cpu = median(runs.map((run) => run.cpu));
      const ratio = median(runs.map((run) => run.cpu / run.gunzip));
      const bytes = input.bytes * handlerTimes;
      const nsPerByte = (cpu * 1e6) / bytes;
      const [{ loadsRowBytes, logBytes }] = runs as [(typeof runs)[0]];
      handled.set(input, { ratio, nsPerByte, loadsRowBytes, logBytes });
      rows.push([
        input.name,
        thousands(bytes),
        String(runs.length),
        number(ratio),
        number(1000 / nsPerByte),
        number(cpu),
      ]);
    }
  } finally {
    await handler.close();
  }
  return {
    handled,
    section: {
      title: 'Whole handler',
      notes: [
        'The bundle of load-objects as it is deployed, in a process of its own that is warm; S3, Firehose, SQS and ' +
          'DynamoDB answer from another one. CPU time is the kernel’s count for the handler’s process, in steps of ' +
          '10 ms. AWS’s own endpoints speak TLS; these do not.',
      ],
      columns: columnsOf('input', 'raw bytes', 'objects', '÷ gunzipSync', 'MB/s of CPU', 'CPU ms an object'),
      rows,
    },
  };
}

/** CPU nanoseconds per raw byte of the usual way, including sending with the same SDK, measured in this process. */
export async function measureUsualHandler(
  { firehoseUrl }: Functions,
  input: Input,
  { handlerObjects }: Scale,
): Promise<number> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new FirehoseClient({ endpoint: firehoseUrl, region: REGION, credentials });
  const runs: number[] = [];
  for (let object = 0; object < handlerObjects; object++) {
    runs.push((await taken(() => usualHandler(input, client))).cpu);
  }
  client.destroy();
  return (median(runs) * 1e6) / input.bytes;
}

/** Measures the peak memory of load-objects, in MiB, for a smaller and a larger object, each in new processes. */
export async function measureMemory(
  functions: Functions,
  input: Input,
  { memoryBytes, memoryRuns }: Scale,
): Promise<{ readonly peaks: readonly [number, number]; readonly section: Section }> {
  const rows: string[][] = [];
  const peakOf = async (times: number): Promise<number> => {
    const handler = await functions.start();
    try {
      const { pid } = await handler.load(input, times);
      return peakMemoryMib(pid);
    } finally {
      await handler.close();
    }
  };
  const peak = async (bytes: number, runs: number): Promise<number> => {
    const times = Math.ceil(bytes / input.bytes);
    const peaks: number[] = [];
    for (let run = 0; run < runs; run++) peaks.push(await peakOf(times));
    const mib = median(peaks);
    const [raw, gzipped] = [input.bytes, input.gzip.length].map((each) => thousands(each * times)) as [string, string];
    rows.push([raw, gzipped, String(runs), number(mib), number(Math.min(...peaks)), number(Math.max(...peaks))]);
    return mib;
  };
  const [small, large] = memoryBytes;
  return {
    peaks: [await peak(small, memoryRuns), await peak(large, 1)],
    section: {
      title: 'Memory',
      notes: [
        'The most the process of load-objects ever had (VmHWM), Node itself included, for one object in a process ' +
          'that has loaded none before. One run is some 10 % off another: how many batches are ever under way at ' +
          'once, at some 5 MiB each, is chance. The smaller object’s peak is therefore the median of its runs.',
      ],
      columns: columnsOf('raw bytes', 'gzipped bytes', 'runs', 'peak MiB', 'least', 'most'),
      rows,
    },
  };
}
