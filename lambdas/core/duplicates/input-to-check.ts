/** The inputs to check. An input is an S3 object or a CloudWatch subscription payload. */
import { objectInputKey, originOf, payloadInputKey } from '../loading/input.ts';
import type { CreatedObject } from '../loading/notification.ts';
import type { Payload } from '../loading/payload.ts';
import { readObject as readBytes } from '../loading/read-object.ts';
import type { FoundSource } from '../loading/sources.ts';
import type { ObjectsPlace, RecordSettings, TrackedSettings } from '../settings.ts';
import type { Lane } from '../tables/table.ts';
import type { Pager } from './pages.ts';
import { RecordReader, type Records } from './records.ts';

/** A source whose records are checked for duplicates. */
export type TrackedSource = FoundSource<TrackedSettings>;

/** An input to check. */
export interface InputToCheck {
  readonly source: TrackedSource;
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  /** The id of the SQS message or of the Lambda request; a retry has the same id. */
  readonly holder: string;
  /** Bytes, as announced. */
  readonly size: number;
  /** What was announced; undefined if the input is a payload. */
  readonly object?: CreatedObject;
  /** The input was begun before, or was in a batch that failed. It may be the cause of that failure. */
  readonly retried: boolean;
  /**
   * Gives all records to the pager and calls `write` in between, which may write the pages that are ready. Returns
   * false if another object has replaced the one announced.
   */
  readonly read: (pager: Pager, write: () => Promise<void>) => Promise<boolean>;
}

/** How an object was announced. */
export interface Delivery extends Pick<InputToCheck, 'holder' | 'retried'> {
  /**
   * Milliseconds since the epoch, the same at each receive of the message. Dates the object's records without a time if
   * no record at its beginning has one.
   */
  readonly arrivedAt: number;
}

/**
 * Makes an input of an object.
 *
 * @param open opens the object; returns undefined if another object has replaced it
 */
export function objectToCheck(
  source: TrackedSource,
  object: CreatedObject,
  { holder, arrivedAt, retried }: Delivery,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
): InputToCheck {
  return {
    source,
    origin: originOf(objectInputKey(source.settings.name, object)),
    label: `s3://${object.bucket}/${object.key}`,
    holder,
    size: object.size,
    object,
    retried,
    read: async (pager, write) => {
      const { lane } = source.settings;
      const add = (records: Records) => (lane === 'events' ? pager.addEvents(records) : pager.add(records, arrivedAt));
      const isRead = await readObject(source, open, add, write, lane);
      pager.end(arrivedAt);
      return isRead;
    },
  };
}

/** Makes an input of a subscription payload. */
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
        pager.addEvents(records),
      );
      for (const block of payload.blocks) reader.readEvents(block);
      reader.end();
      pager.end(0);
      await write();
      return true;
    },
  };
}

/**
 * Gives all records of an object to `take`. If the object's compression breaks midway or is a decompression bomb, these
 * are the records before the break, and one for the break. An object without lines of text is one record.
 *
 * @param open opens the object, and opens it again if its compression breaks; returns undefined if another object has replaced
 * it
 * @param pause called between chunks, or payloads
 * @param lane of the source
 * @returns false if another object has replaced the one announced
 */
export async function readObject(
  { format, settings }: FoundSource<RecordSettings & Pick<ObjectsPlace, 'exportedLogs'>>,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
  take: (records: Records) => void,
  pause: () => Promise<void> = async () => {},
  lane?: Lane,
): Promise<boolean> {
  const body = await open();
  if (!body) return false;
  const reader = new RecordReader(format, settings.recordKey && [settings.recordKey], take, settings.exportedLogs);
  const taken = async () => {
    await pause();
    return true;
  };
  return await readBytes(reader, body, open, taken, lane);
}
