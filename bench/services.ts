/**
 * The services a function calls, in a process of their own so that their work is not measured: objects
 * that are a gzip member repeated, a Firehose that takes everything and keeps nothing, and the local
 * DynamoDB. Started by `functions.ts`; talks to it by messages.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openDynamoDb } from '../local/dynamodb/dynamodb.ts';
import { bodyOf, openEndpoint } from '../local/endpoint.ts';
import type { Resource, Service } from '../local/template/resource.ts';

/** What this process is asked. */
export type Ask =
  | { readonly kind: 'tables'; readonly dir: string; readonly tables: readonly Resource[] }
  | { readonly kind: 'object'; readonly key: string; readonly file: string; readonly times: number }
  /** The rows of `loads` that came since they were asked for last. */
  | { readonly kind: 'loads' };

/** What it answers. */
export type Told =
  | { readonly kind: 'urls'; readonly urls: Readonly<Record<string, string>> }
  | { readonly kind: 'object' }
  | { readonly kind: 'loads'; readonly loads: readonly string[] };

const objects = new Map<string, { readonly member: Buffer; readonly times: number }>();
let loads: string[] = [];

// Whoever started this process may be killed at any time.
process.on('disconnect', () => process.exit(0));

const urls: Record<string, string> = {};
for (const [name, handle] of Object.entries({ S3: getObject, FIREHOSE: putRecordBatch, SQS: refuse })) {
  urls[name] = await serve({ name, handle, close: async () => {} });
}
tell({ kind: 'urls', urls });

process.on('message', (ask: Ask) => {
  answer(ask).then(tell, (error) => {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  });
});

async function answer(ask: Ask): Promise<Told> {
  switch (ask.kind) {
    case 'tables':
      return { kind: 'urls', urls: { DYNAMODB: await serve(await openDynamoDb(ask)) } };
    case 'object':
      objects.set(ask.key, { member: readFileSync(ask.file), times: ask.times });
      return { kind: 'object' };
    case 'loads': {
      const told = loads;
      loads = [];
      return { kind: 'loads', loads: told };
    }
  }
}

async function serve(service: Service): Promise<string> {
  const endpoint = await openEndpoint();
  endpoint.serve(service);
  return endpoint.url;
}

function tell(told: Told): void {
  process.send?.(told);
}

async function getObject(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const key = decodeURIComponent(new URL(request.url ?? '', urls.S3).pathname.split('/').slice(2).join('/'));
  const object = objects.get(key);
  if (!object) {
    response.writeHead(404, { 'content-type': 'application/xml' }).end('<Error><Code>NoSuchKey</Code></Error>');
    return;
  }
  const { member, times } = object;
  response.writeHead(200, { 'content-length': member.length * times, etag: '"0"' });
  await pipeline(Readable.from(repeated(member, times)), response);
}

function* repeated(member: Buffer, times: number): Generator<Buffer> {
  for (let time = 0; time < times; time++) yield member;
}

/** A larger body is rows of a source: reading it as JSON would only slow down what is measured. */
const KEPT_BYTES = 64 * 1024;

async function putRecordBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0;
  const kept: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= KEPT_BYTES) kept.push(chunk);
  }
  if (bytes <= KEPT_BYTES) keepLoads(JSON.parse(Buffer.concat(kept).toString()));
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end('{"FailedPutCount":0,"RequestResponses":[]}');
}

function keepLoads(batch: { readonly DeliveryStreamName: string; readonly Records: readonly { Data: string }[] }) {
  if (!batch.DeliveryStreamName.endsWith('loads')) return;
  for (const { Data } of batch.Records) loads.push(Buffer.from(Data, 'base64').toString());
}

/** Nothing measured here has anything to put on a queue: an object that is not loaded at once is a fault. */
async function refuse(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await bodyOf(request);
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end('{"__type":"InvalidAction"}');
}
