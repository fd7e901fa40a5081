/** What there is to check: objects, and payloads of log events. */
import { BrokenGzipError, decompress } from '../lines/decompress.ts';
import { type ObjectId, objectInputKey, originOf, payloadInputKey } from '../loading/input.ts';
import type { Payload } from '../loading/payload.ts';
import type { FoundSource } from '../loading/sources.ts';
import type { RecordSettings, TrackedSettings } from '../settings.ts';
import type { Pager } from './pages.ts';
import { RecordReader, type Records } from './records.ts';

/** A source whose records are checked. */
export type TrackedSource = FoundSource<TrackedSettings>;

/** An object or payload to check. */
export interface InputToCheck {
  readonly source: TrackedSource;
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  /** The SQS message's id or Lambda's request id, which a retry repeats. */
  readonly holder: string;
  /** Bytes, as announced. */
  readonly size: number;
  /** It was begun before, or was in a batch that failed; whatever ended that may be its own fault. */
  readonly retried: boolean;
  /** Gives all records to the pager, and a chance to write what it has; false where the object is there no more. */
  readonly read: (pager: Pager, write: () => Promise<void>) => Promise<boolean>;
}

/** How an object was announced. */
export interface Delivery extends Pick<InputToCheck, 'holder' | 'retried'> {
  /** Milliseconds since the epoch, the same at each receive: what the object's records go by when none tells a time. */
  readonly arrivedAt: number;
}

/**
 * An object to check.
 *
 * @param open opens the object; undefined where another has replaced it
 */
export function objectToCheck(
  source: TrackedSource,
  object: ObjectId & { readonly size: number },
  { holder, arrivedAt, retried }: Delivery,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
): InputToCheck {
  return {
    source,
    origin: originOf(objectInputKey(source.settings.name, object)),
    label: `s3://${object.bucket}/${object.key}`,
    holder,
    size: object.size,
    retried,
    read: async (pager, write) => {
      const there = await readObject(source, open, (records) => pager.add(records, arrivedAt), write);
      pager.end(arrivedAt);
      return there;
    },
  };
}

/** A subscription payload to check. */
export function payloadToCheck(source: TrackedSource, payload: Payload, holder: string): InputToCheck {
  return {
    source,
    origin: originOf(payloadInputKey(source.settings.name, payload)),
    label: `${payload.logGroup} ${payload.logStream}`,
    holder,
    size: payload.bytes,
    retried: false,
    read: async (pager, write) => {
      const { format, settings } = source;
      const reader = new RecordReader(format, settings.recordKey && [settings.recordKey], (records) =>
        pager.addEvents(records, (position) => payload.timestamps[position - 1] ?? 0),
      );
      reader.readMessages(payload.messages);
      pager.end(0);
      await write();
      return true;
    },
  };
}

/**
 * Gives all records of an object to `take`; of a gzip that breaks midway or is a bomb, those before the break.
 *
 * @param open opens the object, and once more where its gzip breaks; undefined where it is there no more
 * @param pause called between chunks
 * @returns false where the object is there no more
 */
export async function readObject(
  { format, settings }: FoundSource<RecordSettings>,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
  take: (records: Records) => void,
  pause: () => Promise<void> = async () => {},
): Promise<boolean> {
  const body = await open();
  if (!body) return false;
  const reader = new RecordReader(format, settings.recordKey && [settings.recordKey], take);
  try {
    for await (const chunk of decompress(body, open)) {
      reader.push(chunk);
      await pause();
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof BrokenGzipError)) throw error;
    reader.breakOff();
  }
  return true;
}
