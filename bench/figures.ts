/** The figures that a run measures, and the bar for each. */

/** US dollars for 10^12 raw bytes. */
export interface DollarsPerTB {
  readonly ours: number;
  readonly usual: number;
  /** The direct lane with the duplicate check. */
  readonly direct: number;
  /** And without it. */
  readonly directUnchecked: number;
}

/** The figures as `--json` prints them. Ratios are of CPU time unless stated otherwise. */
export interface Figures {
  /** The ingest path ÷ `zlib.gunzipSync` of the same bytes. */
  readonly ingestRatio: { readonly alb: number; readonly kong: number; readonly json: number };
  /** The path of log groups, from payloads to packed records ÷ `zlib.gunzipSync` of the same payloads. */
  readonly eventsRatio: Readonly<Record<EventsFormat, number>>;
  /** From gzipped bytes to a finished Parquet file ÷ `zlib.gunzipSync` of the same bytes. */
  readonly directRatio: { readonly alb: number; readonly kong: number; readonly json: number };
  /** A Parquet file ÷ decompressed bytes. */
  readonly directSizeRatio: { readonly alb: number; readonly kong: number; readonly json: number };
  /** Peak memory of the process that writes a batch; the names are as those of `peakRssMiB`. */
  readonly directPeakMiB: { readonly oneGiB: number; readonly fiveGiB: number };
  /** CPU minutes in which a batch of one object of 50 GB raw would be written. */
  readonly directMinutesFor50GB: number;
  /** DynamoDB write units of the direct lane's ledger for an object, with its share of a batch. */
  readonly directLedgerWrites: number;
  /** The usual way ÷ the ingest path. */
  readonly usualRatio: number;
  /** The whole handler ÷ `zlib.gunzipSync`. */
  readonly handlerRatio: number;
  /** Bytes Firehose bills ÷ decompressed bytes. */
  readonly billedBytesRatio: {
    readonly alb: number;
    readonly json: number;
    readonly usual: number;
    readonly iceberg: number;
  };
  /** Peak memory of the handler's process. The names state the objects' sizes in a full run; others use less. */
  readonly peakRssMiB: { readonly oneGiB: number; readonly fiveGiB: number };
  /** Size of the largest bundle. */
  readonly bundleKiB: number;
  /** Milliseconds from the start of a process to its first poll, for the slowest function. */
  readonly initMs: number;
  /** The duplicate check, without reading and inflating, ÷ the ingest path. */
  readonly trackerShare: number;
  /** DynamoDB units of the duplicate check per million records. */
  readonly writeUnitsPerMillion: number;
  readonly readUnitsPerMillion: number;
  /** US dollars for 10^12 decompressed bytes. */
  readonly dollarsPerTB: DollarsPerTB;
  /** The ingest path if each line has a new field ÷ the ingest path if none has, per byte. */
  readonly newColumnRatio: number;
  /** The costliest kind of odd lines ÷ ordinary lines, per byte, without inflating. */
  readonly oddLineRatio: number;
}

/** Formats whose payloads are measured in every run. */
export const EVENTS_FORMATS = ['kong', 'json', 'kong-json'] as const;
export type EventsFormat = (typeof EVENTS_FORMATS)[number];

/** A limit for a figure. */
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
  { name: 'log groups ÷ gunzip, Kong', value: ({ eventsRatio }) => eventsRatio.kong, atMost: 3 },
  { name: 'log groups ÷ gunzip, JSON', value: ({ eventsRatio }) => eventsRatio.json, atMost: 3 },
  { name: "log groups ÷ gunzip, Kong's JSON", value: ({ eventsRatio }) => eventsRatio['kong-json'], atMost: 3 },
  { name: 'lines to a Parquet file ÷ gunzip, ALB', value: ({ directRatio }) => directRatio.alb, atMost: 3.5 },
  { name: 'lines to a Parquet file ÷ gunzip, Kong', value: ({ directRatio }) => directRatio.kong, atMost: 4.5 },
  { name: 'lines to a Parquet file ÷ gunzip, JSON', value: ({ directRatio }) => directRatio.json, atMost: 4.5 },
  { name: 'Parquet file ÷ raw bytes, ALB', value: ({ directSizeRatio }) => directSizeRatio.alb, atMost: 0.115 },
  { name: 'peak memory, batch, MiB', value: ({ directPeakMiB }) => directPeakMiB.oneGiB, atMost: 400 },
  {
    name: 'peak memory, batch, larger ÷ smaller object',
    value: ({ directPeakMiB }) => directPeakMiB.fiveGiB / directPeakMiB.oneGiB,
    atMost: 1.1,
  },
  {
    name: 'CPU minutes for an object of 50 GB raw',
    value: ({ directMinutesFor50GB }) => directMinutesFor50GB,
    atMost: 12,
  },
  {
    name: 'direct lane, write units of the ledger for an object',
    value: ({ directLedgerWrites }) => directLedgerWrites,
    atMost: 4.5,
  },
  { name: 'direct lane, US dollars for a raw TB', value: ({ dollarsPerTB }) => dollarsPerTB.direct, atMost: 7 },
  {
    name: 'direct lane, without the duplicate check',
    value: ({ dollarsPerTB }) => dollarsPerTB.directUnchecked,
    atMost: 1.5,
  },
  { name: 'usual way ÷ ingest path', value: ({ usualRatio }) => usualRatio, atLeast: 6 },
  { name: 'whole handler ÷ gunzip', value: ({ handlerRatio }) => handlerRatio, atMost: 4 },
  { name: 'billed bytes ÷ raw bytes, ALB', value: ({ billedBytesRatio }) => billedBytesRatio.alb, atMost: 1.25 },
  { name: 'billed bytes ÷ raw bytes, JSON', value: ({ billedBytesRatio }) => billedBytesRatio.json, atMost: 0.9 },
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
  { name: 'costliest odd lines ÷ ordinary lines', value: ({ oddLineRatio }) => oddLineRatio, atMost: 5 },
];
