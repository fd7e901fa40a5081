/**
 * The main flow: one object or payload, from its bytes or messages to acknowledged records.
 * Firehose and the clock are given; nothing here talks to a service by itself.
 */
import { BrokenGzipError, decode } from './decode.ts';
import type { CompiledFormat } from './format.ts';
import { InFlight } from './in-flight.ts';
import { type LoadsRow, loadsRow } from './lake-rows.ts';
import { type Counts, Loader, type Shipment } from './loader.ts';
import type { CreatedObject } from './notification.ts';
import { objectOrigin, payloadOrigin } from './origin.ts';
import { Packer } from './pack.ts';
import type { Payload } from './payload.ts';
import type { SourceSettings } from './settings.ts';
import { OWN } from './table.ts';

/**
 * Batches under way at once: enough to hide Firehose's latency behind parsing, few enough that
 * memory stays small (each is 4 MiB, and again a third more as base64).
 */
const BATCHES_IN_FLIGHT = 3;

/** Sends records to a stream. Resolves when Firehose has acknowledged every one of them. */
export type Send = (stream: string, records: readonly Uint8Array[]) => Promise<void>;

export interface Ports {
  readonly send: Send;
  readonly now: () => Date;
  readonly loadsStream: string;
  readonly rejectedStream: string;
}

/** A source ready to load. */
export interface Source {
  readonly settings: SourceSettings;
  readonly format: CompiledFormat;
  /** Whether an object of this base name is one of the format's logs. */
  readonly accepts?: (baseName: string) => boolean;
}

/** What a load came to, for metrics. */
export interface Loaded {
  readonly source: string;
  readonly origin: string;
  readonly counts: Counts;
  readonly reasons: ReadonlyMap<string, number>;
}

/**
 * Loads one S3 object. A gzip that breaks midway, though received whole, ends in one rejected line.
 *
 * If the process dies: before the loads row is acknowledged the message returns and the object is
 * loaded again, its rows repeating with the same origin and position; after it the row repeats too.
 *
 * @throws what `body` and `send` throw: the object is then not loaded.
 */
export async function loadObject(
  source: Source,
  object: CreatedObject,
  body: AsyncIterable<Uint8Array>,
  ports: Ports,
): Promise<Loaded> {
  const { settings, format } = source;
  const shared = format.keyFacts?.(object.key) ?? new Map<string, string>();
  const origin = objectOrigin(settings.name, object);
  const facts = { kind: 'object', bucket: object.bucket, object_key: object.key, etag: object.etag };
  return await load(source, origin, shared, facts, ports, async (loader, ship) => {
    try {
      for await (const chunk of decode(body)) {
        loader.push(chunk);
        await ship();
      }
      loader.end();
    } catch (error) {
      if (!(error instanceof BrokenGzipError)) throw error;
      loader.breakOff('broken_gzip', `expected gzip up to the object's end, got ${error.message}`);
    }
  });
}

/**
 * Loads one CloudWatch subscription payload.
 *
 * If the process dies, Lambda invokes again with the same payload; see `loadObject`.
 *
 * @throws what `send` throws: the payload is then not loaded.
 */
export async function loadPayload(source: Source, payload: Payload, ports: Ports): Promise<Loaded> {
  const shared = new Map([
    [OWN.logGroup.name, payload.logGroup],
    [OWN.logStream.name, payload.logStream],
  ]);
  const facts = {
    kind: 'payload',
    log_group: payload.logGroup,
    log_stream: payload.logStream,
    first_event_id: payload.firstEventId,
    last_event_id: payload.lastEventId,
  };
  const origin = payloadOrigin(source.settings.name, payload);
  return await load(source, origin, shared, facts, ports, async (loader, ship) => {
    loader.counts.bytes = payload.bytes;
    for (const [index, message] of payload.messages.entries()) {
      loader.read(message, index);
      await ship();
    }
  });
}

async function load(
  { settings, format }: Source,
  origin: string,
  shared: ReadonlyMap<string, string>,
  facts: LoadsRow,
  ports: Ports,
  read: (loader: Loader, ship: () => Promise<void>) => Promise<void>,
): Promise<Loaded> {
  const { name, keepRaw } = settings;
  const startedAt = ports.now();
  const loader = new Loader({ source: name, origin, format, keepRaw, shared, now: ports.now });
  const sending = new InFlight<Shipment>(
    BATCHES_IN_FLIGHT,
    async ({ rows, rejected }) => {
      await Promise.all([ports.send(settings.stream, rows), ports.send(ports.rejectedStream, rejected)]);
    },
    () => {},
  );
  try {
    await read(loader, async () => {
      for (const shipment of loader.takeReady()) await sending.add(shipment);
    });
    for (const shipment of loader.takeRest()) await sending.add(shipment);
    await sending.done();
  } finally {
    await sending.settle();
  }
  const { counts, reasons } = loader;
  const row = loadsRow(origin, { ...facts, ...summary(name, counts, startedAt, ports.now()) });
  const packer = new Packer();
  packer.add(row);
  await ports.send(ports.loadsStream, packer.take());
  return { source: name, origin, counts, reasons };
}

function summary(source: string, counts: Counts, startedAt: Date, finishedAt: Date) {
  const iso = (millis: number | undefined) => (millis === undefined ? undefined : new Date(millis).toISOString());
  return {
    source,
    bytes: counts.bytes,
    lines: counts.lines,
    rows: counts.rows,
    filtered: counts.filtered,
    rejected: counts.rejected,
    field_errors: counts.fieldErrors,
    unknown_fields: counts.unknownFields,
    first_event_time: iso(counts.firstEventTime),
    last_event_time: iso(counts.lastEventTime),
    started_at: startedAt.toISOString(),
    finished_at: finishedAt.toISOString(),
  };
}
