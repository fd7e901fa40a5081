/** Compares Parquet's codecs: size of the rows, time to write them and time to query them. */
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { numbered, OWN } from '../lambdas/core/tables/table.ts';
import { openXByKey } from '../local/firehose/openx.ts';
import { selectRows, text } from '../local/firehose/parquet.ts';
import { ingest } from './ingest.ts';
import type { Input } from './input.ts';
import { interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** The codecs of Firehose, and ZSTD, which Iceberg's writers use. */
export const CODECS = ['SNAPPY', 'GZIP', 'UNCOMPRESSED', 'ZSTD'] as const;
type Codec = (typeof CODECS)[number];

/**
 * By default Firehose writes no dictionaries, but Iceberg's writers do.
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_ParquetSerDe.html
 */
const NO_DICTIONARY = ', DICTIONARY_SIZE_LIMIT 1';

/** Bytes of Parquet per byte of the decompressed object, by codec. */
export type ParquetBytes = Readonly<Record<Codec, number>>;

/** Common queries of access logs, on the columns of format alb. */
const QUERIES: Readonly<Record<string, (file: string, between: string) => string>> = {
  'count by status': (file) => `SELECT elb_status_code, count(*) FROM ${file} GROUP BY 1 ORDER BY 2 DESC`,
  'p95 by target': (file) =>
    `SELECT target_ip, count(*), quantile_cont(target_processing_time, 0.95) FROM ${file} GROUP BY 1 ORDER BY 3 DESC`,
  'clients of a path for a while': (file, between) =>
    `SELECT client_ip, count(*), sum(sent_bytes) FROM ${file} WHERE request_url LIKE '%/search?%' ` +
    `AND time BETWEEN ${between} GROUP BY 1 ORDER BY 2 DESC LIMIT 20`,
};

/** Rows of an input in a DuckDB database of their own, and a folder for the files written from them. */
interface Rows {
  readonly dir: string;
  readonly connection: DuckDBConnection;
  readonly fileOf: (codec: Codec) => string;
  write(codec: Codec): Promise<void>;
  close(): void;
}

/** Measures only the sizes. */
export async function parquetBytes(input: Input): Promise<ParquetBytes> {
  const rows = await openRows(input);
  for (const codec of CODECS) await rows.write(codec);
  const bytes = sizes(rows, input);
  rows.close();
  return bytes;
}

/** @param input ALB lines */
export async function measureCodecs(
  input: Input,
  { rounds }: Scale,
): Promise<{ readonly bytes: ParquetBytes; readonly section: Section }> {
  const rows = await openRows(input);
  const between = await secondFifth(rows.connection);
  const candidates = CODECS.flatMap((codec): [string, () => unknown][] => [
    [`${codec} write`, () => rows.write(codec)],
    ...Object.entries(QUERIES).map(([name, sql]): [string, () => unknown] => [
      `${codec} ${name}`,
      () => rows.connection.run(sql(text(rows.fileOf(codec)), between)),
    ]),
  ]);
  const timed = await interleave(Object.fromEntries(candidates), { warmups: 0, rounds: Math.ceil(rounds / 3) });
  const bytes = sizes(rows, input);
  rows.close();
  return {
    bytes,
    section: {
      title: 'Codecs',
      notes: [
        'Rows of the ALB input as one Parquet file, written and queried by DuckDB; CPU time, and wall time after the ' +
          'stroke. Without dictionaries, as Firehose writes it by default; ZSTD with them, as Iceberg’s writers do. ' +
          'Firehose’s own writer may come to other sizes.',
      ],
      columns: columnsOf('codec', 'size ÷ raw', 'write ms', ...Object.keys(QUERIES).map((name) => `${name}, ms`)),
      rows: CODECS.map((codec) => [
        codec,
        number(bytes[codec]),
        ...['write', ...Object.keys(QUERIES)].map((name) => {
          const run = `${codec} ${name}`;
          return `${number(timed.cpu(run))} / ${number(timed.wall(run))}`;
        }),
      ]),
    },
  };
}

/** The second fifth of the time that the rows span, as the operands of BETWEEN. */
async function secondFifth(connection: DuckDBConnection): Promise<string> {
  const found = await connection.runAndReadAll(
    'SELECT (min(time) + (max(time) - min(time)) / 5)::VARCHAR, ' +
      '(min(time) + 2 * (max(time) - min(time)) / 5)::VARCHAR FROM lines',
  );
  const [from, to] = found.getRows()[0] ?? [];
  return `TIMESTAMP ${text(String(from))} AND TIMESTAMP ${text(String(to))}`;
}

async function openRows(input: Input): Promise<Rows> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-codecs-'));
  const ndjson = join(dir, 'rows.json');
  const columns = [...numbered(input.source.format.columns), ...Object.values(OWN)];
  const convert = openXByKey(columns);
  await ingest(input, {
    take: (records, ofSource) => {
      if (!ofSource) return;
      for (const record of records) appendFileSync(ndjson, convert(Buffer.from(record).toString('utf8')).ndjson);
    },
  });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE lines AS ${selectRows({ columns, ndjson })}`);
  const fileOf = (codec: Codec) => join(dir, `${codec}.parquet`);
  return {
    dir,
    connection,
    fileOf,
    write: async (codec) => {
      const options = `FORMAT parquet, COMPRESSION ${codec}${codec === 'ZSTD' ? '' : NO_DICTIONARY}`;
      await connection.run(`COPY lines TO ${text(fileOf(codec))} (${options})`);
    },
    close: () => {
      connection.closeSync();
      instance.closeSync();
      rmSync(dir, { recursive: true });
    },
  };
}

function sizes({ fileOf }: Rows, { bytes }: Input): ParquetBytes {
  const [SNAPPY = 0, GZIP = 0, UNCOMPRESSED = 0, ZSTD = 0] = CODECS.map(
    (codec) => statSync(fileOf(codec)).size / bytes,
  );
  return { SNAPPY, GZIP, UNCOMPRESSED, ZSTD };
}
