/**
 * Lines in a lake's logs of which metrics are made, as CloudWatch has them of AWS itself: of invocations, of events that were
 * given up, and of Firehose's deliveries. The time stands before each line.
 */
import { isObject } from '../template/intrinsics.ts';

/** The file in a lake's folder of logs with a line for each of Firehose's deliveries. */
export const DELIVERY_LOG = 'delivery.log';

/**
 * The line that Lambda writes at the end of an invocation, without what is only measured there. Metrics of the functions
 * are made of it (`invocationIn`).
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
export function reportLine(requestId: string, milliseconds: number, ok: boolean): string {
  return `REPORT RequestId: ${requestId}\tDuration: ${milliseconds.toFixed(2)} ms${ok ? '' : '\tStatus: error'}`;
}

/** What a line of a function's log says of an invocation that has ended; undefined for every other line. */
export function invocationIn(line: string): { at: number; milliseconds: number; ok: boolean } | undefined {
  const [, time = '', milliseconds, failed] = REPORT.exec(line) ?? [];
  if (milliseconds === undefined) return undefined;
  return { at: Date.parse(time), milliseconds: Number(milliseconds), ok: failed === undefined };
}

const REPORT = /^(\S+) REPORT RequestId: \S+\tDuration: ([\d.]+) ms(\tStatus: error)?$/;

export function droppedLine(requestId: string): string {
  return `${EVENT_DROPPED} ${requestId}`;
}

/** Whether a line says that an event was given up. */
export function isDropped(line: string): boolean {
  return line.includes(EVENT_DROPPED);
}

const EVENT_DROPPED = 'EVENT DROPPED RequestId:';

/** A file that a stream has delivered. */
export interface LoggedDelivery {
  readonly stream: string;
  /** Age of its oldest record. */
  readonly freshnessSeconds: number;
  /** Records that could not be converted, and why. */
  readonly failedRecords: number;
  readonly message?: string;
}

export function deliveryLine(delivery: LoggedDelivery): string {
  return JSON.stringify(delivery);
}

/** What a line of the log of deliveries says; undefined for one that was not written to its end. */
export function deliveryIn(line: string): LoggedDelivery | undefined {
  try {
    const value: unknown = JSON.parse(line.slice(line.indexOf(' ') + 1));
    return isObject(value) ? (value as unknown as LoggedDelivery) : undefined;
  } catch {
    return undefined;
  }
}

/** The time before a line, in milliseconds since the epoch. */
export function timeOf(line: string): number {
  return Date.parse(line.slice(0, line.indexOf(' ')));
}
