/** Runs all measurements, one after the other. */
import { type BilledBytes, billedBytes, billedSection } from './billed-bytes.ts';
import { measureCodecs, parquetBytes } from './codecs.ts';
import { costSection } from './cost.ts';
import { type DirectTimes, directSection, measureDirect } from './direct.ts';
import { EVENTS_FORMATS, type EventsFormat, type Figures } from './figures.ts';
import { type Functions, openFunctions } from './functions.ts';
import { type Handled, measureHandler, measureMemory, measureUsualHandler } from './handler.ts';
import { type Input, type Inputs, inputsSection } from './input.ts';
import { type LogGroupTimes, logGroupsSection, measureLogGroup } from './log-groups.ts';
import { measureOddLines, type OddLines, oddLinesSection } from './odd-lines.ts';
import { type BothTimes, measureBoth, measureNewColumn, measurePath, type PathTimes, pathsSection } from './paths.ts';
import type { FormatMeasured } from './rates.ts';
import type { Section } from './report.ts';
import type { Scale } from './scale.ts';
import { measureStarts } from './starts.ts';
import { measureTrackerApart, trackerSection } from './tracker.ts';
import { measureWriteBatch } from './write-batch.ts';

export interface MeasureOptions {
  readonly seed: string;
  readonly scale: Scale;
  readonly progress: (line: string) => void;
}

/** Results of a run. */
export interface AllMeasured {
  readonly figures: Figures;
  readonly sections: readonly Section[];
  /** Rates of every format in a run with `everything`; otherwise empty. */
  readonly rates: readonly FormatMeasured[];
}

export async function measureAll(inputs: Inputs, options: MeasureOptions): Promise<AllMeasured> {
  const here = await measureHere(inputs, options);
  options.progress('synthesizing the stack');
  const functions = await openFunctions([...here.both.keys()].map(({ source }) => source));
  try {
    return await measureFunctions(functions, inputs, here, options);
  } finally {
    await functions.close();
  }
}

interface Here {
  /** Times of ALB and, in a run with `everything`, of the other formats. */
  readonly both: ReadonlyMap<Input, BothTimes>;
  readonly paths: ReadonlyMap<Input, PathTimes>;
  readonly billed: ReadonlyMap<Input, BilledBytes>;
  /** Parquet files of our own. */
  readonly direct: ReadonlyMap<Input, DirectTimes>;
  /** Times of log groups, by kind of line. */
  readonly logGroups: ReadonlyMap<string, LogGroupTimes>;
  readonly newColumnRatio: number;
  readonly oddLines: readonly OddLines[];
  readonly codecs: Awaited<ReturnType<typeof measureCodecs>>;
}

/** Measurements in this process. */
async function measureHere(
  { alb, kong, json, others, more }: Inputs,
  { seed, scale, progress }: MeasureOptions,
): Promise<Here> {
  const both = new Map<Input, BothTimes>();
  const paths = new Map<Input, PathTimes>();
  const billed = new Map<Input, BilledBytes>();
  const whole = scale.everything ? [alb, kong, json, ...others] : [alb];
  for (const input of [alb, kong, json, ...others, ...more]) {
    progress(`${input.name}: paths`);
    if (!whole.includes(input)) {
      paths.set(input, await measurePath(input, scale));
      continue;
    }
    const times = await measureBoth(input, scale);
    both.set(input, times);
    paths.set(input, times);
    progress(`${input.name}: billed bytes`);
    billed.set(input, await billedBytes(input));
  }
  const direct = new Map<Input, DirectTimes>();
  for (const input of [alb, kong, json, ...(scale.everything ? others : [])]) {
    progress(`${input.name}: Parquet file`);
    direct.set(input, await measureDirect(input, scale));
  }
  const logGroups = new Map<string, LogGroupTimes>();
  const formats = scale.everything ? [alb, kong, json, ...others].map(({ name }) => name) : [];
  for (const kind of new Set([...EVENTS_FORMATS, ...formats])) {
    progress(`${kind}: log groups`);
    logGroups.set(kind, await measureLogGroup(kind, seed, scale));
  }
  progress('a new field on each line');
  const newColumnRatio = await measureNewColumn(alb, scale);
  progress('odd lines');
  const oddLines = await measureOddLines(seed, scale);
  progress('codecs');
  return { both, paths, billed, direct, logGroups, newColumnRatio, oddLines, codecs: await measureCodecs(alb, scale) };
}

/** Measurements of the deployed functions, which run in processes of their own. */
async function measureFunctions(
  functions: Functions,
  inputs: Inputs,
  here: Here,
  { seed, scale, progress }: MeasureOptions,
): Promise<AllMeasured> {
  const { alb, kong, json, others, more } = inputs;
  const { both, paths, billed, direct, logGroups, newColumnRatio, oddLines, codecs } = here;
  progress('the functions’ starts');
  const starts = await measureStarts(functions, scale);
  progress('the whole handler');
  const handler = await measureHandler(functions, [...both.keys()], scale);
  const usualHandled = new Map<Input, number>();
  for (const input of both.keys()) usualHandled.set(input, await measureUsualHandler(functions, input, scale));
  progress('memory');
  const memory = await measureMemory(functions, alb, scale);
  progress('a batch of the direct lane');
  const batch = await measureWriteBatch(alb, scale);
  progress('the duplicate check');
  const tracker = await measureTrackerApart(functions, 'alb', seed, scale);
  const { tracked, units } = tracker;

  const eventsRatioOf = (kind: EventsFormat) => (logGroups.get(kind) as LogGroupTimes).ratio;
  const ratioOf = (input: Input) => (paths.get(input) as PathTimes).ingestRatio;
  const [directAlb, directKong, directJson] = [alb, kong, json].map((input) => direct.get(input)) as [
    DirectTimes,
    DirectTimes,
    DirectTimes,
  ];
  const [batchOneGiB, batchFiveGiB] = batch.peaks;
  const { ours, usual, iceberg } = billed.get(alb) as BilledBytes;
  const albHandled = handler.handled.get(alb) as Handled;
  const cost = costSection({
    bytesPerLine: alb.bytes / alb.lines,
    handlerNsPerByte: albHandled.nsPerByte,
    trackerNsPerByte: tracked.nsPerByte,
    usualNsPerByte: usualHandled.get(alb) as number,
    billed: { ours, usual, iceberg },
    direct: directAlb,
    ...units,
  });
  const formats: FormatMeasured[] = [];
  for (const input of scale.everything ? [alb, kong, json, ...others] : []) {
    const { name } = input;
    progress(`${name}: rates`);
    const { nsPerByte } = (input === alb ? tracker : await measureTrackerApart(functions, name, seed, scale)).tracked;
    formats.push({
      input,
      handled: handler.handled.get(input) as Handled,
      trackerNsPerByte: nsPerByte,
      logGroup: logGroups.get(name) as LogGroupTimes,
      billed: billed.get(input) as BilledBytes,
      usualNsPerByte: usualHandled.get(input) as number,
      parquet: input === alb ? codecs.bytes : await parquetBytes(input),
      direct: direct.get(input) as DirectTimes,
    });
  }
  const [oneGiB, fiveGiB] = memory.peaks;
  return {
    figures: {
      ingestRatio: { alb: ratioOf(alb), kong: ratioOf(kong), json: ratioOf(json) },
      eventsRatio: {
        kong: eventsRatioOf('kong'),
        json: eventsRatioOf('json'),
        'kong-json': eventsRatioOf('kong-json'),
      },
      directRatio: { alb: directAlb.ratio, kong: directKong.ratio, json: directJson.ratio },
      directSizeRatio: { alb: directAlb.sizeRatio, kong: directKong.sizeRatio, json: directJson.sizeRatio },
      directPeakMiB: { oneGiB: batchOneGiB, fiveGiB: batchFiveGiB },
      directMinutesFor50GB: batch.minutesFor50GB,
      directLedgerWrites: cost.ledgerWritesPerObject,
      usualRatio: (both.get(alb) as BothTimes).usualRatio,
      handlerRatio: albHandled.ratio,
      billedBytesRatio: { alb: ours, json: (billed.get(json) as BilledBytes).ours, usual, iceberg },
      peakRssMiB: { oneGiB, fiveGiB },
      bundleKiB: starts.bundleKiB,
      initMs: starts.initMs,
      trackerShare: tracked.share,
      writeUnitsPerMillion: units.check.writes,
      readUnitsPerMillion: units.check.reads,
      dollarsPerTB: cost.dollars,
      newColumnRatio,
      oddLineRatio: Math.max(...oddLines.map(({ ratio }) => ratio)),
    },
    sections: [
      inputsSection([alb, kong, json, ...others, ...more]),
      pathsSection([...paths.values()]),
      logGroupsSection([...logGroups.values()]),
      oddLinesSection(oddLines),
      directSection([...direct.values()]),
      batch.section,
      handler.section,
      billedSection([...billed].map(([{ name }, bytes]) => [name, bytes])),
      memory.section,
      starts.section,
      trackerSection(tracker),
      codecs.section,
      cost.section,
    ],
    rates: formats,
  };
}
