/** Measures Parquet files of our own: from gzipped bytes to the finished file, on one thread. */
import { gunzipSync } from 'node:zlib';
import { loadObject } from '../lambdas/core/loading/load.ts';
import { openParquetFile } from '../lambdas/core/parquet/file.ts';
import { sourceTable } from '../lambdas/core/tables/table.ts';
import { benchAttempt, benchPorts, loadedCounts, objectBody, type SourceObject } from './ingest.ts';
import type { Input } from './input.ts';
import { interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** A file that was written and thrown away. */
interface WrittenFile {
  readonly bytes: number;
  readonly rows: number;
}

/** Writes the rows of an object to one file. */
async function writeFile({ source, key, gzip }: SourceObject): Promise<WrittenFile> {
  const { columns } = sourceTable(source.settings.name, '', source.format.columns, 'objects');
  const file = openParquetFile(columns);
  const take = (records: readonly Uint8Array[], ofSource: boolean) => {
    if (!ofSource) return;
    for (const record of records) file.append(record);
    file.take();
  };
  const object = { bucket: 'landing', key, etag: '0' };
  const open = async () => objectBody(gzip);
  const counts = loadedCounts(key, await loadObject(source, object, open, benchPorts(source, { take }), benchAttempt));
  file.finish();
  if (file.rows !== counts.rows) throw new Error(`${key}: expected ${counts.rows} rows, got ${file.rows}`);
  return { bytes: file.bytes, rows: file.rows };
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

export function directSection(times: readonly DirectTimes[]): Section {
  return {
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
  };
}
