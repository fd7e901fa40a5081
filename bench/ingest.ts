/** The ingest path: from gzipped bytes to packed records, with the code that the functions run. */
import type { Claim, Ledger } from '../lambdas/core/loading/ledger.ts';
import type { Counts } from '../lambdas/core/loading/line-batcher.ts';
import {
  type Attempt,
  type Encode,
  type LoadResult,
  loadObject,
  type Ports,
  type Source,
} from '../lambdas/core/loading/load.ts';

/** Size of the chunks in which Node's HTTP client returns an object. */
const CHUNK_BYTES = 64 * 1024;

/** An object's body in chunks, as the S3 client returns it. */
export async function* objectBody(gzip: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < gzip.length; at += CHUNK_BYTES) yield gzip.subarray(at, at + CHUNK_BYTES);
}

/** An object as it is stored in S3, and the source that reads it. */
export interface SourceObject {
  readonly source: Source;
  readonly key: string;
  readonly gzip: Buffer;
}

/** Streams into the lake's own tables. */
const LOADS_STREAM = 'loads';
const REJECTED_STREAM = 'rejected';

/** Replacements for the services. */
export interface FakeServices {
  /** Receives the records instead of Firehose: rows of the source, or of the lake's own tables. @default - no-op */
  readonly take?: (records: readonly Uint8Array[], ofSource: boolean) => void;
  /** @default - a ledger without entries */
  readonly ledger?: Ledger;
}

/** Loads an object as load-objects does, but without the services. */
export async function ingest({ source, key, gzip }: SourceObject, services: FakeServices = {}): Promise<Counts> {
  const object = { bucket: 'landing', key, etag: '0' };
  const open = async () => objectBody(gzip);
  return loadedCounts(key, await loadObject(source, object, open, benchPorts(source, services), benchAttempt));
}

/** The services of a source's loads. */
export function benchPorts(
  { settings: { name } }: Source,
  { take = () => {}, ledger = NEW_ENTRY }: FakeServices,
): Ports {
  const encode: Encode = (streams, records) => {
    take(records, streams.includes(name));
    return { send: async () => {} };
  };
  return {
    ledger,
    encode,
    now: () => new Date(),
    loadsStream: LOADS_STREAM,
    rejectedStream: REJECTED_STREAM,
    objectEntryDays: 400,
  };
}

export const benchAttempt: Attempt = {
  holder: 'bench',
  leaseUntil: Number.MAX_SAFE_INTEGER,
  outOfTime: () => false,
};

/** The counts of a load. @throws Error naming the input if it was not loaded */
export function loadedCounts(input: string, result: LoadResult): Counts {
  if (result.outcome !== 'loaded') throw new Error(`${input}: expected it to be loaded, got ${result.outcome}`);
  return result.loaded.counts;
}

const CLAIM: Claim = {
  isFirst: true,
  resume: undefined,
  checkpoint: async () => {},
  release: async () => {},
  finish: async () => {},
};

const NEW_ENTRY: Ledger = {
  claim: async () => ({ outcome: 'claimed', claim: CLAIM }),
  reserve: async () => 'free',
  remember: async (_id, version) => version,
};
