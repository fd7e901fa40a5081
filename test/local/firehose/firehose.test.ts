import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DescribeDeliveryStreamCommand, PutRecordBatchCommand, PutRecordCommand } from '@aws-sdk/client-firehose';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alb } from '../../../lambdas/core/formats/alb.ts';
import { FIRST_FORMAT_KEY, keyOf, sourceTable } from '../../../lambdas/core/tables/table.ts';
import { openAthena } from '../../../local/athena/athena.ts';
import { openFirehose } from '../../../local/firehose/firehose.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { mappingOf, type ServedFirehose, serveFirehose, streamResource, tableResource } from './firehose-fixture.ts';

const columns = [
  { name: 'text', type: 'string' },
  { name: 'count', type: 'int' },
  { name: 'bytes', type: 'bigint' },
  { name: 'seconds', type: 'double' },
  { name: 'ok', type: 'boolean' },
  { name: 'time', type: 'timestamp' },
] as const;

let dir: string;
let served: ServedFirehose | undefined;

beforeEach(() => {
  dir = temporaryFolder();
});

afterEach(async () => {
  await served?.close();
  served = undefined;
});

type StreamOptions = Parameters<typeof streamResource>[1];

async function serve(options?: StreamOptions): Promise<ServedFirehose> {
  served = await serveFirehose(dir, [streamResource('logs', options)], [tableResource('logs', columns)]);
  return served;
}

function put({ client }: ServedFirehose, ...records: (string | Uint8Array)[]) {
  return client.send(
    new PutRecordBatchCommand({
      DeliveryStreamName: 'logs',
      Records: records.map((record) => ({ Data: Buffer.from(record) })),
    }),
  );
}

const objectFile = (key: string) => join(dir, 'buckets', 'data', key);

async function rowsOf(key: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(objectFile(key)) });
}

/** Rows of all Parquet objects, without those of the error prefix. */
async function allRows({ keys }: ServedFirehose): Promise<Record<string, unknown>[]> {
  const rows = await Promise.all(keys.filter((key) => key.startsWith('data/')).map(rowsOf));
  return rows.flat();
}

async function spoolFiles(): Promise<string[]> {
  return readdir(join(dir, 'firehose', 'logs'));
}

describe('delivery', () => {
  test('records become rows of the Glue types, as another reader sees them', async () => {
    const lake = await serve();
    const odd = 'a\0b "quoted" \\ 😀 \u2028 é';
    await put(
      lake,
      `{"text":${JSON.stringify(odd)},"count":-2147483648,"bytes":9223372036854775807}{"seconds":0.1,"unknown":1}`,
      '{"ok":true,"time":"2024-01-02T03:04:05.123456Z"}\n{"bytes":-9007199254740993,"time":1704164645123}\n',
    );
    await lake.firehose.flush();

    expect(lake.keys).toHaveLength(1);
    expect(lake.keys[0]).toMatch(
      /^data\/logs\/dt=\d{4}-\d\d-\d\d\/logs-1-\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.parquet$/,
    );
    const none = { text: null, count: null, bytes: null, seconds: null, ok: null, time: null };
    expect(await allRows(lake)).toEqual([
      { ...none, text: odd, count: -2147483648, bytes: 9223372036854775807n },
      { ...none, seconds: 0.1 },
      { ...none, ok: true, time: new Date('2024-01-02T03:04:05.123Z') },
      { ...none, bytes: -9007199254740993n, time: new Date('2024-01-02T03:04:05.123Z') },
    ]);
    expect(lake.firehose.failures()).toEqual([]);
    expect(lake.firehose.pending()).toBe(false);
    expect(await spoolFiles()).toEqual([]);
  });

  test('the file declares the types Athena reads', async () => {
    const lake = await serve();
    await put(lake, '{"count":1}');
    await lake.firehose.flush();
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(objectFile(lake.keys[0] as string)));
    expect(schema.slice(1).map(({ name, type, converted_type }) => [name, type, converted_type])).toEqual([
      ['text', 'BYTE_ARRAY', 'UTF8'],
      ['count', 'INT32', 'INT_32'],
      ['bytes', 'INT64', 'INT_64'],
      ['seconds', 'DOUBLE', undefined],
      ['ok', 'BOOLEAN', undefined],
      ['time', 'INT64', 'TIMESTAMP_MICROS'],
    ]);
  });

  test.each(['SNAPPY', 'GZIP', 'UNCOMPRESSED'])('the codec is the configured %s', async (compression) => {
    const lake = await serve({ compression });
    await put(lake, '{"text":"x"}');
    await lake.firehose.flush();
    const { row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(objectFile(lake.keys[0] as string)));
    expect(row_groups[0]?.columns[0]?.meta_data?.codec).toBe(compression);
  });

  test('a bad object fails its whole record to the error prefix and no other record', async () => {
    const lake = await serve();
    const bad = '{"count":1}{"count":"-"}';
    await put(lake, '{"count":7}', bad, 'no JSON', '{"count":8}');
    await lake.firehose.flush();

    expect((await allRows(lake)).map(({ count }) => count)).toEqual([7, 8]);
    const errors = lake.keys.filter((key) => key.startsWith('errors/logs/format-conversion-failed/dt='));
    expect(errors).toHaveLength(1);
    const documents = (await readFile(objectFile(errors[0] as string), 'utf8')).trimEnd().split('\n');
    expect(documents.map((line) => JSON.parse(line))).toMatchObject([
      {
        attemptsMade: 1,
        lastErrorCode: 'DataFormatConversion.MalformedData',
        lastErrorMessage: 'column count (key count): expected int, got "-"',
        rawData: Buffer.from(bad).toString('base64'),
        dataCatalogTable: { databaseName: 'lake', tableName: 'logs', versionId: 'LATEST' },
      },
      { lastErrorCode: 'DataFormatConversion.ParseError', rawData: Buffer.from('no JSON').toString('base64') },
    ]);
    expect(lake.firehose.failures()).toEqual([
      {
        stream: 'logs',
        records: 2,
        error: 'DataFormatConversion.MalformedData: column count (key count): expected int, got "-"',
      },
    ]);
  });

  test('only bad records make no Parquet object', async () => {
    const lake = await serve();
    await put(lake, '[1]');
    await lake.firehose.flush();
    expect(lake.keys).toHaveLength(1);
    expect(lake.keys[0]).toMatch(/^errors\//);
  });

  test('an object is delivered when the buffer is full, unasked', async () => {
    const lake = await serve({ hints: { SizeInMBs: 1, IntervalInSeconds: 900 } });
    const record = JSON.stringify({ text: 'x'.repeat(300_000) });
    await put(lake, record, record, record);
    expect(lake.keys).toEqual([]);
    await put(lake, record);
    await expect.poll(() => lake.keys.length).toBe(1);
    expect(await allRows(lake)).toHaveLength(4);
  });

  test('an object is delivered when its interval is over, unasked', async () => {
    const lake = await serve({ hints: { SizeInMBs: 64, IntervalInSeconds: 1 } });
    await put(lake, '{"count":1}');
    expect(lake.firehose.pending()).toBe(true);
    await expect.poll(() => lake.firehose.pending()).toBe(false);
    expect(lake.keys).toHaveLength(1);
  });
});

describe('a stream without format conversion', () => {
  const raw = {
    destination: {
      DataFormatConversionConfiguration: undefined,
      Prefix: 'raw/!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    },
  };
  const bytesOf = (key: string) => readFile(objectFile(key));

  test('delivers records one after the other, as they came', async () => {
    const lake = await serve(raw);
    const records = [randomBytes(1000), gzipSync('one'), gzipSync('two'), Buffer.from('no line end')];
    await put(lake, ...records.slice(0, 3));
    await lake.firehose.put('logs', records[3] as Buffer);
    await lake.firehose.flush();
    expect(lake.keys).toEqual([expect.stringMatching(/^raw\/\d{4}\/logs-1-[-\d]+-[-0-9a-f]{36}$/)]);
    expect((await bytesOf(lake.keys[0] ?? '')).equals(Buffer.concat(records))).toBe(true);
    expect(lake.firehose.failures()).toEqual([]);
    expect(lake.firehose.pending()).toBe(false);
  });

  test('delivers when its buffer is full, unasked', async () => {
    const lake = await serve({ ...raw, hints: { SizeInMBs: 1, IntervalInSeconds: 900 } });
    const record = randomBytes(700_000);
    await put(lake, record);
    await put(lake, record);
    await expect.poll(() => lake.keys.length).toBe(1);
    expect((await bytesOf(lake.keys[0] ?? '')).length).toBe(1_400_000);
    await expect.poll(() => lake.firehose.pending()).toBe(false);
  });

  test('refuses a stream that is not there', async () => {
    const lake = await serve(raw);
    await expect(lake.firehose.put('other', Buffer.from('x'))).rejects.toThrow('Firehose other not found');
  });
});

describe("a key mapping that is not the sender's", () => {
  const table = sourceTable('alb', 'Access log.', alb.columns, 'objects');
  const mapping = mappingOf(table.columns);
  const KEYS = Array.from({ length: 100 }, (_, number) => keyOf(number));
  const shift = (by: number) =>
    Object.fromEntries(
      Object.entries(mapping).map(([name, key]) => {
        const number = KEYS.indexOf(key);
        return [name, number < FIRST_FORMAT_KEY ? key : keyOf(number + by)];
      }),
    );
  const values = {
    origin: 'o1',
    position: 1,
    type: 'https',
    time: '2024-01-02T03:04:05.123456Z',
    elb: 'app/a/b',
    client_port: 443,
  };
  const row = JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [mapping[name], value])));

  async function deliverAlb(given: Record<string, string>): Promise<ServedFirehose> {
    const streams = [streamResource('alb', { mapping: given })];
    served = await serveFirehose(dir, streams, [tableResource('alb', table.columns)]);
    const Record = { Data: Buffer.from(row) };
    await served.client.send(new PutRecordCommand({ DeliveryStreamName: 'alb', Record }));
    await served.firehose.flush();
    return served;
  }

  test('the right mapping gives a row and no failure', async () => {
    const lake = await deliverAlb(mapping);
    expect(lake.firehose.failures()).toEqual([]);
    expect(await allRows(lake)).toMatchObject([{ type: 'https', client_port: 443, origin: 'o1' }]);
  });

  test('shifted by one, values meet columns of other types: the record fails and is reported', async () => {
    const lake = await deliverAlb(shift(1));
    expect(lake.firehose.failures()).toEqual([
      { stream: 'alb', records: 1, error: expect.stringContaining('column time (key c): expected timestamp') },
    ]);
    expect(await allRows(lake)).toEqual([]);
  });

  test('shifted out of reach, the row is empty: it is delivered and reported', async () => {
    const lake = await deliverAlb(shift(100));
    expect(lake.firehose.failures()).toEqual([
      { stream: 'alb', records: 1, error: expect.stringContaining('1 rows without a value in any column') },
    ]);
    expect(await allRows(lake)).toMatchObject([{ type: null, origin: 'o1' }]);
  });
});

describe('the endpoint', () => {
  test('a batch is answered entry by entry', async () => {
    const lake = await serve();
    const answer = await put(lake, '{"count":1}', '{"count":2}');
    expect(answer.FailedPutCount).toBe(0);
    expect(new Set(answer.RequestResponses?.map(({ RecordId }) => RecordId)).size).toBe(2);
  });

  test('a stream can be described', async () => {
    const { client } = await serve();
    const answer = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'logs' }));
    expect(answer.DeliveryStreamDescription).toMatchObject({
      DeliveryStreamName: 'logs',
      DeliveryStreamStatus: 'ACTIVE',
      DeliveryStreamType: 'DirectPut',
    });
  });

  test('an unknown stream is not found', async () => {
    const { client } = await serve();
    const command = new PutRecordCommand({ DeliveryStreamName: 'other', Record: { Data: Buffer.from('{}') } });
    await expect(client.send(command)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Firehose other not found',
      $metadata: { httpStatusCode: 400 },
    });
  });

  const records = (count: number, bytes: number) => Array.from({ length: count }, () => Buffer.alloc(bytes, ' '));

  test.each([
    ['500 records', records(500, 10)],
    ['a record of 1,000 KiB', records(1, 1_024_000)],
    ['4 MiB', records(8, 524_288)],
  ])('%s are taken', async (_name, batch) => {
    const lake = await serve();
    expect((await put(lake, ...batch)).FailedPutCount).toBe(0);
  });

  test.each([
    ['501 records', 'ValidationException', records(501, 10)],
    ['no record', 'ValidationException', []],
    ['a record over 1,000 KiB', 'ValidationException', records(1, 1_024_001)],
    ['more than 4 MiB', 'InvalidArgumentException', [...records(8, 524_288), Buffer.from(' ')]],
  ])('%s are refused with %s, and nothing of them is kept', async (_name, name, batch) => {
    const lake = await serve();
    await expect(put(lake, ...batch)).rejects.toMatchObject({ name });
    expect(lake.firehose.pending()).toBe(false);
  });
});

describe('what was acknowledged', () => {
  test('survives a kill, and so does a frame cut off by it', async () => {
    const script = join(import.meta.dirname, 'firehose-child.ts');
    const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    let acknowledged = 0;
    for await (const chunk of child.stdout) {
      acknowledged += String(chunk).split('\n').length - 1;
      if (acknowledged >= 40) break;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');

    const lake = await serve();
    expect(lake.firehose.pending()).toBe(true);
    await lake.firehose.flush();
    const counts = new Set((await allRows(lake)).map(({ count }) => count));
    for (let count = 0; count < acknowledged; count++) expect(counts).toContain(count);
    expect(lake.firehose.failures()).toEqual([]);
  });

  test('is delivered under the same key when the process ends between delivery and forgetting', async () => {
    const keys: string[] = [];
    const put = async (_bucket: string, key: string) => {
      keys.push(key);
      if (keys.length === 1) throw new Error('the process ends here');
    };
    const options = {
      dir,
      streams: [streamResource('logs')],
      tables: [tableResource('logs', columns)],
      buckets: { put },
    };
    const first = await serve();
    await first.client.send(
      new PutRecordCommand({ DeliveryStreamName: 'logs', Record: { Data: Buffer.from('{"count":1}') } }),
    );
    await first.close();
    served = undefined;
    const second = await openFirehose(options);
    await expect(second.flush()).rejects.toThrow('the process ends here');
    expect(second.pending()).toBe(true);
    await second.close();
    const third = await openFirehose(options);
    await third.flush();
    expect(third.pending()).toBe(false);
    await third.close();
    expect(keys).toHaveLength(2);
    expect(keys[1]).toBe(keys[0]);
  });
});

test('what was delivered can be queried, microseconds and all', async () => {
  const lake = await serve();
  await put(lake, '{"text":"a\\u0000b","bytes":9223372036854775807,"time":"2024-01-02T03:04:05.123456Z"}');
  await lake.firehose.flush();
  const athena = await openAthena({ dir, tables: [tableResource('logs', columns)], microseconds: true });
  const { rows } = await athena.query("SELECT text, bytes, time, dt = date_format(now(), '%Y-%m-%d') FROM logs");
  await athena.close();
  expect(rows).toEqual([['a\0b', 9223372036854775807n, '2024-01-02 03:04:05.123456', true]]);
});

test('memory stays flat while a full buffer of wide rows is converted', { timeout: 60_000 }, async () => {
  const lake = await serve({ hints: { SizeInMBs: 128, IntervalInSeconds: 900 } });
  const record = JSON.stringify({ text: randomBytes(400_000).toString('base64') });
  for (let sent = 0; sent < 100; sent += 4) await put(lake, record, record, record, record);
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  await lake.firehose.flush();
  clearInterval(watch);
  expect(await athenaCount()).toBe(100n);
  expect(peak - before).toBeLessThan(512 * 1024 * 1024);
});

async function athenaCount(): Promise<unknown> {
  const athena = await openAthena({ dir, tables: [tableResource('logs', columns)] });
  const { rows } = await athena.query('SELECT count(*) FROM logs');
  await athena.close();
  return rows[0]?.[0];
}

describe('what is not there on this machine is refused when the stream is opened', () => {
  test.each<[string, StreamOptions, string]>([
    [
      'dynamic partitioning',
      { destination: { DynamicPartitioningConfiguration: { Enabled: true } } },
      'dynamic partitioning',
    ],
    [
      'processors',
      { destination: { ProcessingConfiguration: { Enabled: true } } },
      'processors are not supported here',
    ],
    [
      'compression',
      { destination: { DataFormatConversionConfiguration: undefined, CompressionFormat: 'GZIP' } },
      'compression is not supported here',
    ],
    ['an unknown codec', { compression: 'ZSTD' }, 'Compression'],
    ['a prefix nobody can expand', { destination: { Prefix: '!{timestamp:EEE}/' } }, 'got EEE'],
  ])('%s', async (_name, options, message) => {
    await expect(serve(options)).rejects.toThrow(message);
  });

  test('a stream without its table', async () => {
    const opened = serveFirehose(dir, [streamResource('logs')], [tableResource('other', columns)]);
    await expect(opened).rejects.toThrow('stream logs: no Glue table lake.logs in the stack');
  });
});
