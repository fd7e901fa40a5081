/** The data of the duplicate check as items of its table; core/duplicates/store.ts lists them. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { StoredPage } from '../core/duplicates/counting.ts';
import { EMPTY_PAGE } from '../core/duplicates/packed-page.ts';
import {
  type CountedMinute,
  DUPLICATES,
  type FinishedObject,
  type InputStats,
  type PageOf,
  type StoredMark,
  shardOf,
} from '../core/duplicates/store.ts';

export type Item = Record<string, AttributeValue>;

function key(partition: string, sort: string): Item {
  return { [DUPLICATES.partition]: { S: partition }, [DUPLICATES.sort]: { S: sort } };
}

export function partitionIs(partition: string) {
  return {
    KeyConditionExpression: `${DUPLICATES.partition} = :partition`,
    ExpressionAttributeValues: { ':partition': { S: partition } },
  };
}

/** The parts of an item's two keys. No part contains a `#` itself. */
function partsOf(item: Item): string[] {
  return `${item[DUPLICATES.partition]?.S}#${item[DUPLICATES.sort]?.S}`.split('#');
}

export const objectKey = (origin: string) => key(`o#${origin}`, 'o');
export const attemptsKey = (origin: string) => key(`o#${origin}`, 't');

export function objectOf(item: Item): FinishedObject {
  const [, origin = ''] = partsOf(item);
  return {
    origin,
    label: item.label?.S ?? '',
    holder: item.holder?.S ?? '',
    outsideWindow: Number(item.outsideWindow?.N ?? 0),
  };
}

export function pagePartition(source: string, minute: number, shard: number): string {
  return `p#${source}#${minute}#${shard}`;
}

export function pageItem({ source, minute, origin, sequence, sampleRate, fingerprints }: PageOf): Item {
  return {
    ...key(pagePartition(source, minute, shardOf(origin, sequence)), `${origin}#${sequence}`),
    d: { B: fingerprints },
    ...(sampleRate < 1 && { r: { N: String(sampleRate) } }),
  };
}

/** Older pages have 8 bytes per record in another attribute. They are read as empty pages and are not counted. */
export function pageOf(item: Item): StoredPage {
  const origin = partsOf(item)[4] ?? '';
  return { origin, sampleRate: Number(item.r?.N ?? 1), fingerprints: item.d?.B ?? EMPTY_PAGE };
}

/** All marks are in one partition: each invocation puts one mark per minute, which is little even if pages are many. */
export const MARKS = 'due';

export function markKey({ source, minute, token }: Pick<StoredMark, 'source' | 'minute' | 'token'>): Item {
  return key(MARKS, `${source}#${minute}#${token}`);
}

export function markOf(item: Item): StoredMark {
  const [, source = '', minute, token = ''] = partsOf(item);
  const shards = item.shards?.S?.split(',').map(Number) ?? [];
  return { source, minute: Number(minute), shards, token, putAt: Number(item.at?.N) };
}

export const minutePartition = (source: string) => `m#${source}`;

/** Padded, so that minutes sort as text in the order of time. */
export const minuteText = (minute: number) => String(minute).padStart(10, '0');

export const minuteKey = (source: string, minute: number) => key(minutePartition(source), minuteText(minute));

export function minuteItem({ source, minute, version, ...counted }: CountedMinute): Item {
  // One attribute, because the counts are always read together.
  return { ...minuteKey(source, minute), version: { N: String(version) }, counted: { S: JSON.stringify(counted) } };
}

export function minuteOf(item: Item): CountedMinute {
  const [, source = '', minute] = partsOf(item);
  const counted = JSON.parse(item.counted?.S ?? '{}') as Omit<CountedMinute, 'source' | 'minute' | 'version'>;
  return { source, minute: Number(minute), version: Number(item.version?.N), ...counted };
}

export const statsPartition = (source: string) => `n#${source}`;
export const statsKey = (source: string, origin: string) => key(statsPartition(source), origin);

export function statsOf(item: Item): InputStats {
  const [, source = '', origin = ''] = partsOf(item);
  return {
    source,
    origin,
    redelivered: Number(item.redelivered?.N ?? 0),
    outsideWindow: Number(item.outsideWindow?.N ?? 0),
    recordedAt: Number(item.recordedAt?.N),
  };
}
