/** Inputs of the lane of log groups: subscription payloads as CloudWatch sends them, and the sources that read them. */
import { gzipSync } from 'node:zlib';
import type { Counts } from '../lambdas/core/loading/line-batcher.ts';
import { loadPayload, type Source } from '../lambdas/core/loading/load.ts';
import { readPayload } from '../lambdas/core/loading/payload.ts';
import { compiledSources } from '../lambdas/core/loading/sources.ts';
import { Random } from '../local/sample/random.ts';
import { FROM, kindNamed, linesOfBytes } from './generate.ts';
import { benchAttempt, benchPorts, type FakeServices, loadedCounts } from './ingest.ts';

/** Payloads of one log group. */
export interface PayloadsInput {
  /** Name in the result tables. */
  readonly name: string;
  readonly source: Source;
  /** The `data` of each event with which CloudWatch invokes the function: gzip, as base64. */
  readonly payloads: readonly string[];
  /** Bytes of the messages, and of the payloads' JSON. */
  readonly bytes: number;
  readonly jsonBytes: number;
  readonly lines: number;
}

/** Events of a payload: a busy log stream's of some seconds. */
const PAYLOAD_EVENTS = 1000;
const LOG_GROUP = '/bench/app';

/** Payloads whose messages are generated lines of at least `bytes` bytes in total, with their line ends. */
export function generatedPayloads(kind: string, seed: string, bytes: number): PayloadsInput {
  const { format, options } = kindNamed(kind);
  const name = kind.replaceAll('-', '_');
  const place = { lane: 'events', logGroups: [LOG_GROUP] } as const;
  const source = compiledSources([{ name, format, options, ...place, streams: [name], keepRaw: 'on-error' }])[0];
  // A function writes each line with its line end, and the line end stays in the message.
  const messages =
    linesOfBytes(kindNamed(kind), seed, bytes)
      .toString('utf8')
      .match(/[^\n]*\n/g) ?? [];
  const random = new Random(`${seed}/bench/payloads/${kind}`);
  const payloads: string[] = [];
  let jsonBytes = 0;
  for (let at = 0; at < messages.length; at += PAYLOAD_EVENTS) {
    const json = payloadJson(messages.slice(at, at + PAYLOAD_EVENTS), FROM + at, random);
    jsonBytes += Buffer.byteLength(json);
    payloads.push(gzipSync(json).toString('base64'));
  }
  const messageBytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0);
  return { name: kind, source: source as Source, payloads, bytes: messageBytes, jsonBytes, lines: messages.length };
}

/**
 * A payload in CloudWatch's form. An id is the event's time times 2¹⁴⁴ plus a number that counts on within what the
 * writer has put at once: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 */
function payloadJson(messages: readonly string[], start: number, random: Random): string {
  const first = BigInt(`0x${random.hex8()}`);
  const logEvents = messages.map((message, index) => {
    const timestamp = start + index;
    return { id: String((BigInt(timestamp) << 144n) + first + BigInt(index)), timestamp, message };
  });
  return JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: LOG_GROUP,
    logStream: `2026/11/22/[$LATEST]${random.hex8()}`,
    subscriptionFilters: ['tributary'],
    logEvents,
  });
}

/** Loads payloads as load-log-events does, but without the services. */
export async function ingestPayloads(
  { source, payloads }: PayloadsInput,
  services: FakeServices = {},
): Promise<readonly Counts[]> {
  const ports = benchPorts(source, services);
  const counts: Counts[] = [];
  for (const data of payloads) {
    const payload = readPayload({ awslogs: { data } });
    if (!payload) throw new Error('expected a payload with events');
    counts.push(loadedCounts(payload.logGroup, await loadPayload(source, payload, ports, benchAttempt)));
  }
  return counts;
}
