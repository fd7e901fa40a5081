import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../../lambdas/core/lines/decompress.ts';
import { type Inflater, openInflater, streamInflater } from '../../../../lambdas/core/lines/inflate.ts';

const INFLATERS: readonly (readonly [string, typeof openInflater])[] = [
  ["zlib's engine", openInflater],
  ["Node's stream", streamInflater],
];

/** A member, with whatever fields its header may have. */
interface Member {
  readonly text: string;
  readonly extra: readonly number[] | undefined;
  readonly name: string | undefined;
  readonly comment: string | undefined;
  readonly checksum: boolean;
}

function bytesOf({ text, extra, name, comment, checksum }: Member): Buffer {
  const flags = (checksum ? 2 : 0) | (extra ? 4 : 0) | (name === undefined ? 0 : 8) | (comment === undefined ? 0 : 16);
  const header = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3]),
    ...(extra ? [Buffer.from([extra.length, 0, ...extra])] : []),
    ...[name, comment].flatMap((field) => (field === undefined ? [] : [Buffer.from(`${field}\0`, 'latin1')])),
  ]);
  const headerChecksum = Buffer.alloc(checksum ? 2 : 0);
  if (checksum) headerChecksum.writeUInt16LE(crc32(header) & 0xffff);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, headerChecksum, deflateRawSync(text), trailer]);
}

const field = fc.option(fc.stringMatching(/^[a-z]{0,9}$/), { nil: undefined });
const member: fc.Arbitrary<Member> = fc.record({
  text: fc.string({ maxLength: 400 }),
  extra: fc.option(fc.array(fc.nat(255), { maxLength: 9 }), { nil: undefined }),
  name: field,
  comment: field,
  checksum: fc.boolean(),
});

interface Read {
  readonly text: string;
  /** Bytes that had been decompressed whenever a checksum proved them right. */
  readonly verified: readonly number[];
  readonly error: string;
}

async function read(bytes: Buffer, sizes: readonly number[], inflater: typeof openInflater): Promise<Read> {
  const body = async function* () {
    for (let at = 0, part = 0; at < bytes.length; part++) {
      const size = sizes[part % sizes.length] as number;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  };
  const parts: Buffer[] = [];
  const verified: number[] = [];
  const open: (codec: 'gzip' | 'zstd', ended: (checked: boolean) => void) => Inflater = inflater;
  let error = '';
  try {
    const mark = () => void verified.push(Buffer.concat(parts).length);
    for await (const chunk of decompress(body(), async () => body(), mark, open)) parts.push(Buffer.from(chunk));
  } catch (thrown) {
    error = (thrown as Error).message.replace('expected gzip up to its end, got ', '');
  }
  return { text: Buffer.concat(parts).toString(), verified, error };
}

const members = fc.array(member, { minLength: 1, maxLength: 4 });
const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });

describe.each(INFLATERS)('gzip members by %s', (_, inflater) => {
  test('are read whatever their headers have, and each is verified when its checksum has come', async () => {
    await fc.assert(
      fc.asyncProperty(members, sizes, fc.nat(3), async (all, chunks, zeros) => {
        const bytes = Buffer.concat([...all.map(bytesOf), Buffer.alloc(zeros)]);
        const ends = all.map((__, index) =>
          Buffer.byteLength(
            all
              .slice(0, index + 1)
              .map(({ text }) => text)
              .join(''),
          ),
        );
        expect(await read(bytes, chunks, inflater)).toEqual({
          text: gunzipSync(bytes).toString(),
          verified: ends,
          error: '',
        });
      }),
      { numRuns: 60 },
    );
  });

  test('with a changed bit are refused with the error that zlib has, and no member before it is doubted', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(members, sizes, fc.nat(), fc.nat(7), async (all, chunks, at, bit) => {
        const before = all.slice(0, -1).map(bytesOf);
        const last = bytesOf(all.at(-1) as Member);
        // Of the very first bytes it depends whether they are gzip at all.
        const place = before.length > 0 ? at % last.length : 2 + (at % (last.length - 2));
        last[place] = (last[place] as number) ^ (1 << bit);
        const bytes = Buffer.concat([...before, last]);
        let expected = '';
        try {
          gunzipSync(bytes);
        } catch (error) {
          expected = (error as Error).message;
        }
        const found = await read(bytes, chunks, inflater);
        // A member that begins with a zero is padding to zlib, and what follows is lost.
        if (last[0] !== 0) expect(found.error).toBe(expected);
        if (found.error !== '') refused++;
        const sound = all
          .slice(0, -1)
          .map(({ text }) => text)
          .join('');
        expect(found.text.startsWith(sound)).toBe(true);
        if (found.error !== '') expect(found.verified.at(-1) ?? 0).toBe(Buffer.byteLength(sound));
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(10);
  });
});
