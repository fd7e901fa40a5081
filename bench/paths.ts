/** The ingest path and the usual way, against inflating alone. */
import { gunzipSync } from 'node:zlib';
import { ingest } from './ingest.ts';
import { type Input, withNewField } from './input.ts';
import { interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';
import { usualWay } from './usual.ts';

/** What reading one input takes. */
export interface PathTimes {
  /** The ingest path ÷ gunzipSync of the same bytes. */
  readonly ingestRatio: number;
  /** The usual way ÷ the ingest path. */
  readonly usualRatio: number;
  /** CPU nanoseconds of the usual way for each raw byte. */
  readonly usualNsPerByte: number;
  readonly rows: readonly (readonly string[])[];
}

/** Both ways for one input. */
export async function measurePaths(input: Input, scale: Scale): Promise<PathTimes> {
  const timed = await interleave(
    { gunzip: () => gunzipSync(input.gzip), ours: () => ingest(input), usual: () => usualWay(input) },
    scale,
  );
  const nsPerByte = (name: 'gunzip' | 'ours' | 'usual') => (timed.cpu(name) * 1e6) / input.bytes;
  const row = (name: 'gunzip' | 'ours' | 'usual', what: string) => [
    `${input.name}: ${what}`,
    number(timed.ratio(name, 'gunzip')),
    number(1000 / nsPerByte(name)),
    number(nsPerByte(name) * (input.bytes / input.lines)),
    number(timed.cpu(name)),
    number(timed.wall(name)),
  ];
  return {
    ingestRatio: timed.ratio('ours', 'gunzip'),
    usualRatio: timed.ratio('usual', 'ours'),
    usualNsPerByte: nsPerByte('usual'),
    rows: [row('gunzip', 'gunzipSync'), row('ours', 'ingest path'), row('usual', 'usual way')],
  };
}

/** The ingest path where each line of an ALB input has one more field than any format knows ÷ where none has, by raw byte. */
export async function measureNewColumn(alb: Input, scale: Scale): Promise<number> {
  const changed = withNewField(alb);
  const timed = await interleave({ ours: () => ingest(alb), changed: () => ingest(changed) }, scale);
  return timed.ratio('changed', 'ours') * (alb.bytes / changed.bytes);
}

export function pathsSection(paths: readonly PathTimes[]): Section {
  return {
    title: 'Paths',
    notes: [
      'From gzipped bytes to packed records, which are thrown away, on one thread; inflating included. The usual way ' +
        'reads lines with readline, takes them apart by a regular expression (ALB: that of AWS’s documentation; JSON: ' +
        'by JSON.parse) and makes each a record by JSON.stringify, with the names of its columns.',
    ],
    columns: columnsOf('path', '÷ gunzipSync', 'MB/s of CPU', 'ns a line', 'CPU ms', 'wall ms'),
    rows: paths.flatMap(({ rows }) => rows),
  };
}
