/**
 * The main flow: one object or payload, from its bytes or messages to acknowledged records.
 * Services and the clock are given; nothing here talks to one by itself.
 */
import { BrokenGzipError, DecompressionBombError, decompress } from '../lines/decompress.ts';
import type { CompiledFormat } from '../reading/format.ts';
import type { SourceSettings } from '../settings.ts';
import { OWN } from '../tables/table.ts';
import { allOf, InFlight } from './in-flight.ts';
import { entryIdOf, type InputKey, type ObjectId, objectInputKey, originOf, payloadInputKey } from './input.ts';
import { type LoadsRow, loadsRow, rejectedRow } from './lake-rows.ts';
import { type Claim, type ClaimResult, type Ledger, type LedgerEntry, PAYLOAD_ENTRY_DAYS } from './ledger.ts';
import { type CheckpointedBatch, type Counts, LineBatcher } from './line-batcher.ts';
import { Packer, recycle } from './pack.ts';
import type { Payload } from './payload.ts';
import { firstTurn, inTurn } from './spread.ts';

/**
 * Batches under way at once: enough to hide Firehose's latency behind parsing, few enough that
 * memory stays small (each is 4 MiB, and a third more as the base64 it is sent as).
 */
export const BATCHES_IN_FLIGHT = 3;

/** Messages of a payload read between two looks whether a batch is full: they wait in memory as rows. */
const MESSAGES_AT_A_TIME = 500;

/**
 * Encodes records for streams into one table. It is synchronous, and the batch it returns holds none of the records'
 * memory: the caller uses that memory for other records at once.
 */
export type Encode = (streams: readonly string[], records: readonly Uint8Array[]) => EncodedBatch;

/** Records ready to be sent. */
export interface EncodedBatch {
  /**
   * Sends the batch to the first stream, and entries that stream does not take to the next one, round-robin. Resolves
   * when Firehose has acknowledged every record.
   *
   * @throws DeliveryError when the time is over, and whatever no retry can cure
   */
  send(): Promise<void>;
}

/** Firehose did not acknowledge everything in the time there was: it may later. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
}

export interface Ports {
  readonly ledger: Ledger;
  readonly encode: Encode;
  readonly now: () => Date;
  readonly loadsStream: string;
  readonly rejectedStream: string;
  /** Days the ledger remembers an object. */
  readonly objectEntryDays: number;
}

/** One invocation's try at an object or payload. */
export interface Attempt {
  /** Who holds the entry: the SQS message's id or Lambda's request id, which a redelivery repeats. */
  readonly holder: string;
  /** Milliseconds since the epoch after which this invocation must have ended. */
  readonly leaseUntil: number;
  /** Is it time to stop reading, send what is packed and let another invocation go on? */
  readonly outOfTime: () => boolean;
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

/** How an attempt to load an input ended. */
export type LoadResult =
  | { readonly outcome: 'loaded'; readonly loaded: Loaded }
  /** Part of it is acknowledged and checkpointed; another invocation goes on from there. */
  | { readonly outcome: 'unfinished' }
  /** An earlier delivery has loaded it. */
  | { readonly outcome: 'already_loaded' }
  /** Another holder is loading it, or has crashed and its lease has not ended. */
  | { readonly outcome: 'held' }
  /** Another object was written under its key, and is announced by itself. */
  | { readonly outcome: 'replaced' };

/**
 * Loads one S3 object. A gzip that breaks midway, though received whole, ends in one rejected line; so does a bomb.
 *
 * @param open opens the object; undefined where another has replaced it
 * @throws what `open`, its body, Firehose and the ledger throw: the entry then stays open, at its last checkpoint
 */
export async function loadObject(
  source: Source,
  object: ObjectId,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
  ports: Ports,
  attempt: Attempt,
): Promise<LoadResult> {
  const { settings, format } = source;
  const inputKey = objectInputKey(settings.name, object);
  const label = `s3://${object.bucket}/${object.key}`;
  const claimed = await claimInput(
    { inputKey, source: settings.name, label, keepDays: ports.objectEntryDays },
    ports,
    attempt,
  );
  if (claimed.outcome !== 'claimed') return claimed;
  const { claim } = claimed;
  const { resume } = claim;
  const body = await open();
  if (!body && !resume) {
    await claim.finish('replaced');
    return { outcome: 'replaced' };
  }
  return await load({
    source,
    claim,
    origin: originOf(inputKey),
    shared: format.keyFacts?.(object.key) ?? new Map<string, string>(),
    facts: { kind: 'object', bucket: object.bucket, object_key: object.key, etag: object.etag },
    ports,
    async read(batcher, ship) {
      const from = batcher.counts.lines;
      if (!body) {
        batcher.counts.bytes = resume?.counts.bytes ?? 0;
        return 'replaced';
      }
      try {
        for await (const chunk of decompress(body, open)) {
          batcher.push(chunk);
          await ship();
          if (!attempt.outOfTime()) continue;
          // An invocation that got no further than the last one would be followed by its like for ever.
          return batcher.counts.lines > from ? 'out_of_time' : 'no_progress';
        }
        batcher.end();
      } catch (error) {
        if (!(error instanceof BrokenGzipError)) throw error;
        const reason = error instanceof DecompressionBombError ? 'decompression_bomb' : 'broken_gzip';
        batcher.breakOff(reason, `expected gzip up to the object's end, got ${error.message}`);
      }
      return 'whole';
    },
  });
}

/**
 * Loads one CloudWatch subscription payload, in one invocation: its timeout is sized for the largest.
 *
 * @throws what Firehose and the ledger throw: Lambda invokes again with the same payload
 */
export async function loadPayload(
  source: Source,
  payload: Payload,
  ports: Ports,
  attempt: Attempt,
): Promise<LoadResult> {
  const { name } = source.settings;
  const { logGroup, logStream, firstEventId, lastEventId } = payload;
  const inputKey = payloadInputKey(name, payload);
  const label = `${logGroup} ${logStream}`;
  const claimed = await claimInput({ inputKey, source: name, label, keepDays: PAYLOAD_ENTRY_DAYS }, ports, attempt);
  if (claimed.outcome !== 'claimed') return claimed;
  return await load({
    source,
    claim: claimed.claim,
    origin: originOf(inputKey),
    shared: new Map([
      [OWN.logGroup.name, logGroup],
      [OWN.logStream.name, logStream],
    ]),
    facts: {
      kind: 'payload',
      log_group: logGroup,
      log_stream: logStream,
      first_event_id: firstEventId,
      last_event_id: lastEventId,
    },
    ports,
    async read(batcher, ship) {
      batcher.counts.bytes = payload.bytes;
      const { messages } = payload;
      while (batcher.counts.lines < messages.length) {
        const from = batcher.counts.lines;
        batcher.readMessages(messages.slice(from, from + MESSAGES_AT_A_TIME));
        await ship();
      }
      return 'whole';
    },
  });
}

function claimInput(
  { inputKey, ...entry }: Omit<LedgerEntry, 'id'> & { readonly inputKey: InputKey },
  { ledger }: Ports,
  { holder, leaseUntil }: Attempt,
): Promise<ClaimResult> {
  return ledger.claim({ ...entry, id: entryIdOf(inputKey) }, holder, leaseUntil);
}

/**
 * How reading ended: with all there is read; for lack of time, with new lines read or without; at a
 * checkpoint of old, as another object has taken the place of the one begun.
 */
type Read = 'whole' | 'out_of_time' | 'no_progress' | 'replaced';

interface InputLoad {
  readonly source: Source;
  readonly claim: Claim;
  readonly origin: string;
  /** Values every row shares, by column. */
  readonly shared: ReadonlyMap<string, string>;
  /** What the loads row tells of the object or payload. */
  readonly facts: LoadsRow;
  readonly ports: Ports;
  /** Gives the loader all there is, or as much as there is time for, and `ship`s what gets full. */
  readonly read: (batcher: LineBatcher, ship: () => Promise<void>) => Promise<Read>;
}

/**
 * Order of effects, and what a death after each leaves:
 *
 * 1. rows and rejected lines acknowledged: they repeat, at most the batches in flight
 * 2. checkpoint: nothing repeats
 * 3. loads row acknowledged: it repeats, with the same origin
 * 4. entry finished: everyone skips
 */
async function load(job: InputLoad): Promise<LoadResult> {
  const { source, claim, origin, shared, facts, ports, read } = job;
  const { name, keepRaw, streams } = source.settings;
  const startedAt = ports.now();
  const resume = claim.resume?.counts;
  const { format } = source;
  const batcher = new LineBatcher({
    source: name,
    origin,
    format,
    keepRaw,
    shared,
    now: ports.now,
    ...(resume && { resume }),
  });
  let acknowledged = resume;
  let turn = firstTurn(origin);
  const sending = new InFlight<CheckpointedBatch>(
    BATCHES_IN_FLIGHT,
    async ({ rows, rejected }) => {
      await allOf([sent(ports, inTurn(streams, turn++), rows), sent(ports, [ports.rejectedStream], rejected)]);
    },
    async ({ counts }) => {
      await claim.checkpoint({ counts });
      acknowledged = counts;
    },
  );
  try {
    const ended = await read(batcher, async () => {
      for (const batch of batcher.takeFullBatches()) await sending.add(batch);
    });
    for (const batch of batcher.takeRemaining()) await sending.add(batch);
    await sending.done();
    if (ended === 'out_of_time') {
      await claim.release({ counts: batcher.counts });
      return { outcome: 'unfinished' };
    }
    if (ended === 'no_progress')
      await sent(ports, [ports.rejectedStream], packed(givenUp(batcher, name, origin, ports)));
    const row = { ...facts, ...summary(name, batcher.counts, startedAt, ports.now()) };
    await sent(ports, [ports.loadsStream], packed(loadsRow(origin, row)));
    if (ended === 'replaced') {
      await claim.finish('replaced');
      return { outcome: 'replaced' };
    }
    await claim.finish('loaded');
    const { counts, reasons } = batcher;
    return { outcome: 'loaded', loaded: { source: name, origin, counts, reasons } };
  } catch (error) {
    await sending.settle();
    // A throttled stream that took some is no failure: whoever goes on starts from there.
    if (!(error instanceof DeliveryError) || !acknowledged || acknowledged === resume) throw error;
    await claim.release({ counts: acknowledged });
    return { outcome: 'unfinished' };
  }
}

/** Counts all that is left of an object as one rejected line, and gives its row. */
function givenUp({ counts, reasons }: LineBatcher, source: string, origin: string, { now }: Ports): string {
  const reason = 'no_progress';
  const detail = `expected to get past line ${counts.lines} within one invocation: raise timeoutSeconds`;
  counts.lines++;
  counts.rejected++;
  reasons.set(reason, 1);
  return rejectedRow(origin, counts.lines, { source, reason, detail, raw: '' }, now());
}

/** Sends a batch, whose memory serves the next batch at once. */
function sent({ encode }: Ports, streams: readonly string[], records: readonly Uint8Array[]): Promise<void> {
  const batch = encode(streams, records);
  recycle(records);
  return batch.send();
}

function packed(row: string): Uint8Array[] {
  const packer = new Packer();
  packer.add(row);
  return packer.take();
}

function summary(source: string, counts: Counts, startedAt: Date, finishedAt: Date): LoadsRow {
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
