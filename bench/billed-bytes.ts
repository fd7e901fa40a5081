/** Measures the bytes that Firehose bills for an object, by the way its rows are sent. */
import { billedSize, rowsOf } from '../lambdas/core/loading/pack.ts';
import { shownTime } from '../lambdas/core/reading/times.ts';
import { type Column, type ColumnSpecs, numbered, OWN } from '../lambdas/core/tables/table.ts';
import { ingest } from './ingest.ts';
import type { Input } from './input.ts';
import { columnsOf, number, type Section } from './report.ts';
import { usualWay } from './usual.ts';

/** Bytes per byte of the decompressed object, by the way its rows are sent. */
export interface BilledBytes {
  /** Billed bytes of packed records, including rejected lines and the row of `loads`. */
  readonly ours: number;
  /** The same records before rounding. */
  readonly sent: number;
  /** One record per row with column names as keys, as Firehose needs them for Iceberg; not rounded. */
  readonly iceberg: number;
  /** Billed bytes of the usual way (usual.ts). */
  readonly usual: number;
  /** The usual way before rounding. */
  readonly usualSent: number;
}

export async function billedBytes(input: Input): Promise<BilledBytes> {
  const columns = columnsByKey(input.source.format.columns);
  let ours = 0;
  let iceberg = 0;
  let sent = 0;
  const take = (records: readonly Uint8Array[], ofSource: boolean) => {
    for (const record of records) {
      sent += record.length;
      ours += billedSize(record.length);
      if (ofSource) iceberg += namedBytes(record, columns);
    }
  };
  await ingest(input, { take });
  let usual = 0;
  let usualSent = 0;
  await usualWay(input, (record) => {
    usualSent += record.length;
    usual += billedSize(record.length);
  });
  const { bytes } = input;
  return {
    ours: ours / bytes,
    sent: sent / bytes,
    iceberg: iceberg / bytes,
    usual: usual / bytes,
    usualSent: usualSent / bytes,
  };
}

export function billedSection(inputs: readonly (readonly [string, BilledBytes])[]): Section {
  return {
    title: 'Billed bytes',
    notes: [
      'Bytes Firehose bills ÷ raw bytes: each record rounded up to 5 KiB, rejected lines and the `loads` row ' +
        'included. For Iceberg a row is a record with the names of its columns as keys and times as microseconds, and ' +
        'nothing is rounded. The usual way has a record a line, long keys and nulls.',
    ],
    columns: columnsOf('input', 'ours', 'before rounding', 'Iceberg', 'usual way', 'before rounding'),
    rows: inputs.map(([name, { ours, sent, iceberg, usual, usualSent }]) => [
      name,
      ...[ours, sent, iceberg, usual, usualSent].map(number),
    ]),
  };
}

function columnsByKey(columns: ColumnSpecs): ReadonlyMap<string, Column> {
  return new Map([...numbered(columns), ...Object.values(OWN)].map((column) => [column.key, column]));
}

/** Bytes of a record's rows with column names as keys, as Firehose needs them for Iceberg. */
function namedBytes(record: Uint8Array, columns: ReadonlyMap<string, Column>): number {
  let bytes = 0;
  for (const line of rowsOf(record)) {
    const row = Object.entries(JSON.parse(line) as Record<string, unknown>);
    const named = row.map(([key, value]) => {
      const { name = key, type } = columns.get(key) ?? {};
      return [name, type === 'timestamp' ? micros(value) : value];
    });
    bytes += Buffer.byteLength(JSON.stringify(Object.fromEntries(named)));
  }
  return bytes;
}

/**
 * A time in microseconds. Those below the millisecond are 0, because only the length of the number matters here.
 * https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-destination-supp.html
 */
function micros(value: unknown): number {
  return Date.parse(`${shownTime(value)}Z`) * 1000;
}
