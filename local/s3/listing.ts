import { keyText, S3Error, tags } from './answers.ts';
import { ObjectStoreError } from './object-files.ts';
import { byBytes, type ObjectStore, type StoredObject } from './object-store.ts';

/** The fields of ListObjectsV2's answer: one page of a bucket's keys and common prefixes, in order. */
export async function listing(objects: ObjectStore, bucket: string, query: URLSearchParams): Promise<string> {
  if (query.get('list-type') !== '2') throw new S3Error('NotImplemented', 'only ListObjectsV2 has a local behaviour');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();

  const all = entriesOf(await objects.keys(bucket, prefix), prefix, delimiter);
  const rest = all.filter(({ name }) => byBytes(name, after) > 0);
  const page = rest.slice(0, maxKeys);
  const truncated = rest.length > page.length;
  const text = keyText(query);
  const head = tags({
    Name: bucket,
    Prefix: text(prefix),
    MaxKeys: maxKeys,
    KeyCount: page.length,
    IsTruncated: truncated,
    Delimiter: delimiter ? text(delimiter) : undefined,
    EncodingType: query.has('encoding-type') ? 'url' : undefined,
    NextContinuationToken: truncated ? Buffer.from(page.at(-1)?.name ?? after).toString('base64url') : undefined,
  });
  const lines: string[] = [];
  for (const { name, common } of page) {
    if (common) lines.push(`<CommonPrefixes>${tags({ Prefix: text(name) })}</CommonPrefixes>`);
    else lines.push(await objects.head(bucket, name).then((object) => contents(object, text), goneMeanwhile));
  }
  return head + lines.join('');
}

function entriesOf(keys: readonly string[], prefix: string, delimiter: string): { name: string; common: boolean }[] {
  const entries = new Map<string, { name: string; common: boolean }>();
  for (const key of keys) {
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const name = at < 0 ? key : key.slice(0, at + delimiter.length);
    entries.set(name, { name, common: at >= 0 });
  }
  return [...entries.values()];
}

function contents({ key, size, etag, modified }: StoredObject, text: (key: string) => string): string {
  const LastModified = modified.toISOString();
  const fields = tags({ Key: text(key), LastModified, ETag: `"${etag}"`, Size: size, StorageClass: 'STANDARD' });
  return `<Contents>${fields}</Contents>`;
}

/** An object that was deleted during the listing is left out. */
function goneMeanwhile(error: unknown): string {
  if (error instanceof ObjectStoreError && error.code === 'NoSuchKey') return '';
  throw error;
}
