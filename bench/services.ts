/**
 * The services that a function calls, in a process of their own so that their work is not measured: S3 objects that
 * consist of a repeated gzip member, a Firehose that accepts all records and keeps none, and the local DynamoDB.
 * `functions.ts` starts this process and exchanges messages with it.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openDynamoDb } from '../local/dynamodb/dynamodb.ts';
import { bodyOf, openEndpoint } from '../local/endpoint.ts';
import type { Resource, Service } from '../local/template/resource.ts';

/** A request to this process. */
export type ServiceRequest =
  | { readonly kind: 'tables'; readonly dir: string; readonly tables: readonly Resource[] }
  | { readonly kind: 'object'; readonly key: string; readonly file: string; readonly times: number }
  /** Asks for the rows of `loads` received since the previous such request. */
  | { readonly kind: 'loads' };

/** An answer of this process. */
export type ServiceReply =
  | { readonly kind: 'urls'; readonly urls: Readonly<Record<string, string>> }
  | { readonly kind: 'object' }
  | { readonly kind: 'loads'; readonly loads: readonly string[] };

const objects = new Map<string, { readonly member: Buffer; readonly times: number }>();
let loads: string[] = [];

// The parent process may be killed at any time: this process must then end too.
process.on('disconnect', () => process.exit(0));

const urls: Record<string, string> = {};
for (const [name, handle] of Object.entries({ S3: getObject, FIREHOSE: putRecordBatch, SQS: refuse })) {
  urls[name] = await serve({ name, handle, close: async () => {} });
}
reply({ kind: 'urls', urls });

process.on('message', (request: ServiceRequest) => {
  answer(request).then(reply, (error) => {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  });
});

async function answer(request: ServiceRequest): Promise<ServiceReply> {
  switch (request.kind) {
    case 'tables':
      return { kind: 'urls', urls: { DYNAMODB: await serve(await openDynamoDb({ ...request, durable: false })) } };
    case 'object':
      objects.set(request.key, { member: readFileSync(request.file), times: request.times });
      return { kind: 'object' };
    case 'loads': {
      const received = loads;
      loads = [];
      return { kind: 'loads', loads: received };
    }
  }
}

async function serve(service: Service): Promise<string> {
  const endpoint = await openEndpoint({ signed: false });
  endpoint.serve(service);
  return endpoint.url;
}

function reply(message: ServiceReply): void {
  process.send?.(message);
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

/** A larger body contains rows of a source: parsing it would take CPU time away from the measured process. */
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

/** Refuses every SQS request: a function sends one only if it cannot load an object at once, which is an error here. */
async function refuse(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await bodyOf(request);
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end('{"__type":"InvalidAction"}');
}
