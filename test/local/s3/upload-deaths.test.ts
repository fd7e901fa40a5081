import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { type CreatedObject, ObjectStore } from '../../../local/s3/object-store.ts';
import { Uploads } from '../../../local/s3/uploads.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** From the call `at` on, no call reaches the file system any more: what is there is what a killed process leaves. */
const death = vi.hoisted(() => ({ at: Number.POSITIVE_INFINITY, calls: 0 }));

vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const mortal = Object.entries(real).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    const call = (...inputs: unknown[]) =>
      ++death.calls >= death.at ? Promise.reject(new Error('killed')) : Reflect.apply(value, undefined, inputs);
    return [name, call];
  });
  return Object.fromEntries(mortal);
});

const [bucket, key] = ['landing', 'folder/k'];
const PART = 'the only part';
const ETAG = createHash('md5').update(PART).digest('hex');
const WHOLE_ETAG = `${createHash('md5').update(Buffer.from(ETAG, 'hex')).digest('hex')}-1`;

async function opened(dir: string) {
  const created: CreatedObject[] = [];
  const onCreated = async (object: CreatedObject) => void created.push(object);
  const objects = await ObjectStore.open({ dir, buckets: new Set([bucket]), onCreated });
  const uploads = await Uploads.open(dir, objects);
  const read = async () => {
    const { object, read } = await objects.open(bucket, key);
    return { etag: object.etag, crc32: object.crc32, bytes: await text(read(0, object.size - 1)) };
  };
  const complete = (uploadId: string) =>
    uploads.complete({ bucket, key, uploadId }, [{ number: 1, etag: ETAG }], { onlyIfNew: false });
  return { created, objects, uploads, read, complete };
}

describe('a process that dies at any call of the file system', () => {
  /** What was answered until then. */
  interface Answered {
    begun?: string;
    part?: boolean;
    ended?: boolean;
  }

  async function dying(at: number, end: 'complete' | 'abort') {
    const dir = temporaryFolder();
    const first = await opened(dir);
    await first.objects.put(bucket, key, 'before');
    Object.assign(death, { at, calls: 0 });
    const answered: Answered = {};
    try {
      const { uploadId } = await first.uploads.begin(bucket, key, { crc32: true });
      answered.begun = uploadId;
      await first.uploads.putPart({ bucket, key, uploadId }, 1, Readable.from([Buffer.from(PART)]));
      answered.part = true;
      if (end === 'complete') await first.complete(uploadId);
      else await first.uploads.abort({ bucket, key, uploadId });
      answered.ended = true;
    } catch (error) {
      death.at = Number.POSITIVE_INFINITY;
      expect(String(error)).toContain('killed');
    }
    const { calls } = death;
    death.at = Number.POSITIVE_INFINITY;
    const second = await opened(dir);
    const left = await second.uploads.list(bucket, '');
    return { answered, died: calls >= at, left, second, created: [...first.created, ...second.created] };
  }

  test('leaves the upload as it was, or its object with its event', async () => {
    const ends = { open: 0, object: 0, said: 0 };
    for (let at = 1; ; at++) {
      const { answered, died, left, second, created } = await dying(at, 'complete');
      const { begun, part, ended } = answered;
      const { bytes, etag, crc32 } = await second.read();
      const events = created.filter(({ by }) => by === 'CompleteMultipartUpload');
      if (bytes === PART) {
        ends.object++;
        expect({ etag, crc32, left }).toEqual({ etag: WHOLE_ETAG, crc32: expect.any(String), left: [] });
        expect(events.map((event) => event.etag)).toContain(WHOLE_ETAG);
        await expect(second.complete(begun ?? '')).rejects.toMatchObject({ code: 'NoSuchUpload' });
      } else {
        ends.open++;
        expect({ bytes, events, ended }).toEqual({ bytes: 'before', events: [], ended: undefined });
        if (begun !== undefined) expect(left.map(({ uploadId }) => uploadId)).toEqual([begun]);
        if (part) expect(await second.complete(begun ?? '')).toMatchObject({ etag: WHOLE_ETAG });
      }
      if (!died) break;
      if (ended) ends.said++;
    }
    expect(ends.open).toBeGreaterThan(10);
    expect(ends.object).toBeGreaterThan(5);
  });

  test('leaves an upload that is aborted, or none', async () => {
    for (let at = 1; ; at++) {
      const { answered, died, left, second } = await dying(at, 'abort');
      expect((await second.read()).bytes).toBe('before');
      if (answered.ended) expect(left).toEqual([]);
      for (const { uploadId } of left) expect(await second.uploads.parts({ bucket, key, uploadId })).toBeDefined();
      if (!died) break;
    }
  });

  test('and dies again while it finishes, is finished by the next', async () => {
    const dir = temporaryFolder();
    const first = await opened(dir);
    const { uploadId } = await first.uploads.begin(bucket, key, { crc32: false });
    await first.uploads.putPart({ bucket, key, uploadId }, 1, Readable.from([Buffer.from(PART)]));
    // Dies as soon as it has written down that the upload is completed.
    const { place } = ObjectStore.prototype;
    vi.spyOn(ObjectStore.prototype, 'place').mockRejectedValueOnce(new Error('killed'));
    await expect(first.complete(uploadId)).rejects.toThrow('killed');
    expect(ObjectStore.prototype.place).not.toBe(place);
    vi.restoreAllMocks();
    let deaths = 0;
    for (let at = 1; ; at++) {
      Object.assign(death, { at, calls: 0 });
      const done = await opened(dir).catch(() => undefined);
      death.at = Number.POSITIVE_INFINITY;
      if (done) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThan(5);
    const last = await opened(dir);
    expect(await last.read()).toMatchObject({ bytes: PART, etag: WHOLE_ETAG });
    expect(await last.uploads.list(bucket, '')).toEqual([]);
  });
});
