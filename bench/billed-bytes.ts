/** What Firehose bills for an object, by how its rows are sent. */
import { BILLING_STEP_BYTES } from '../lambdas/core/pack.ts';
import { type ColumnSpecs, numbered, OWN } from '../lambdas/core/table.ts';
import { ingest } from './ingest.ts';
import type { Input } from './input.ts';
import { columnsOf, number, type Section } from './report.ts';
import { usualWay } from './usual.ts';

/** What an ALB object is billed for, by the way it is loaded, ÷ its decompressed bytes. */
export interface BilledRatio {
  readonly alb: number;
  readonly usual: number;
  readonly iceberg: number;
}

/** @param inputs the first is of ALB lines */
export async function billedSection(
  inputs: readonly [Input, ...Input[]],
): Promise<{ ratio: BilledRatio; section: Section }> {
  const [alb] = inputs;
  const all: (readonly [Input, BilledBytes])[] = [];
  for (const input of inputs) all.push([input, await billedBytes(input)]);
  const usual = await usualBilledBytes(alb);
  const [[, { ours, iceberg }]] = all as [(typeof all)[0]];
  return {
    ratio: { alb: ours, usual, iceberg },
    section: {
      title: 'Billed bytes',
      notes: [
        'Bytes Firehose bills ÷ raw bytes: each record rounded up to 5 KiB, rejected lines and the `loads` row ' +
          'included. For Iceberg a row is a record with the names of its columns as keys, and nothing is rounded. ' +
          'The usual way has a record a line, long keys and nulls.',
      ],
      columns: columnsOf('input', 'ours', 'Iceberg', 'usual way'),
      rows: all.map(([input, billed]) => [
        input.name,
        number(billed.ours),
        number(billed.iceberg),
        input === alb ? number(usual) : '',
      ]),
    },
  };
}

/** Bytes billed for each byte of the decompressed object. */
export interface BilledBytes {
  /** Packed records, rejected lines and the `loads` row included. */
  readonly ours: number;
  /** The same rows with a record each and column names as keys, as Firehose wants them for Iceberg; not rounded. */
  readonly iceberg: number;
}

/** Measures a whole object. */
export async function billedBytes(input: Input): Promise<BilledBytes> {
  const names = columnNames(input.source.format.columns);
  let ours = 0;
  let iceberg = 0;
  await ingest(input, async (stream, records) => {
    for (const record of records) {
      ours += rounded(record.length);
      if (stream === input.source.settings.stream) iceberg += namedBytes(record, names);
    }
  });
  return { ours: ours / input.bytes, iceberg: iceberg / input.bytes };
}

/** Bytes billed for each byte of an ALB object when each line is a record of its own. */
export async function usualBilledBytes({ gzip, bytes }: Input): Promise<number> {
  let billed = 0;
  await usualWay(gzip, (record) => {
    billed += rounded(record.length);
  });
  return billed / bytes;
}

/** https://aws.amazon.com/firehose/pricing/ */
function rounded(bytes: number): number {
  return Math.ceil(bytes / BILLING_STEP_BYTES) * BILLING_STEP_BYTES;
}

function columnNames(columns: ColumnSpecs): ReadonlyMap<string, string> {
  return new Map([...numbered(columns), ...Object.values(OWN)].map(({ key, name }) => [key, name]));
}

/** Bytes of a record's rows under the names of their columns. */
function namedBytes(record: Uint8Array, names: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const line of Buffer.from(record).toString('utf8').trimEnd().split('\n')) {
    const row = Object.entries(JSON.parse(line) as Record<string, unknown>);
    bytes += Buffer.byteLength(JSON.stringify(Object.fromEntries(row.map(([key, value]) => [names.get(key), value]))));
  }
  return bytes;
}
