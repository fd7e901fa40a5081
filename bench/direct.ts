/** Measures Parquet files of our own: from gzipped bytes to the finished file, on one thread. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { thousands } from '../bin/output/render.ts';
import { loadObject } from '../lambdas/core/loading/load.ts';
import { openParquetFile } from '../lambdas/core/parquet/file.ts';
import { sourceTable } from '../lambdas/core/tables/table.ts';
import { benchAttempt, benchPorts, loadedCounts, objectBody, type SourceObject } from './ingest.ts';
import type { Input } from './input.ts';
import { interleave, median } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** A file that was written and thrown away. */
export interface WrittenFile {
  readonly bytes: number;
  readonly rows: number;
}

/** Writes the rows of an object that consists of the input, repeated, to one file. */
export async function writeFile({ source, key, gzip }: SourceObject, times = 1): Promise<WrittenFile> {
  const { columns } = sourceTable(source.settings.name, '', source.format.columns, 'objects');
  const file = openParquetFile(columns);
  const take = (records: readonly Uint8Array[], ofSource: boolean) => {
    if (!ofSource) return;
    for (const record of records) file.append(record);
    file.take();
  };
  const object = { bucket: 'landing', key, etag: '0' };
  const open = async () => repeated(gzip, times);
  const counts = loadedCounts(key, await loadObject(source, object, open, benchPorts(source, { take }), benchAttempt));
  file.finish();
  if (file.rows !== counts.rows) throw new Error(`${key}: expected ${counts.rows} rows, got ${file.rows}`);
  return { bytes: file.bytes, rows: file.rows };
}

async function* repeated(gzip: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  for (let time = 0; time < times; time++) yield* objectBody(gzip);
}

/** Times and size of one input's file. */
export interface DirectTimes {
  readonly name: string;
  /** From gzipped bytes to the finished file ÷ gunzipSync of the same bytes. */
  readonly ratio: number;
  /** The file ÷ decompressed bytes. */
  readonly sizeRatio: number;
  readonly nsPerByte: number;
  readonly cpu: number;
}

export async function measureDirect(input: Input, scale: Scale): Promise<DirectTimes> {
  const { bytes } = await writeFile(input);
  const timed = await interleave({ gunzip: () => gunzipSync(input.gzip), direct: () => writeFile(input) }, scale);
  const cpu = timed.cpu('direct');
  return {
    name: input.name,
    ratio: timed.ratio('direct', 'gunzip'),
    sizeRatio: bytes / input.bytes,
    nsPerByte: (cpu * 1e6) / input.bytes,
    cpu,
  };
}

/** Request to the process that writes a file, sent once: an input of a kind of lines, repeated. */
export interface DirectRequest {
  readonly kind: string;
  readonly key: string;
  readonly gzip: Buffer;
  readonly times: number;
}

/** Answer of that process. */
export interface DirectResult extends WrittenFile {
  readonly peakMib: number;
}

/** Peak memory of a process that writes one file, of a smaller and of a larger object. */
export interface DirectMemory {
  readonly peaks: readonly [small: number, large: number];
  readonly rows: readonly (readonly string[])[];
}

export async function measureDirectMemory(input: Input, { memoryBytes, memoryRuns }: Scale): Promise<DirectMemory> {
  const rows: string[][] = [];
  const peak = async (bytes: number, runs: number): Promise<number> => {
    const times = Math.ceil(bytes / input.bytes);
    const results: DirectResult[] = [];
    for (let run = 0; run < runs; run++) results.push(await writeApart(input, times));
    const peaks = results.map(({ peakMib }) => peakMib);
    const mib = median(peaks);
    const sizes = [input.bytes * times, results[0]?.bytes ?? 0].map(thousands);
    rows.push([...sizes, String(runs), number(mib), number(Math.min(...peaks)), number(Math.max(...peaks))]);
    return mib;
  };
  const [small, large] = memoryBytes;
  return { peaks: [await peak(small, memoryRuns), await peak(large, 1)], rows };
}

async function writeApart({ name, key, gzip }: Input, times: number): Promise<DirectResult> {
  // stdout is reserved for the results of the bench.
  const child = fork(fileURLToPath(new URL('./direct-process.ts', import.meta.url)), {
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
  try {
    const request: DirectRequest = { kind: name, key, gzip, times };
    child.send(request);
    const crashed = once(child, 'exit').then(() => Promise.reject(new Error('the file was not written')));
    const [result] = (await Promise.race([once(child, 'message'), crashed])) as [DirectResult];
    return result;
  } finally {
    child.kill();
  }
}

export function directSections(times: readonly DirectTimes[], memory: DirectMemory): Section[] {
  return [
    {
      title: 'Parquet by our own hand',
      notes: [
        'From gzipped bytes to one finished Parquet file, which is thrown away, on one thread; inflating and reading ' +
          'included.',
      ],
      columns: columnsOf('input', '÷ gunzipSync', 'MB/s of CPU', 'CPU ms', 'file ÷ raw'),
      rows: times.map(({ name, ratio, nsPerByte, cpu, sizeRatio }) => [
        name,
        ...[ratio, 1000 / nsPerByte, cpu].map(number),
        sizeRatio.toFixed(4),
      ]),
    },
    {
      title: 'Memory of a Parquet file',
      notes: [
        'The most a process ever had (VmHWM), Node itself and the compressed input included, that writes the rows of one ' +
          'object to one file. What is finished is dropped, as an upload would take it.',
      ],
      columns: columnsOf('raw bytes', 'file', 'runs', 'peak MiB', 'least', 'most'),
      rows: memory.rows,
    },
  ];
}
