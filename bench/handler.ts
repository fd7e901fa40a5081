/** The whole handler: its CPU time, and the most memory it takes. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { thousands } from '../bin/render.ts';
import { REGION } from '../local/account.ts';
import type { Functions } from './functions.ts';
import type { Input } from './input.ts';
import { median, taken } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';
import { usualHandler } from './usual.ts';

/** Linux tells of other processes what is measured here. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export const PROCESSES_ARE_TOLD = existsSync('/proc/self/stat');

/** Of every Linux that Node runs on. https://man7.org/linux/man-pages/man7/time.7.html */
const TICKS_PER_SECOND = 100;

/** CPU milliseconds of a running process so far, user and system, of all its threads, ended ones too. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

/** The most memory a running process ever had, in MiB. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function peakMib(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** What the handler takes for one input. */
export interface Handled {
  /** Over gunzipSync of the same bytes in this process. */
  readonly ratio: number;
  readonly nsPerByte: number;
  readonly loadsRowBytes: number;
  readonly logBytes: number;
}

/** CPU time of load-objects for each input. */
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
        const before = cpuOf(pid);
        const { loadsRowBytes, logBytes } = await handler.load(input, handlerTimes);
        const cpu = cpuOf(pid) - before;
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

/**
 * CPU nanoseconds for each raw byte of the usual way with its sending, in this process, by the same SDK.
 */
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

/** Peak memory of load-objects for a smaller and a larger object, in MiB, each in a fresh process. */
export async function measureMemory(
  functions: Functions,
  input: Input,
  { memoryBytes }: Scale,
): Promise<{ readonly peaks: readonly [number, number]; readonly section: Section }> {
  const rows: string[][] = [];
  const peak = async (bytes: number): Promise<number> => {
    const handler = await functions.start();
    try {
      const times = Math.ceil(bytes / input.bytes);
      const { pid } = await handler.load(input, times);
      const mib = peakMib(pid);
      rows.push([thousands(input.bytes * times), thousands(input.gzip.length * times), number(mib)]);
      return mib;
    } finally {
      await handler.close();
    }
  };
  const [small, large] = memoryBytes;
  return {
    peaks: [await peak(small), await peak(large)],
    section: {
      title: 'Memory',
      notes: ['The most the process of load-objects ever had (VmHWM), Node itself included, for one object each.'],
      columns: columnsOf('raw bytes', 'gzipped bytes', 'peak MiB'),
      rows,
    },
  };
}
