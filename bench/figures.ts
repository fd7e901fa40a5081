/** The figures a run comes to, and what each is held against. */

/** As `--json` prints them; ratios are of CPU time where nothing else is said. */
export interface Figures {
  /** The ingest path ÷ `zlib.gunzipSync` of the same bytes. */
  readonly ingestRatio: { readonly alb: number; readonly kong: number; readonly json: number };
  /** The usual way ÷ the ingest path. */
  readonly usualRatio: number;
  /** The whole handler ÷ `zlib.gunzipSync`. */
  readonly handlerRatio: number;
  /** Bytes Firehose bills ÷ decompressed bytes. */
  readonly billedBytesRatio: { readonly alb: number; readonly usual: number; readonly iceberg: number };
  /** The most memory the handler's process ever had; the objects are smaller where the run is quick. */
  readonly peakRssMiB: { readonly oneGiB: number; readonly fiveGiB: number };
  /** Of the largest bundle. */
  readonly bundleKiB: number;
  /** Milliseconds from a fresh process to its first poll, of the function that takes longest. */
  readonly initMs: number;
  /** The duplicate check, reading and inflating left out, ÷ the ingest path. */
  readonly trackerShare: number;
  /** DynamoDB's units of the duplicate check for a million records. */
  readonly writeUnitsPerMillion: number;
  readonly readUnitsPerMillion: number;
  /** US dollars for 10^12 decompressed bytes. */
  readonly dollarsPerTB: { readonly ours: number; readonly usual: number };
  /** The ingest path where each line has a new field ÷ where none has, by byte. */
  readonly newColumnRatio: number;
}

/** A figure with the value it is to keep to. */
export interface Bar {
  readonly name: string;
  readonly value: (figures: Figures) => number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export const BARS: readonly Bar[] = [
  { name: 'ingest path ÷ gunzip, ALB', value: ({ ingestRatio }) => ingestRatio.alb, atMost: 2 },
  { name: 'ingest path ÷ gunzip, Kong', value: ({ ingestRatio }) => ingestRatio.kong, atMost: 2 },
  { name: 'ingest path ÷ gunzip, JSON', value: ({ ingestRatio }) => ingestRatio.json, atMost: 2 },
  { name: 'usual way ÷ ingest path', value: ({ usualRatio }) => usualRatio, atLeast: 6 },
  { name: 'whole handler ÷ gunzip', value: ({ handlerRatio }) => handlerRatio, atMost: 4 },
  { name: 'billed bytes ÷ raw bytes, ALB', value: ({ billedBytesRatio }) => billedBytesRatio.alb, atMost: 1.25 },
  { name: 'peak memory, smaller object, MiB', value: ({ peakRssMiB }) => peakRssMiB.oneGiB, atMost: 256 },
  { name: 'peak memory, larger object, MiB', value: ({ peakRssMiB }) => peakRssMiB.fiveGiB, atMost: 256 },
  {
    name: 'peak memory, larger ÷ smaller object',
    value: ({ peakRssMiB }) => peakRssMiB.fiveGiB / peakRssMiB.oneGiB,
    atMost: 1.1,
  },
  { name: 'largest bundle, KiB', value: ({ bundleKiB }) => bundleKiB, atMost: 600 },
  { name: 'duplicate check ÷ ingest path', value: ({ trackerShare }) => trackerShare, atMost: 0.3 },
  { name: 'a new field on each line ÷ none', value: ({ newColumnRatio }) => newColumnRatio, atMost: 1.3 },
];
