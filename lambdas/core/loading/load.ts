/**
 * The main flow of loading: takes one input (an S3 object or a CloudWatch subscription payload) from its bytes or
 * messages to acknowledged records. This file calls no AWS service and reads no clock itself: the caller provides both.
 */
import type { CompiledFormat } from '../reading/format.ts';
import { isExported, type SourceSettings } from '../settings.ts';
import { OWN } from '../tables/table.ts';
import { allOf, InFlight } from './in-flight.ts';
import { entryIdOf, type InputKey, keyItemId, objectInputKey, originOf, payloadInputKey } from './input.ts';
import { type LoadsRow, loadsRow, rejectedRow } from './lake-rows.ts';
import { type Claim, type ClaimResult, type Ledger, type LedgerEntry, PAYLOAD_ENTRY_DAYS } from './ledger.ts';
import { type CheckpointedBatch, type Counts, LineBatcher } from './line-batcher.ts';
import { summary } from './load-summary.ts';
import type { CreatedObject } from './notification.ts';
import { Packer, recycle } from './pack.ts';
import type { Payload } from './payload.ts';
import { bodyOf, isUnavailable, type OpenObject, readObject } from './read-object.ts';
import { firstTurn, inTurn } from './spread.ts';
import { askAgain, type UnavailableReason, type Waited } from './unavailable.ts';
import { sendAsVersion, type Version, type VersionMarks } from './versions.ts';

/**
 * Batches in flight at once: enough to hide Firehose's latency behind parsing, and few enough to need little memory.
 * Each batch is 4 MiB, and a third more as the base64 that is sent.
 */
export const BATCHES_IN_FLIGHT = 3;

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
   * @throws DeliveryError when the time is over; otherwise the error that no retry can resolve
   */
  send(): Promise<void>;
}

/** Firehose did not acknowledge all records before the time limit. A later attempt may succeed. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
}

export interface Ports {
  readonly ledger: Ledger;
  readonly encode: Encode;
  readonly now: () => Date;
  readonly loadsStream: string;
  readonly rejectedStream: string;
  /** Days that the ledger keeps the entry of an object. */
  readonly objectEntryDays: number;
}

/** One invocation's attempt to load an input. */
export interface Attempt {
  /** Holder of the ledger entry: the SQS message's id or Lambda's request id. A redelivery has the same id. */
  readonly holder: string;
  /** Milliseconds since the epoch by which this invocation has certainly ended. */
  readonly leaseUntil: number;
  /** True if it is time to stop reading, send the packed records and leave the rest to another invocation. */
  readonly outOfTime: () => boolean;
}

/** A source with its options applied to its format. */
export interface Source {
  readonly settings: SourceSettings;
  readonly format: CompiledFormat;
  /** True if an object with this base name is a log of the format. */
  readonly accepts?: (baseName: string) => boolean;
}

/** The totals of a load, for metrics. */
export interface Loaded {
  readonly source: string;
  readonly origin: string;
  readonly counts: Counts;
  /** Number of filtered and rejected lines, by filter or reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** How an attempt to load an input ended. */
export type LoadResult =
  | { readonly outcome: 'loaded'; readonly loaded: Loaded }
  /** A part of the input is acknowledged and checkpointed; another invocation goes on from there. */
  | {
      readonly outcome: 'unfinished';
      /** Number of lines after which this invocation got no further; undefined if it got further. */
      readonly stuckAt?: number;
    }
  /** An earlier delivery has loaded the input. */
  | { readonly outcome: 'already_loaded' }
  /** Another holder is loading the input, or has crashed and its lease has not ended. */
  | { readonly outcome: 'held' }
  /** The direct lane has begun this input, and must end it. */
  | { readonly outcome: 'on_direct_lane' }
  /** Another object was written under the object's key; that object has a notification of its own. */
  | { readonly outcome: 'replaced' }
  /** S3 does not give the object; it is to be asked for again, by a message that says how long was waited for it. */
  | { readonly outcome: 'unavailable'; readonly waited: Waited }
  /** S3 did not give the object, or the rest of it, for so long that it was given up. `loads` says so. */
  | { readonly outcome: 'not_loaded'; readonly reason: UnavailableReason };

/**
 * Loads one S3 object.
 *
 * An object that S3 does not give is asked for again several times. Then its entry ends, and `loads` says why. It loads
 * if it is announced when it is there again.
 *
 * @throws what else `open`, its body, Firehose and the ledger throw: the entry then stays open at its last checkpoint
 */
export async function loadObject(
  source: Source,
  object: Omit<CreatedObject, 'size'>,
  open: OpenObject,
  ports: Ports,
  attempt: Attempt,
): Promise<LoadResult> {
  const { settings, format } = source;
  const inputKey = objectInputKey(settings.name, object);
  const origin = originOf(inputKey);
  const keyId = keyItemId(settings.name, object);
  const label = `s3://${object.bucket}/${object.key}`;
  const { sequencer } = object;
  const numbered = { origin, ...(sequencer !== undefined && { sequencer }) };
  // If the process dies after this, its message returns and finds the same.
  const reserved = await ports.ledger.reserve(keyId, { ...numbered, openedAt: 0 }, ports.objectEntryDays);
  if (reserved !== 'free') return { outcome: reserved };
  const claimed = await claimInput(
    { inputKey, source: settings.name, label, keepDays: ports.objectEntryDays },
    ports,
    attempt,
  );
  if (claimed.outcome !== 'claimed') return claimed;
  const { claim } = claimed;
  const { resume } = claim;
  const body = await bodyOf(open);
  // Rows of an earlier attempt may have been acknowledged without a checkpoint: `loads` must know of their origin.
  if (body === 'replaced' && claim.isFirst) {
    await claim.finish('replaced');
    return { outcome: 'replaced' };
  }
  const waited = isUnavailable(body) ? askAgain(object.waited) : undefined;
  if (waited) {
    // If the process crashes after this, its own message returns and is the next try.
    await claim.release();
    return { outcome: 'unavailable', waited };
  }
  const version: Version = { ...numbered, openedAt: typeof body === 'string' ? 0 : ports.now().getTime() };
  return await load({
    source,
    claim,
    origin,
    sendLoadsRow: (ended, { lines }, sendRow) => {
      // A version of which nothing was read replaces no other.
      if (isUnavailable(ended) && lines === 0) return sendRow({});
      const remember = (instead?: string) => ports.ledger.remember(keyId, version, ports.objectEntryDays, instead);
      return sendAsVersion(version, remember, sendRow);
    },
    shared: format.keyFacts?.(object.key) ?? new Map<string, string>(),
    facts: { kind: 'object', bucket: object.bucket, object_key: object.key, etag: object.etag },
    ports,
    async read(batcher, sendFull) {
      const from = batcher.counts.lines;
      if (typeof body === 'string') {
        batcher.counts.bytes = resume?.counts.bytes ?? 0;
        return body;
      }
      const whole = await readObject(batcher, body, open, async () => {
        await sendFull();
        return !attempt.outOfTime();
      });
      if (whole) return 'whole';
      if (batcher.counts.lines > from) return 'out_of_time';
      // If no invocation gets further, the object must end. But this one may not have had its time: a clock may have
      // been wrong when it began, or S3 slow. The second one in a row decides.
      return object.stuckAt === from ? 'no_progress' : 'stuck';
    },
  });
}

/**
 * Loads one CloudWatch subscription payload. It is read in one invocation, whose timeout is long enough for the largest
 * payload.
 *
 * @throws what Firehose and the ledger throw: Lambda then invokes the function again with the same payload
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
    sendLoadsRow: (_ended, _counts, sendRow) => sendRow({}),
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
    async read(batcher, sendFull) {
      batcher.counts.bytes = payload.bytes;
      for (const block of payload.blocks) {
        batcher.readEvents(block);
        await sendFull();
      }
      batcher.end();
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

/** Why reading stopped. */
type ReadEnd =
  /** The whole input was read. */
  | 'whole'
  /** Time ran out after at least one new line was read. */
  | 'out_of_time'
  /** Time ran out before any new line was read. */
  | 'stuck'
  /** The same in the next invocation. */
  | 'no_progress'
  /** The object was overwritten after an earlier attempt had stored a checkpoint. */
  | 'replaced'
  /** The object was given up, before its first line or after an earlier attempt had stored a checkpoint. */
  | UnavailableReason;

interface InputLoad {
  readonly source: Source;
  readonly claim: Claim;
  readonly origin: string;
  /** Values shared by every row, by column name. */
  readonly shared: ReadonlyMap<string, string>;
  /** The columns of the loads row that identify the input. */
  readonly facts: LoadsRow;
  readonly ports: Ports;
  /** Has the row of `loads` sent, with what it says about other versions of the object. */
  readonly sendLoadsRow: (
    ended: ReadEnd,
    counts: Counts,
    sendRow: (marks: VersionMarks) => Promise<void>,
  ) => Promise<void>;
  /** Reads the input into the batcher until its end or until time runs out, and calls `sendFull` in between. */
  readonly read: (batcher: LineBatcher, sendFull: () => Promise<void>) => Promise<ReadEnd>;
}

/**
 * Loads an input that was claimed. These are the effects in their order, and the consequence of a crash after each:
 *
 * 1. Rows and rejected lines are acknowledged: the next attempt sends them again, at most the batches in flight.
 * 2. The checkpoint is stored: the next attempt goes on after it, and sends nothing again.
 * 3. The loads row is acknowledged: the next attempt sends it again, with the same origin. Before and after it, the
 *    ledger may remember the version of the object: see versions.ts.
 * 4. The entry is finished: every later delivery of the input is skipped.
 */
async function load(job: InputLoad): Promise<LoadResult> {
  const { source, claim, origin, shared, facts, ports, sendLoadsRow, read } = job;
  const { name, lane, keepRaw, streams } = source.settings;
  const startedAt = ports.now();
  const resume = claim.resume?.counts;
  const { format } = source;
  const batcher = new LineBatcher({
    source: name,
    origin,
    format,
    lane,
    exported: isExported(source.settings),
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
      await allOf([send(ports, inTurn(streams, turn++), rows), send(ports, [ports.rejectedStream], rejected)]);
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
    if (ended === 'out_of_time' || ended === 'stuck') {
      await claim.release({ counts: batcher.checkpoint });
      return { outcome: 'unfinished', ...(ended === 'stuck' && { stuckAt: batcher.counts.lines }) };
    }
    if (ended === 'no_progress')
      await send(ports, [ports.rejectedStream], recordsOf(rejectRest(batcher, name, origin, ports)));
    const notLoaded = ended === 'replaced' || isUnavailable(ended) ? ended : undefined;
    await sendLoadsRow(ended, batcher.counts, async (marks) => {
      const row = { ...facts, ...summary(name, batcher, startedAt, ports.now()), not_loaded: notLoaded, ...marks };
      await send(ports, [ports.loadsStream], recordsOf(loadsRow(origin, row)));
    });
    await claim.finish(notLoaded ?? 'loaded');
    if (notLoaded === 'replaced') return { outcome: 'replaced' };
    if (notLoaded) return { outcome: 'not_loaded', reason: notLoaded };
    const { counts, reasons } = batcher;
    return { outcome: 'loaded', loaded: { source: name, origin, counts, reasons } };
  } catch (error) {
    await sending.settle();
    // If a throttled stream has accepted some batches, this attempt has made progress and does not count as a failure:
    // the next invocation goes on after the last batch that was acknowledged.
    if (!(error instanceof DeliveryError) || !acknowledged || acknowledged === resume) throw error;
    await claim.release({ counts: acknowledged });
    return { outcome: 'unfinished' };
  }
}

/** Counts the unread rest of an object as one rejected line, and returns the row of that line. */
function rejectRest({ counts, reasons }: LineBatcher, source: string, origin: string, { now }: Ports): string {
  const reason = 'no_progress';
  const detail = `expected to get past line ${counts.lines} within one invocation: raise timeoutSeconds`;
  counts.lines++;
  counts.rejected++;
  reasons.set(reason, 1);
  return rejectedRow(origin, counts.lines, { source, reason, detail, raw: '' }, now());
}

/** Sends a batch. The memory of its records is reused at once, because the encoded batch does not need it. */
function send({ encode }: Ports, streams: readonly string[], records: readonly Uint8Array[]): Promise<void> {
  const batch = encode(streams, records);
  recycle(records);
  return batch.send();
}

function recordsOf(row: string): Uint8Array[] {
  const packer = new Packer();
  packer.add(row);
  return packer.take();
}
