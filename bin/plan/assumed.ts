/**
 * What a plan takes for granted, because only the account it is for could tell. Each of these stands in
 * the output, so that a reader can object.
 */

/** A load balancer's node writes a file every five minutes: two nodes at least. */
const OBJECTS_PER_DAY = (2 * 86_400) / 300;

/** CloudWatch hands events on in portions: one every ten seconds at least. */
const PAYLOADS_PER_DAY = 86_400 / 10;

export const ASSUMED = {
  /** Lines of an object and events of a payload, or fewer where a day has too few lines for that. */
  linesPerObject: 10_000,
  leastObjectsPerDay: OBJECTS_PER_DAY,
  linesPerPayload: 500,
  leastPayloadsPerDay: PAYLOADS_PER_DAY,
  /** Minutes of event time that an object has records of; a payload has them of one. */
  minutesPerObject: 5,
  /** Seconds an invocation waits for S3's first byte, for the ledger and for the last acknowledgement. */
  waitSeconds: 0.15,
  /** Seconds until the queue, and CloudWatch's subscription, has told the function. */
  notificationSeconds: 5,
  subscriptionSeconds: 10,
  /** Seconds Firehose takes to write a file when its buffer is full or due; a buffer of 0 seconds is due after 5. */
  writeSeconds: 30,
  leastBufferSeconds: 5,
  /** Bytes Lambda itself logs of an invocation: START, END, REPORT. */
  logBytesPerInvocation: 300,
  /** Bytes of a ledger entry, DynamoDB's own 100 included. */
  ledgerEntryBytes: 800,
  /** Seconds of one run of count-duplicates, which comes every minute. */
  countSeconds: 0.5,
  /** Requests Lambda makes in a day to a queue that is empty: five pollers, 20 seconds each. */
  pollsPerDay: (5 * 86_400) / 20,
  /** Invocations at a time that an account has, unless raised. */
  accountConcurrency: 1000,
} as const;
