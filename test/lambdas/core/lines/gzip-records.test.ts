import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gzipRecords } from '../../../../lambdas/core/lines/gzip-records.ts';
import { streamInflater } from '../../../../lambdas/core/lines/inflate.ts';
import { UnreadableError } from '../../../../lambdas/core/lines/unreadable.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The records as text, and `broken` for each part that could not be decompressed. */
async function read(bytes: Uint8Array, size = 1000, open?: Parameters<typeof gzipRecords>[1]): Promise<string[]> {
  const found: string[] = [];
  for await (const record of gzipRecords(inChunks(bytes, size), open)) {
    found.push(record.kind === 'record' ? record.bytes.toString() : 'broken');
  }
  return found;
}

/** Texts that gzip makes neither short nor alike. */
const text = fc.string({ minLength: 20, maxLength: 400 });
const texts = fc.array(text, { minLength: 2, maxLength: 6 });

describe('an object of gzipped records', () => {
  test('gives each record, however the bytes are cut, with either decompressor', async () => {
    const byStream = (memberEnded: Parameters<typeof streamInflater>[1]) => streamInflater('gzip', memberEnded);
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 900 }), fc.nat(3), async (all, size, zeros) => {
        const bytes = Buffer.concat(all.flatMap((each) => [gzipSync(each), Buffer.alloc(zeros)]));
        expect(await read(bytes, size)).toEqual(all);
        expect(await read(bytes, size, byStream)).toEqual(all);
      }),
      { numRuns: 60 },
    );
  });

  test('gives all records around one that is broken in any place, or of which any part is missing', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[
          texts,
          fc.nat(),
          fc.nat(),
          fc.integer({ min: 1, max: 255 }),
          fc.boolean(),
          fc.integer({ min: 1, max: 900 }),
        ],
        async (all, which, where, bits, isCut, size) => {
          const members: Buffer[] = all.map((each) => gzipSync(each));
          const broken = which % all.length;
          const member = members[broken] as Buffer;
          const at = where % member.length;
          if (isCut) members[broken] = member.subarray(0, at);
          else member[at] = (member[at] as number) ^ bits;
          const found = await read(Buffer.concat(members), size);
          const others = all.filter((_, index) => index !== broken);
          expect(found.filter((each) => each !== 'broken' && each !== all[broken])).toEqual(
            others.filter((each) => each !== all[broken]),
          );
          // Some bits say nothing of the content, and a member of no bytes is none.
          if (!found.includes('broken')) expect(found).toEqual(isCut && at === 0 ? others : all);
        },
      ),
      { numRuns: Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 300) },
    );
  });

  test('says of parts that follow each other and are no gzip that they are one', async () => {
    const junk = Buffer.concat([Buffer.from('no gzip '), Buffer.of(0x1f, 0x8b, 0x08), Buffer.from(' and no member')]);
    const bytes = Buffer.concat([junk, gzipSync('one'), junk, junk, gzipSync('two'), junk]);
    expect(await read(bytes, 7)).toEqual(['broken', 'one', 'broken', 'two', 'broken']);
    expect(await read(Buffer.from('{"no":"gzip"}'))).toEqual(['broken']);
    expect(await read(Buffer.alloc(0))).toEqual([]);
  });

  test('keeps what a broken record was decompressed to, and says what is wrong', async () => {
    const member = gzipSync('{"messageType":"DATA_MESSAGE"');
    member[member.length - 8] = (member[member.length - 8] as number) ^ 1;
    const [record] = await Array.fromAsync(gzipRecords(inChunks(member, 100)));
    expect(record).toEqual({
      kind: 'broken',
      detail: 'expected gzip up to its end, got incorrect data check',
      shown: Buffer.from('{"messageType":"DATA_MESSAGE"'),
    });
  });

  test('is left if it is a decompression bomb, of large records or of many attempts to read it', async () => {
    const large = gzipSync(Buffer.alloc(60 * 1024 * 1024));
    await expect(read(Buffer.concat(Array.from({ length: 6 }, () => large)), 65_536)).rejects.toThrow(UnreadableError);
  });

  test('of a record that is larger than any may be, the rest is not held, and the next one is read', async () => {
    const large = gzipSync(Buffer.alloc(65 * 1024 * 1024));
    expect(await read(Buffer.concat([large, gzipSync('next')]), 65_536)).toEqual(['broken', 'next']);
  });
});
