/** A small lake with made-up rows, whose answers to the saved queries docs/queries.md shows. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { FormatOptions } from '../../lambdas/core/reading/format.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { type Lane, PARTITION, sourceTable, type Table } from '../../lambdas/core/tables/table.ts';
import { type Athena, openAthena } from '../../local/athena/athena.ts';
import { openParquetWriter } from '../../local/firehose/parquet.ts';
import type { Resource } from '../../local/template/resource.ts';

export const DATABASE = 'tributary';

/** Values by column, and `dt`, the day under which the row lies. Times are texts in UTC. */
export type ExampleRow = Readonly<Record<string, string | number>>;

/** A table with its rows. */
export interface ExampleTable {
  readonly table: Table;
  readonly rows: readonly ExampleRow[];
}

function table(name: string, format: string, lane: Lane, options: FormatOptions = {}): Table {
  const compiled = FORMATS.get(format)?.compile(options);
  if (!compiled) throw new Error(`no format ${format}`);
  return sourceTable(name, '', compiled.columns, lane);
}

const DAY = '2026-11-28';
const NEXT_DAY = '2026-11-29';

/** Rows of the hour from 10:00 on, and others around it that no answer of the hour contains. */
export const EXAMPLE_TABLES: readonly ExampleTable[] = [
  {
    table: table('alb', 'alb', 'objects'),
    rows: [
      alb(1, '10:00:05', 'GET', '/orders/17?page=2', { status: 200, target: 1, seconds: 0.012 }),
      alb(2, '10:00:30', 'GET', '/orders/18', { status: 200, target: 2, seconds: 0.02 }),
      alb(3, '10:01:10', 'GET', '/orders/17', { status: 502, target: 1, seconds: 0.9 }),
      { ...alb(4, '10:01:20', 'POST', '/carts', { status: 503 }), client_ip: '192.0.2.8' },
      // It arrived after midnight.
      { ...alb(5, '10:59:59.5', 'GET', '/orders/17', { status: 200, target: 1, seconds: 0.016 }), dt: NEXT_DAY },
      // A retry wrote the second row again.
      { ...alb(2, '10:00:30', 'GET', '/orders/18', { status: 200, target: 2, seconds: 0.02 }), dt: NEXT_DAY },
      // After the hour.
      alb(6, '11:00:00', 'GET', '/orders/19', { status: 500, target: 1, seconds: 9 }),
      // Weeks before.
      { ...alb(9, '10:00:05', 'GET', '/orders/1', { status: 200 }), time: '2026-11-01 10:00:05', dt: '2026-11-01' },
      // Of the hour, and loaded days later.
      { ...alb(7, '10:30:00', 'GET', '/orders/20', { status: 500, target: 1, seconds: 9 }), dt: '2026-12-05' },
    ],
  },
  {
    table: table('kong', 'kong', 'objects', { preset: 'timed' }),
    rows: [
      kong(1, '10:00:01', 'shop-web.example.com', '/items', 200, 0.05),
      kong(2, '10:00:02', 'shop-api.example.com', '/items', 500, 0.25),
      kong(3, '10:00:03', 'blog-web.example.com', '/posts/1', 200, 0.01),
    ],
  },
  {
    table: table('app', 'json', 'events', { preset: 'server-logs' }),
    rows: [
      {
        ...event(1, '10:00:00', 'INFO'),
        timestamp: `${DAY} 10:00:00`,
        method: 'GET',
        path: '/a?x=1',
        status_code: 200,
      },
      { ...event(2, '10:00:59', 'ERROR'), timestamp: `${DAY} 10:00:58`, method: 'GET', path: '/a', status_code: 500 },
      // The message tells no time: CloudWatch's is the event's.
      event(3, '10:02:00', 'INFO'),
      event(4, '11:00:00', 'INFO'),
    ],
  },
  {
    table: loadsTable,
    rows: [
      load('alb', 'a1', '10:05:00', { lines: 8, rows: 5, filtered: 1, rejected: 2 }),
      // The same load told twice.
      load('alb', 'a1', '10:05:00', { lines: 8, rows: 5, filtered: 1, rejected: 2 }),
      {
        ...load('alb', 'a2', '10:20:00', { lines: 3, rows: 0, filtered: 0, rejected: 0 }),
        not_loaded: 'gone',
        lines: 0,
      },
      // A later version of a3 took its place.
      load('alb', 'a3', '10:30:00', { lines: 100, rows: 100, filtered: 0, rejected: 0 }),
      {
        ...load('alb', 'a4', '10:40:00', { lines: 50, rows: 40, filtered: 10, rejected: 0 }),
        replaces: 'a3',
        dt: NEXT_DAY,
        filtered_by: '{"blank_line":{"lines":7,"example":""},"joined":{"lines":3,"example":"tail"}}',
      },
      {
        ...load('kong', 'k1', '10:10:00', { lines: 4, rows: 3, filtered: 1, rejected: 0 }),
        filtered_by: '{"no_http":{"lines":1,"example":"a line of the error log"}}',
      },
      load('kong', 'k2', '11:10:00', { lines: 1000, rows: 1000, filtered: 0, rejected: 0 }),
      {
        ...load('alb', 'a0', '10:00:00', { lines: 9, rows: 9, filtered: 0, rejected: 0 }),
        ...loadedOn('2026-11-01'),
        ...{ first_event_time: '2026-11-01 08:00:00', last_event_time: '2026-11-01 08:30:00' },
      },
      // Events of the day that were loaded a week later.
      { ...load('alb', 'a5', '10:30:00', { lines: 2, rows: 2, filtered: 0, rejected: 0 }), ...loadedOn('2026-12-05') },
    ],
  },
  {
    table: rejectedTable,
    rows: [
      rejection(6, 'too_few_fields', 'expected at least 17 fields, got 3'),
      rejection(7, 'too_few_fields', 'expected at least 17 fields, got 2'),
      rejection(7, 'too_few_fields', 'expected at least 17 fields, got 2'),
    ],
  },
];

function alb(
  position: number,
  time: string,
  verb: string,
  path: string,
  { status, target, seconds }: { readonly status: number; readonly target?: number; readonly seconds?: number },
): ExampleRow {
  const answered = { target_ip: `198.51.100.${target}`, target_port: 80, target_status_code: status };
  return {
    ...{ dt: DAY, origin: 'a1', position, time: `${DAY} ${time}`, client_ip: '192.0.2.7' },
    ...{ elb_status_code: status, sent_bytes: 1000, request_verb: verb },
    request_url: `https://www.example.com:443${path}`,
    ...(target !== undefined && answered),
    ...(seconds !== undefined && { target_processing_time: seconds }),
  };
}

function kong(position: number, time: string, host: string, url: string, status: number, seconds: number): ExampleRow {
  return {
    ...{ dt: DAY, origin: 'k1', position, log_time: `${DAY} ${time}`, client_ip: '192.0.2.9', request_method: 'GET' },
    ...{ request_url: url, status_code: status, bytes_sent: 500, response_time: seconds, host_domain: host },
    project_name: host.split('-')[0] ?? '',
  };
}

function event(position: number, loggedAt: string, level: string): ExampleRow {
  return { dt: DAY, origin: 'e1', position, level, response_time: 10 * position, logged_at: `${DAY} ${loggedAt}` };
}

function load(
  source: string,
  origin: string,
  finished: string,
  counts: Readonly<Record<'lines' | 'rows' | 'filtered' | 'rejected', number>>,
): ExampleRow {
  return {
    ...{
      dt: DAY,
      source,
      origin,
      kind: 'object',
      bucket: 'logs.example.com',
      object_key: `${source}/${origin}.log.gz`,
    },
    ...counts,
    ...{ empty_rows: 0, unverified_rows: 0, finished_at: `${DAY} ${finished}` },
    ...{ first_event_time: `${DAY} 10:00:00`, last_event_time: `${DAY} 10:04:00` },
  };
}

function loadedOn(dt: string): ExampleRow {
  return { dt, finished_at: `${dt} 09:00:00` };
}

function rejection(position: number, reason: string, detail: string): ExampleRow {
  return { dt: DAY, source: 'alb', origin: 'a1', position, reason, detail, raw: 'x', rejected_at: `${DAY} 10:05:00` };
}

/** An open example lake. Closing it deletes its files. */
export interface ExampleLake {
  readonly athena: Athena;
  /** Its folder; the files of the tables are below `buckets/lake/data/`. */
  readonly dir: string;
  close(): Promise<void>;
}

/** Writes the rows as Parquet files, one for each day, and opens them for queries. */
export async function openExampleLake(
  tables: readonly ExampleTable[] = EXAMPLE_TABLES,
  views: readonly string[] = [],
): Promise<ExampleLake> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-example-'));
  const writer = await openParquetWriter();
  for (const { table: of, rows } of tables) {
    for (const [day = '', ofDay] of Map.groupBy(rows, ({ dt }) => dt)) {
      const folder = join(dir, 'buckets', 'lake', 'data', of.name, `${PARTITION.name}=${day}`);
      const ndjson = join(dir, 'rows.ndjson');
      await mkdir(folder, { recursive: true });
      const text = ofDay.map((row) => `${jsonOf(of, row)}\n`).join('');
      await writeFile(ndjson, text);
      const { columns } = of;
      const file = join(folder, 'rows.parquet');
      await writer.write({ columns, ndjson, rows: ofDay.length, bytes: text.length, compression: 'SNAPPY', file });
    }
  }
  writer.close();
  const athena = await openAthena({ dir, tables: tables.map(({ table: of }) => resourceOf(of)), views });
  return {
    athena,
    dir,
    async close() {
      await athena.close();
      await rm(dir, { recursive: true });
    },
  };
}

function jsonOf({ columns }: Table, row: ExampleRow): string {
  const values = columns.map(({ name, type }, index) => {
    const value = row[name];
    return [index, type === 'timestamp' && value !== undefined ? Date.parse(`${value}Z`) * 1000 : value];
  });
  return JSON.stringify(Object.fromEntries(values));
}

/** The table as a template has it. */
function resourceOf({ name, columns }: Table): Resource {
  return {
    logicalId: name,
    type: 'AWS::Glue::Table',
    localName: name,
    properties: {
      DatabaseName: DATABASE,
      TableInput: {
        Name: name,
        PartitionKeys: [{ Name: PARTITION.name, Type: 'string' }],
        StorageDescriptor: {
          Columns: columns.map((column) => ({ Name: column.name, Type: column.type })),
          Location: `s3://lake/data/${name}/`,
        },
      },
    },
  };
}
