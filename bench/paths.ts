/** Compares the ingest path and the usual way (usual.ts) with inflating alone. */
import { gunzipSync } from 'node:zlib';
import { ingest } from './ingest.ts';
import { type Input, withNewField } from './input.ts';
import { type Interleaved, interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';
import { usualWay } from './usual.ts';

/** Times of the ingest path for one input. */
export interface PathTimes {
  /** The ingest path ÷ gunzipSync of the same bytes. */
  readonly ingestRatio: number;
  readonly rows: readonly (readonly string[])[];
}

/** Times of the ingest path and of the usual way. */
export interface BothTimes extends PathTimes {
  /** The usual way ÷ the ingest path. */
  readonly usualRatio: number;
}

const gunzip = ({ gzip }: Input) => gunzipSync(gzip);

/** Measures the ingest path with one input. */
export async function measurePath(input: Input, scale: Scale): Promise<PathTimes> {
  const timed = await interleave({ gunzip: () => gunzip(input), ours: () => ingest(input) }, scale);
  return {
    ingestRatio: timed.ratio('ours', 'gunzip'),
    rows: rowsOf(input, timed, 'gunzip', { gunzip: GUNZIP, ours: OURS }),
  };
}

/** Measures the ingest path and the usual way with one input. */
export async function measureBoth(input: Input, scale: Scale): Promise<BothTimes> {
  const timed = await interleave(
    { gunzip: () => gunzip(input), ours: () => ingest(input), usual: () => usualWay(input) },
    scale,
  );
  return {
    ingestRatio: timed.ratio('ours', 'gunzip'),
    usualRatio: timed.ratio('usual', 'ours'),
    rows: rowsOf(input, timed, 'gunzip', { gunzip: GUNZIP, ours: OURS, usual: 'usual way' }),
  };
}

const GUNZIP = 'gunzipSync';
const OURS = 'ingest path';

function rowsOf<Name extends string>(
  { name, bytes, lines }: Input,
  timed: Interleaved<Name>,
  over: Name,
  names: Readonly<Record<Name, string>>,
): string[][] {
  return (Object.entries(names) as [Name, string][]).map(([candidate, what]) => {
    const cpu = timed.cpu(candidate);
    const ratio = timed.ratio(candidate, over);
    const nsPerByte = (cpu * 1e6) / bytes;
    const figures = [ratio, 1000 / nsPerByte, nsPerByte * (bytes / lines), cpu, timed.wall(candidate)];
    return [`${name}: ${what}`, ...figures.map(number)];
  });
}

/** CPU time per raw byte of the ingest path, if each ALB line has an additional unknown field ÷ if none has. */
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
      'What gunzipSync gives is one buffer. Below 32 MiB the allocator has it at hand again and gunzipSync takes ' +
        'less; above, it comes from the system each time.',
    ],
    columns: columnsOf('path', '÷ gunzipSync', 'MB/s of CPU', 'ns a line', 'CPU ms', 'wall ms'),
    rows: paths.flatMap(({ rows }) => rows),
  };
}
