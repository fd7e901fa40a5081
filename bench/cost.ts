/** Computes the cost of a terabyte from measured values and list prices. */
import { thousands } from '../bin/output/render.ts';
import { type Cost, dollarsPerTB, ONE_CPU_MIB, RAW_TB, type Ratios } from '../bin/plan/cost.ts';
import { DIRECT_UNITS, PART_BYTES } from '../bin/plan/direct-lane.ts';
import { listPrices } from '../bin/plan/prices.ts';
import type { DollarsPerTB } from './figures.ts';
import { columnsOf, number, type Section } from './report.ts';
import { LINES_PER_OBJECT, type RequestUnits } from './tracker.ts';

/** Measured values on which the cost depends. */
export interface Measured {
  readonly bytesPerLine: number;
  /** CPU nanoseconds per raw byte: of the loading function, of the duplicate check, and of the usual way. */
  readonly handlerNsPerByte: number;
  readonly trackerNsPerByte: number;
  readonly usualNsPerByte: number;
  /** Billed bytes ÷ raw bytes. */
  readonly billed: { readonly ours: number; readonly usual: number; readonly iceberg: number };
  /** DynamoDB units per million lines. */
  readonly check: RequestUnits;
  readonly ledger: RequestUnits;
  /** The direct lane: CPU nanoseconds per raw byte to a finished file, and the file ÷ raw bytes. */
  readonly direct: { readonly nsPerByte: number; readonly sizeRatio: number };
}

/** Finished file that a batch aims at by default: `bufferSizeMiB`. */
const FILE_BYTES = 128 * 2 ** 20;

const PARTS = ['firehose', 'lambda', 'queues', 's3Requests', 'dynamoDb', 'total'] as const;

/** US dollars for 10^12 raw bytes of ALB logs, without storage in S3. */
export function costSection(measured: Measured): {
  readonly dollars: DollarsPerTB;
  /** Write units of the direct lane's ledger for an object, with its share of a batch. */
  readonly ledgerWritesPerObject: number;
  readonly section: Section;
} {
  const prices = listPrices();
  const { bytesPerLine, handlerNsPerByte, trackerNsPerByte, usualNsPerByte, billed, check, ledger, direct } = measured;
  const cpuSecondsPerTB = (nsPerByte: number) => (nsPerByte * RAW_TB) / 1e9;
  const ours: Ratios = {
    bytesPerLine,
    linesPerObject: LINES_PER_OBJECT,
    billedBytesPerByte: billed.ours,
    destination: 'parquet',
    cpuSecondsPerTB: cpuSecondsPerTB(handlerNsPerByte + trackerNsPerByte),
    writeUnitsPerMillion: check.writes + ledger.writes,
    readUnitsPerMillion: check.reads + ledger.reads,
    invocationsPerObject: 2,
  };
  const usual: Ratios = {
    ...ours,
    billedBytesPerByte: billed.usual,
    cpuSecondsPerTB: cpuSecondsPerTB(usualNsPerByte),
    writeUnitsPerMillion: 0,
    readUnitsPerMillion: 0,
    invocationsPerObject: 1,
  };
  const linesPerBatch = FILE_BYTES / (direct.sizeRatio * bytesPerLine);
  const puts = 2 + 2 + Math.ceil(FILE_BYTES / PART_BYTES) + 3;
  const { writesPerObject, writesPerBatch, readsPerObject } = DIRECT_UNITS;
  const ledgerWritesPerObject = writesPerObject + (writesPerBatch * LINES_PER_OBJECT) / linesPerBatch;
  const directUnchecked: Ratios = {
    ...usual,
    billedBytesPerByte: 0,
    cpuSecondsPerTB: cpuSecondsPerTB(direct.nsPerByte),
    writeUnitsPerMillion: (1e6 * ledgerWritesPerObject) / LINES_PER_OBJECT,
    readUnitsPerMillion: (1e6 * readsPerObject) / LINES_PER_OBJECT,
    s3PutsPerTB: (puts * RAW_TB) / (linesPerBatch * bytesPerLine),
  };
  const directChecked: Ratios = {
    ...directUnchecked,
    cpuSecondsPerTB: cpuSecondsPerTB(direct.nsPerByte + trackerNsPerByte),
    writeUnitsPerMillion: directUnchecked.writeUnitsPerMillion + check.writes,
    readUnitsPerMillion: directUnchecked.readUnitsPerMillion + check.reads,
    invocationsPerObject: 2,
  };
  const costs: (readonly [string, Cost])[] = [
    ['ours', dollarsPerTB(ours, prices)],
    ['ours, to Iceberg', dollarsPerTB({ ...ours, destination: 'iceberg', billedBytesPerByte: billed.iceberg }, prices)],
    ['the usual way', dollarsPerTB(usual, prices)],
    ['direct', dollarsPerTB(directChecked, prices)],
    ['direct, without the duplicate check', dollarsPerTB(directUnchecked, prices)],
  ];
  const totalOf = (name: string) => costs.find(([way]) => way === name)?.[1].total ?? 0;
  return {
    ledgerWritesPerObject,
    dollars: {
      ours: totalOf('ours'),
      usual: totalOf('the usual way'),
      direct: totalOf('direct'),
      directUnchecked: totalOf('direct, without the duplicate check'),
    },
    section: {
      title: 'Cost',
      notes: [
        `US dollars for 10^12 raw bytes of ALB logs in objects of ${thousands(LINES_PER_OBJECT)} lines, by the list ` +
          `prices of ${prices.region} on ${prices.date} (bin/plan/prices.json, which says how sure each is), first ` +
          'steps. Ours, through Firehose or direct, has a ledger and a duplicate check; the usual way has neither. A ' +
          `function of ${ONE_CPU_MIB} MiB is taken to be as fast as one thread of this machine, and to wait for ` +
          'nothing. Storage is left out.',
      ],
      columns: columnsOf('way', ...PARTS),
      rows: costs.map(([way, cost]) => [way, ...PARTS.map((part) => number(cost[part]))]),
    },
  };
}
