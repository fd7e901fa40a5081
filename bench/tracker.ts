/** Measures the duplicate check in comparison with the ingest path of the same lines, and its request units. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { thousands } from '../bin/output/render.ts';
import { type InputToCheck, objectToCheck, readObject } from '../lambdas/core/duplicates/input-to-check.ts';
import { decompress } from '../lambdas/core/lines/decompress.ts';
import { TRACK_BATCH } from '../lambdas/core/settings.ts';
import { duplicatesClient, dynamoDuplicates } from '../lambdas/edges/duplicates.ts';
import { dynamoLedger } from '../lambdas/edges/ledger.ts';
import { checkAndCount, meterOf, WINDOW_HOURS } from './duplicate-check.ts';
import { FROM } from './generate.ts';
import { ingest, objectBody } from './ingest.ts';
import { generatedLines, type Input, sourceOf } from './input.ts';
import { interleave } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** Lines per object: about as many as a node of a busy load balancer logs in five minutes. */
export const LINES_PER_OBJECT = 10_000;

/** When the objects arrive: the files of an interval are delivered minutes after its end. */
const ARRIVED = new Date(FROM + 600_000);

/** CPU time of the duplicate check. */
export interface CheckResult {
  /** The duplicate check without inflating ÷ the ingest path. */
  readonly share: number;
  /** The part of `share` for reading lines and computing fingerprints; the rest is for pages, writing and counting. */
  readonly readingShare: number;
  /** CPU nanoseconds per decompressed byte, including reading and inflating. */
  readonly nsPerByte: number;
}

/** Requests to DynamoDB, and their units, per million records. */
export interface RequestUnits {
  readonly requests: number;
  readonly reads: number;
  readonly writes: number;
}

/** The endpoint of DynamoDB and the names of its tables. */
export interface Tables {
  readonly dynamoDbUrl: string;
  readonly duplicatesTable: string;
  readonly ledgerTable: string;
}

/** Request to the measuring process, sent once. */
export interface TrackerRequest {
  readonly tables: Tables;
  readonly kind: string;
  readonly seed: string;
  readonly scale: Scale;
}

/** Answer of the measuring process. */
export interface TrackerResult {
  /** Number of objects checked in a round. */
  readonly objects: number;
  readonly tracked: CheckResult;
  /** Units of the duplicate check and of the ledger. */
  readonly units: { readonly check: RequestUnits; readonly ledger: RequestUnits };
}

/**
 * Measures in a process of its own, as the function has one. The heap of this process is large after the stack's
 * synthesis; it would be garbage-collected while requests are waited for, and that time would count as the check's.
 */
export async function measureTrackerApart(
  { dynamoDbUrl, duplicatesTable, ledgerTable }: Tables,
  kind: string,
  seed: string,
  scale: Scale,
): Promise<TrackerResult> {
  // stdout is reserved for the results of the bench.
  const child = fork(fileURLToPath(new URL('./tracker-process.ts', import.meta.url)), {
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  try {
    const request: TrackerRequest = { tables: { dynamoDbUrl, duplicatesTable, ledgerTable }, kind, seed, scale };
    child.send(request);
    const crashed = once(child, 'exit').then(() => Promise.reject(new Error('the duplicate check was not measured')));
    const [result] = (await Promise.race([once(child, 'message'), crashed])) as [TrackerResult];
    return result;
  } finally {
    child.kill();
  }
}

/** Objects of one interval, without duplicates. */
export function trackedObjects(kind: string, seed: string, { trackedObjects: count }: Scale): Input[] {
  return Array.from({ length: count }, (_, index) => generatedLines(kind, `${seed}/${index}`, LINES_PER_OBJECT));
}

/** Number of records in the objects: of lines that are neither blank nor filtered. */
async function recordsOf(objects: readonly Input[]): Promise<number> {
  let records = 0;
  for (const object of objects) {
    const { rows, rejected } = await ingest(object);
    records += rows + rejected;
  }
  return records;
}

let sources = 0;

/** Objects to check, of a new source: the table has no entry of these objects, and no other objects of the source. */
function inputsOf(kind: string, objects: readonly Input[]): InputToCheck[] {
  const source = sourceOf(kind, `tracked_${kind}${sources++}`);
  return objects.map(({ gzip, bytes }, index) => {
    const id = { bucket: 'landing', key: `${index}.log.gz`, etag: '0', size: bytes };
    const delivery = { holder: `message-${index}`, arrivedAt: ARRIVED.getTime(), retried: false };
    return objectToCheck(source, id, delivery, async () => objectBody(gzip));
  });
}

/** Measures the CPU time of the duplicate check. DynamoDB runs in another process and is not included. */
export async function measureTracker(
  { dynamoDbUrl, duplicatesTable: table }: Tables,
  kind: string,
  objects: readonly Input[],
  { warmups, rounds }: Scale,
): Promise<CheckResult> {
  const client = clientOf(dynamoDbUrl);
  const store = dynamoDuplicates(client, { table, windowHours: WINDOW_HOURS });
  const records = await recordsOf(objects);
  const inflate = async ({ gzip }: Input) => {
    for await (const _ of decompress(objectBody(gzip), async () => undefined));
  };
  const read = async ({ source, gzip }: Input) => {
    await readObject(
      source,
      async () => objectBody(gzip),
      () => {},
    );
  };
  const timed = await interleave(
    {
      inflate: async () => {
        for (const object of objects) await inflate(object);
      },
      read: async () => {
        for (const object of objects) await read(object);
      },
      ingest: async () => {
        for (const object of objects) await ingest(object);
      },
      track: () => checkAndCount(inputsOf(kind, objects), records, store, ARRIVED),
    },
    { warmups, rounds },
  );
  client.destroy();
  const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
  return {
    share: timed.ratio('track', 'ingest') - timed.ratio('inflate', 'ingest'),
    readingShare: timed.ratio('read', 'ingest') - timed.ratio('inflate', 'ingest'),
    nsPerByte: (timed.cpu('track') * 1e6) / bytes,
  };
}

/** Measures the request units of the duplicate check and of the ledger. */
export async function measureUnits(
  { dynamoDbUrl, duplicatesTable, ledgerTable }: Tables,
  kind: string,
  objects: readonly Input[],
): Promise<TrackerResult['units']> {
  const records = await recordsOf(objects);
  const millions = objects.reduce((sum, { lines }) => sum + lines, 0) / 1e6;
  const metered = async (work: (client: DynamoDBClient) => Promise<void>): Promise<RequestUnits> => {
    const client = clientOf(dynamoDbUrl);
    const meter = meterOf(client);
    await work(client);
    client.destroy();
    const { requests, readUnits, writeUnits } = meter;
    return { requests: requests / millions, reads: readUnits / millions, writes: writeUnits / millions };
  };
  return {
    check: await metered((client) => {
      const store = dynamoDuplicates(client, { table: duplicatesTable, windowHours: WINDOW_HOURS });
      return checkAndCount(inputsOf(kind, objects), records, store, ARRIVED);
    }),
    ledger: await metered(async (client) => {
      const ledger = dynamoLedger(client, ledgerTable);
      for (const [index, object] of objects.entries()) await ingest({ ...object, key: `units/${index}` }, { ledger });
    }),
  };
}

export function trackerSection({ objects, tracked, units }: TrackerResult): Section {
  const { share, readingShare, nsPerByte } = tracked;
  const { check, ledger } = units;
  const unitsOf = (name: string, { requests, reads, writes }: RequestUnits) => [
    [`${name}: requests a million lines`, number(requests)],
    [`${name}: write units a million lines`, number(writes)],
    [`${name}: read units a million lines`, number(reads)],
  ];
  return {
    title: 'Duplicate check',
    notes: [
      `${objects} ALB objects of ${thousands(LINES_PER_OBJECT)} lines each over five minutes, ` +
        `in batches of ${TRACK_BATCH.messages} as a busy queue gives them; pages written to the local DynamoDB and ` +
        'counted. Inflating is left out of its share of the ingest path, which includes it. docs/architecture.md says where ' +
        'the rest goes, and why it cannot be as little as the bar.',
    ],
    columns: columnsOf('', 'measured'),
    rows: [
      ['CPU ÷ ingest path', number(share)],
      ['of that, taking lines apart for their fingerprints', number(readingShare)],
      ['of that, pages, writing and counting', number(share - readingShare)],
      ['CPU ns a raw byte, inflating included', number(nsPerByte)],
      ...unitsOf('duplicate check', check),
      ...unitsOf('ledger', ledger),
    ],
  };
}

function clientOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return duplicatesClient({ endpoint, region: 'us-east-1', credentials });
}
