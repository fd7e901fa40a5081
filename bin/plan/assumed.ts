/**
 * Assumptions of a plan about values that depend on the account it is for. All of them are part of the output, so that
 * a reader can check them.
 */

/** A load balancer has at least two nodes, and each node writes a file every five minutes. */
const OBJECTS_PER_DAY = (2 * 86_400) / 300;

/** CloudWatch delivers events in payloads: at least one every ten seconds. */
const PAYLOADS_PER_DAY = 86_400 / 10;

export const ASSUMED = {
  /** Lines per object and events per payload; fewer if a day has too few lines for `least…PerDay`. */
  linesPerObject: 10_000,
  leastObjectsPerDay: OBJECTS_PER_DAY,
  linesPerPayload: 500,
  leastPayloadsPerDay: PAYLOADS_PER_DAY,
  /** Minutes of event time that an object's records span; a payload's records span one. */
  minutesPerObject: 5,
  /** Seconds an invocation waits for S3's first byte, for the ledger and for the last acknowledgement. */
  waitSeconds: 0.15,
  /** Compressed bytes of a payload ÷ bytes of its messages, by CloudWatch's own gzip at some hundred events a payload. */
  payloadGzipShare: 0.25,
  /** Objects of payloads that Firehose puts a day at the least, one a minute, and their bytes at the most. */
  leastPayloadObjectsPerDay: 1440,
  payloadObjectBytes: 64 * 2 ** 20,
  /** Seconds of an invocation that only announces an object to the direct lane: one write to the ledger. */
  announceSeconds: 0.05,
  /** Seconds that a batch waits for each of its objects: S3's first byte, and two requests to the ledger. */
  memberWaitSeconds: 0.08,
  /** Seconds that a batch waits for each request that writes to S3, a part of 8 MiB at most. */
  putSeconds: 0.15,
  /**
   * A source whose rows are divided among tables (`fanOut`): the share of the nth value is 1/n to the power of the skew of that
   * of the first. A file takes some bytes besides its rows, and the writer some CPU time; it takes some bytes in the list of its
   * batch, which the committer reads at a rate.
   */
  fanOutSkew: 1,
  leastFileBytes: 4000,
  fileSeconds: 0.006,
  listedFileBytes: 1500,
  listBytesPerSecond: 60e6,
  /** Seconds of one run of plan-batches, which runs every minute. */
  planSeconds: 1,
  /** Seconds of one run of commit-tables, which runs every minute, and of each commit that it makes. */
  commitRunSeconds: 0.3,
  commitSeconds: 2,
  /**
   * Glue's maintenance of an Iceberg table: GB of files that a processing unit (4 vCPUs) merges in an hour, which AWS does
   * not publish; how often a day it merges at the most, and clears snapshots and files; and the processing units times
   * hours that each run is billed at the least (two units for a minute).
   */
  compactedGBPerDpuHour: 50,
  compactionRunsPerDay: 24,
  clearingRunsPerDay: 2,
  leastDpuHours: 2 / 60,
  /** Minutes of events in an object of payloads: those of Firehose's buffer. */
  minutesPerPayloadObject: 2,
  /** Seconds until the queue, or CloudWatch's subscription, has invoked the function. */
  notificationSeconds: 5,
  subscriptionSeconds: 10,
  /** Seconds Firehose takes to write a file after its buffer is full or due; a buffer of 0 seconds is due after 5. */
  writeSeconds: 30,
  leastBufferSeconds: 5,
  /** Bytes that Lambda itself logs per invocation: START, END, REPORT. */
  logBytesPerInvocation: 300,
  /** Bytes of a ledger entry, including the 100 bytes that DynamoDB bills per item. */
  ledgerEntryBytes: 800,
  /** Bytes of the ledger's entry of the latest version of an object, likewise. */
  latestVersionBytes: 250,
  /** Seconds of one run of count-duplicates, which runs every minute. */
  countSeconds: 0.5,
  /** Requests per day that Lambda makes to an empty queue: five pollers, each with a wait of 20 seconds. */
  pollsPerDay: (5 * 86_400) / 20,
  /** Concurrent invocations in an account, unless its quota was raised. */
  accountConcurrency: 1000,
  /** Concurrent invocations in a new account, until AWS raises its quota. */
  newAccountConcurrency: 10,
} as const;
