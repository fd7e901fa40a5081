/** Measures the function that writes batches, as it is deployed, in a process of its own: its peak memory and CPU time. */
import { closeSync, cpSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLakeFolder } from '../bin/input/lake-folder.ts';
import { select } from '../bin/output/balance.ts';
import { thousands } from '../bin/output/render.ts';
import { synthesize } from '../lib/synth.ts';
import { openAthena } from '../local/athena/athena.ts';
import { openStack } from '../local/open-stack.ts';
import type { Input } from './input.ts';
import { median } from './measure.ts';
import { cpuMillis, peakMemoryMib } from './process.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** Local name of the function. */
const FUNCTION = 'direct-write';
const BUCKET = 'bench-logs';
/** Raw bytes of an object that must be written within the timeout of 15 minutes, with some to spare. */
const LARGE_OBJECT_BYTES = 50e9;

/** What the function takes for a batch of one object. */
export interface WriteBatchMeasured {
  /** Peak memory, in MiB, for a smaller and for a larger object, each in new processes. */
  readonly peaks: readonly [small: number, large: number];
  /** CPU minutes for an object of 50 GB raw, by the rate of the larger object. */
  readonly minutesFor50GB: number;
  readonly section: Section;
}

export async function measureWriteBatch(input: Input, { memoryBytes, memoryRuns }: Scale): Promise<WriteBatchMeasured> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-write-'));
  try {
    const assembly = join(dir, 'stack');
    synthesize({ context: contextOf(input), outdir: assembly, checked: false });
    const measure = async (bytes: number, runs: number) => {
      const times = Math.ceil(bytes / input.bytes);
      const results: Written[] = [];
      for (let run = 0; run < runs; run++) results.push(await write(input, times, join(dir, 'lake'), assembly));
      const peaks = results.map(({ peakMib }) => peakMib);
      const [peak, millis] = [median(peaks), median(results.map(({ cpu }) => cpu))];
      const raw = input.bytes * times;
      const least = [Math.min(...peaks), Math.max(...peaks), millis, raw / 1000 / millis];
      return { raw, peak, millis, row: [thousands(raw), String(runs), ...[peak, ...least].map(number)] };
    };
    const small = await measure(memoryBytes[0], memoryRuns);
    const large = await measure(memoryBytes[1], 1);
    return {
      peaks: [small.peak, large.peak],
      minutesFor50GB: (LARGE_OBJECT_BYTES / large.raw) * (large.millis / 60_000),
      section: {
        title: 'A batch of the direct lane',
        notes: [
          'The bundle of write-batch as it is deployed, in a process of its own that has written nothing before, for a ' +
            'batch of one object: the most memory that it ever had (VmHWM), Node itself included, and its CPU time, by ' +
            'the kernel’s count. The local endpoints, which take the parts of the file, are in another process.',
        ],
        columns: columnsOf('raw bytes', 'runs', 'peak MiB', 'least', 'most', 'CPU ms', 'MB/s of CPU'),
        rows: [small.row, large.row],
      },
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function contextOf({ source: { settings } }: Input): Record<string, unknown> {
  const { name, format, options } = settings;
  const from = { bucket: BUCKET, notifications: 'eventbridge' };
  return { delivery: 'direct', 'duplicates.enabled': 'false', sources: [{ ...options, name, format, from }] };
}

interface Written {
  readonly peakMib: number;
  /** Milliseconds. */
  readonly cpu: number;
}

/**
 * Loads an object that consists of the input repeated, into a lake of its own.
 *
 * @throws Error if not all of its lines are loaded
 */
async function write(input: Input, times: number, dir: string, assembly: string): Promise<Written> {
  cpSync(assembly, join(dir, 'stack'), { recursive: true });
  const started = new Map<number, number>();
  const lake = await openStack({
    dir,
    assembly,
    hooks: {
      onInvocation: ({ functionName, pid }) => {
        if (functionName === FUNCTION && !started.has(pid)) started.set(pid, cpuMillis(pid));
      },
    },
  });
  try {
    const object = join(dir, 'object');
    const file = openSync(object, 'w');
    for (let time = 0; time < times; time++) writeSync(file, input.gzip);
    closeSync(file);
    await lake.putObject(BUCKET, input.key, object);
    const { deadLetters } = await lake.drain();
    const [[pid, before] = []] = started;
    if (pid === undefined || before === undefined || started.size > 1 || deadLetters.length > 0) {
      throw new Error(
        `expected one process of ${FUNCTION} and no dead letters, got ${started.size}, ${JSON.stringify(deadLetters)}`,
      );
    }
    const written = { peakMib: peakMemoryMib(pid), cpu: cpuMillis(pid) - before };
    await lake.close();
    await expectLoaded(dir, input.lines * times);
    return written;
  } finally {
    await lake.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function expectLoaded(dir: string, expected: number): Promise<void> {
  const athena = await openAthena(readLakeFolder(dir));
  try {
    const [row] = await select(athena, 'SELECT sum(lines) AS lines FROM loads');
    if (Number(row?.lines) !== expected) throw new Error(`expected ${expected} lines to be loaded, got ${row?.lines}`);
  } finally {
    await athena.close();
  }
}
