import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { arnOf } from '../account.ts';
import { AccessDenied, ADMINISTRATOR, type Caller, requireAccess } from '../iam/caller.ts';
import type { Access } from '../iam/policy.ts';
import { FunctionLog } from '../lambda/function-log.ts';
import { DELIVERY_LOG } from '../lambda/log-lines.ts';
import { type BucketKeys, s3Caller } from '../s3/access.ts';
import { glueTable } from '../template/glue-table.ts';
import type { Resource, Service } from '../template/resource.ts';
import { requireDelivery } from './access.ts';
import type { Buckets } from './delivery.ts';
import { openParquetWriter } from './parquet.ts';
import { streamSettings } from './settings.ts';
import { Spools } from './spool.ts';
import { Stream, type StreamFailure } from './stream.ts';

export interface FirehoseOptions {
  /** The lake's folder; streams store undelivered records below `firehose/`, and log deliveries to `logs/delivery.log`. */
  readonly dir: string;
  /** AWS::KinesisFirehose::DeliveryStream resources. */
  readonly streams: readonly Resource[];
  /** AWS::Glue::Table resources, including the streams' tables. */
  readonly tables: readonly Resource[];
  readonly buckets: Buckets;
  /** Firehose with the role of a stream. @default it may do everything */
  readonly callerOf?: (roleArn: string, stream: string) => Caller;
  /** @default none */
  readonly keys?: BucketKeys;
}

/** Firehose on this machine: Direct PUT to S3, as Parquet or as it came. */
export interface Firehose extends Service {
  /**
   * Accepts a record of another service. When the promise resolves, it survives a power cut.
   *
   * @throws Error if there is no such stream
   */
  put(stream: string, record: Buffer): Promise<void>;
  /**
   * Delivers all accepted records, regardless of the buffering hints.
   *
   * @throws AggregateError if objects could not be delivered; their records are kept.
   */
  flush(): Promise<void>;
  /** True if accepted records have not been delivered yet. */
  pending(): boolean;
  /** Failures of records, and rows without values, since Firehose was opened. */
  failures(): readonly StreamFailure[];
}

/**
 * Opens the delivery streams of a template. Records that an earlier process has accepted but not delivered are
 * delivered as if this process had accepted them.
 *
 * @throws Error if a stream or a table needs a feature that is not emulated.
 */
export async function openFirehose({
  dir,
  streams,
  tables,
  buckets,
  callerOf = () => ADMINISTRATOR,
  keys = new Map(),
}: FirehoseOptions): Promise<Firehose> {
  const glueTables = tables.map(glueTable);
  const settings = streams.map((resource) => streamSettings(resource, glueTables));
  const parquet = await openParquetWriter();
  const log = new FunctionLog(join(dir, 'logs', DELIVERY_LOG));
  const note = (line: string) => log.write(`${new Date().toISOString()} ${line}\n`);
  const byName = new Map<string, Stream>();
  for (const stream of settings) {
    const caller = callerOf(stream.roleArn, stream.name);
    requireDelivery(caller, stream, keys);
    const s3 = s3Caller(caller, keys);
    const own: Buckets = {
      put: async (bucket, key, file) => {
        s3.require('PUT object', bucket, key);
        await buckets.put(bucket, key, file);
      },
    };
    const spools = await Spools.open(join(dir, 'firehose', stream.name));
    byName.set(stream.name, new Stream(stream, spools, parquet, own, note));
  }
  const all = [...byName.values()];

  return {
    name: 'FIREHOSE',
    handle: (request, response, caller) => answer(request, response, caller, byName),
    put: async (name, record) => stream({ DeliveryStreamName: name }, byName).accept([record]),
    async flush() {
      const results = await Promise.allSettled(all.map((stream) => stream.flush()));
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, `firehose: ${errors.map(String).join('; ')}`);
    },
    pending: () => all.some((stream) => stream.pending),
    failures: () => all.flatMap((stream) => stream.failures),
    async close() {
      await Promise.all(all.map((stream) => stream.close()));
      parquet.close();
    },
  };
}

/** https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_RECORD_BYTES = 1000 * 1024;

const TARGET = 'Firehose_20150804.';
const CONTENT_TYPE = 'application/x-amz-json-1.1';

/** An error in the form that the SDK shows. */
class ServiceError extends Error {
  readonly type: string;
  readonly status: number;
  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

type Fields = Readonly<Record<string, unknown>>;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
  streams: ReadonlyMap<string, Stream>,
): Promise<void> {
  try {
    const operation = String(request.headers['x-amz-target'] ?? '').replace(TARGET, '');
    const input = fields(await text(request));
    requireAccess(caller, accessOf(operation, input));
    send(response, 200, await perform(operation, input, streams));
  } catch (error) {
    const { type, status, message } = refusalOf(error);
    response.setHeader('x-amzn-errortype', type);
    send(response, status, { __type: type, message });
  }
}

/** Each operation has a permission of its name: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisfirehose.html */
function accessOf(operation: string, { DeliveryStreamName }: Fields): Access {
  const name = typeof DeliveryStreamName === 'string' ? DeliveryStreamName : '*';
  return { action: `firehose:${operation}`, resource: arnOf('firehose', `deliverystream/${name}`) };
}

function refusalOf(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof AccessDenied) return new ServiceError('AccessDeniedException', error.message);
  return new ServiceError('ServiceUnavailableException', String(error), 503);
}

function send(response: ServerResponse, status: number, body: Fields): void {
  response.writeHead(status, { 'content-type': CONTENT_TYPE, 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(body));
}

async function perform(operation: string, input: Fields, streams: ReadonlyMap<string, Stream>): Promise<Fields> {
  switch (operation) {
    case 'PutRecordBatch': {
      const records = batch(input);
      await stream(input, streams).accept(records);
      const RequestResponses = records.map(() => ({ RecordId: randomUUID() }));
      return { FailedPutCount: 0, Encrypted: false, RequestResponses };
    }
    case 'PutRecord': {
      const record = data(input.Record, 'record');
      await stream(input, streams).accept([record]);
      return { RecordId: randomUUID(), Encrypted: false };
    }
    case 'DescribeDeliveryStream':
      return { DeliveryStreamDescription: stream(input, streams).description };
    default:
      throw new ServiceError('UnknownOperationException', `operation ${operation || 'missing'} is not supported here`);
  }
}

function fields(body: string): Fields {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // The error is thrown below, with the text that came.
  }
  throw new ServiceError('SerializationException', `expected a JSON object, got ${body.slice(0, 80) || 'nothing'}`);
}

function stream(input: Fields, streams: ReadonlyMap<string, Stream>): Stream {
  const name = input.DeliveryStreamName;
  if (typeof name !== 'string' || name === '') throw invalid('deliveryStreamName', 'must not be null');
  const found = streams.get(name);
  if (!found) throw new ServiceError('ResourceNotFoundException', `Firehose ${name} not found`);
  return found;
}

function batch(input: Fields): Buffer[] {
  const { Records } = input;
  if (!Array.isArray(Records)) throw invalid('records', 'must not be null');
  if (Records.length === 0) throw invalid('records', 'must have length greater than or equal to 1');
  if (Records.length > MAX_BATCH_RECORDS) {
    throw invalid('records', `must have length less than or equal to ${MAX_BATCH_RECORDS}, got ${Records.length}`);
  }
  const records = Records.map((record: unknown, index) => data(record, `records.${index + 1}.member`));
  const bytes = records.reduce((sum, record) => sum + record.length, 0);
  if (bytes > MAX_BATCH_BYTES) {
    throw new ServiceError('InvalidArgumentException', `Records size exceeds 4 MB limit: ${bytes} bytes`);
  }
  return records;
}

function data(record: unknown, where: string): Buffer {
  const value = typeof record === 'object' && record !== null && 'Data' in record ? record.Data : undefined;
  if (typeof value !== 'string') throw invalid(`${where}.data`, 'must not be null');
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length > MAX_RECORD_BYTES) {
    throw invalid(`${where}.data`, `must have length less than or equal to ${MAX_RECORD_BYTES}, got ${bytes.length}`);
  }
  return bytes;
}

function invalid(field: string, constraint: string): ServiceError {
  return new ServiceError('ValidationException', `1 validation error detected: value at '${field}' ${constraint}`);
}
