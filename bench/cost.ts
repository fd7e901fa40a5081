/** Computes the cost of a terabyte from measured values and list prices. */
import { thousands } from '../bin/output/render.ts';
import { type Cost, dollarsPerTB, ONE_CPU_MIB, RAW_TB, type Ratios } from '../bin/plan/cost.ts';
import { listPrices } from '../bin/plan/prices.ts';
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
}

const PARTS = ['firehose', 'lambda', 'queues', 's3Requests', 'dynamoDb', 'total'] as const;

/** US dollars for 10^12 raw bytes of ALB logs, without storage in S3. */
export function costSection(measured: Measured): {
  readonly dollars: { readonly ours: number; readonly usual: number };
  readonly section: Section;
} {
  const prices = listPrices();
  const { bytesPerLine, handlerNsPerByte, trackerNsPerByte, usualNsPerByte, billed, check, ledger } = measured;
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
  const costs: (readonly [string, Cost])[] = [
    ['ours', dollarsPerTB(ours, prices)],
    ['ours, to Iceberg', dollarsPerTB({ ...ours, destination: 'iceberg', billedBytesPerByte: billed.iceberg }, prices)],
    ['the usual way', dollarsPerTB(usual, prices)],
  ];
  const [[, own], , [, others]] = costs as [(typeof costs)[0], (typeof costs)[0], (typeof costs)[0]];
  return {
    dollars: { ours: own.total, usual: others.total },
    section: {
      title: 'Cost',
      notes: [
        `US dollars for 10^12 raw bytes of ALB logs in objects of ${thousands(LINES_PER_OBJECT)} lines, by the list ` +
          `prices of ${prices.region} on ${prices.date} (bin/plan/prices.json, which says how sure each is), first ` +
          'steps. Ours has ledger and duplicate check; the usual way has neither. A ' +
          `function of ${ONE_CPU_MIB} MiB is taken to be as fast as one thread of this machine, and to wait for ` +
          'nothing. Storage is left out: it is the same.',
      ],
      columns: columnsOf('way', ...PARTS),
      rows: costs.map(([way, cost]) => [way, ...PARTS.map((part) => number(cost[part]))]),
    },
  };
}
