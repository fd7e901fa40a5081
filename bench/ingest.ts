/** The ingest path: gzipped bytes to packed records, by the code the functions run. */
import type { Claim, Ledger } from '../lambdas/core/loading/ledger.ts';
import type { Counts } from '../lambdas/core/loading/line-batcher.ts';
import { type Encode, loadObject, type Source } from '../lambdas/core/loading/load.ts';

/** Bytes of an object that Node's HTTP client gives at a time. */
const CHUNK_BYTES = 64 * 1024;

/** The body of an object, as S3's client gives it. */
export async function* bodyOf(gzip: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < gzip.length; at += CHUNK_BYTES) yield gzip.subarray(at, at + CHUNK_BYTES);
}

/** An object as it is stored in S3, and the source that reads it. */
export interface SourceObject {
  readonly source: Source;
  readonly key: string;
  readonly gzip: Buffer;
}

/** Streams of the lake's own tables. */
const LOADS_STREAM = 'loads';
const REJECTED_STREAM = 'rejected';

/** What stands in for the services. */
export interface Stands {
  /** Takes the records Firehose would: rows of the source, or of the lake's own tables. @default - thrown away */
  readonly take?: (records: readonly Uint8Array[], ofSource: boolean) => void;
  /** @default - one that has seen nothing yet */
  readonly ledger?: Ledger;
}

/** Loads an object as load-objects does, without its services. */
export async function ingest(
  { source, key, gzip }: SourceObject,
  { take = () => {}, ledger = NEW_ENTRY }: Stands = {},
): Promise<Counts> {
  const { name } = source.settings;
  const encode: Encode = (streams, records) => {
    take(records, streams.includes(name));
    return { send: async () => {} };
  };
  const result = await loadObject(
    source,
    { bucket: 'landing', key, etag: '0' },
    async () => bodyOf(gzip),
    {
      ledger,
      encode,
      now: () => new Date(),
      loadsStream: LOADS_STREAM,
      rejectedStream: REJECTED_STREAM,
      objectEntryDays: 400,
    },
    { holder: 'bench', leaseUntil: Number.MAX_SAFE_INTEGER, outOfTime: () => false },
  );
  if (result.outcome !== 'loaded') throw new Error(`${key}: expected it to be loaded, got ${result.outcome}`);
  return result.loaded.counts;
}

const CLAIM: Claim = { resume: undefined, checkpoint: async () => {}, release: async () => {}, finish: async () => {} };

const NEW_ENTRY: Ledger = { claim: async () => ({ outcome: 'claimed', claim: CLAIM }) };
