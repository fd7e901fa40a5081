/** The ingest path and the usual way, against inflating alone. */
import { gunzipSync } from 'node:zlib';
import { ingest } from './ingest.ts';
import { type Input, withNewField } from './input.ts';
import { type Interleaved, interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';
import { usualWay } from './usual.ts';

/** What each input's path takes. */
export interface Paths {
  /** Over gunzipSync of the same bytes, by the input's name. */
  readonly ingestRatio: ReadonlyMap<string, number>;
  readonly usualRatio: number;
  readonly newColumnRatio: number;
  /** CPU nanoseconds for each decompressed byte. */
  readonly ingestNsPerByte: ReadonlyMap<string, number>;
  readonly usualNsPerByte: number;
  readonly section: Section;
}

const NS_PER_MS = 1e6;

/** @param alb the input that the usual way reads too */
export async function measurePaths(alb: Input, others: readonly Input[], scale: Scale): Promise<Paths> {
  const rows: string[][] = [];
  const ingestRatio = new Map<string, number>();
  const ingestNsPerByte = new Map<string, number>();
  const add = (name: string, { bytes, lines }: Input, over: number, { cpu, wall }: { cpu: number; wall: number }) => {
    const [nsPerByte, nsPerLine] = [(cpu * NS_PER_MS) / bytes, (cpu * NS_PER_MS) / lines];
    rows.push([name, number(over), number(1000 / nsPerByte), number(nsPerLine), number(cpu), number(wall)]);
    return nsPerByte;
  };
  const addIngest = <Name extends string>(input: Input, timed: Interleaved<Name | 'gunzip'>, ours: Name) => {
    const ratio = timed.ratio(ours, 'gunzip');
    ingestRatio.set(input.name, ratio);
    ingestNsPerByte.set(input.name, add(`${input.name}: ingest path`, input, ratio, of(timed, ours)));
  };

  const changed = withNewField(alb);
  const timed = await interleave(
    {
      gunzip: () => gunzipSync(alb.gzip),
      ours: () => ingest(alb),
      usual: () => usualWay(alb.gzip),
      changed: () => ingest(changed),
    },
    scale,
  );
  add(`${alb.name}: gunzipSync`, alb, 1, of(timed, 'gunzip'));
  addIngest(alb, timed, 'ours');
  const usualNsPerByte = add(`${alb.name}: usual way`, alb, timed.ratio('usual', 'gunzip'), of(timed, 'usual'));
  const changedOver = timed.ratio('changed', 'gunzip');
  add(`${alb.name}: ingest path, a new field on each line`, changed, changedOver, of(timed, 'changed'));
  for (const input of others) {
    const run = { gunzip: () => gunzipSync(input.gzip), ours: () => ingest(input) };
    addIngest(input, await interleave(run, scale), 'ours');
  }
  return {
    ingestRatio,
    usualRatio: timed.ratio('usual', 'ours'),
    newColumnRatio: timed.ratio('changed', 'ours') * (alb.bytes / changed.bytes),
    ingestNsPerByte,
    usualNsPerByte,
    section: {
      title: 'Paths',
      notes: [
        'From gzipped bytes to packed records, which are thrown away, on one thread; inflating included. ' +
          'The usual way reads lines with readline, takes them apart by the expression of AWS’s documentation ' +
          'and makes each a record by JSON.stringify.',
      ],
      columns: columnsOf('path', '÷ gunzipSync', 'MB/s of CPU', 'ns a line', 'CPU ms', 'wall ms'),
      rows,
    },
  };
}

function of<Name extends string>(timed: Interleaved<Name>, name: Name): { cpu: number; wall: number } {
  return { cpu: timed.cpu(name), wall: timed.wall(name) };
}
