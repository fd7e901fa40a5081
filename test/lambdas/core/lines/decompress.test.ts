import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress, FREE_BYTES } from '../../../../lambdas/core/lines/decompress.ts';
import { type Inflater, openInflater, streamInflater, usesEngine } from '../../../../lambdas/core/lines/inflate.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../../../../lambdas/core/lines/lines.ts';
import { textOf } from '../../../../lambdas/core/lines/utf8.ts';
import { chunked, noise } from './layers.ts';

/** The two ways there are to decompress. */
const INFLATERS = [
  ["zlib's engine", openInflater],
  ["Node's stream", streamInflater],
] as const;

type Body = () => AsyncIterable<Uint8Array>;

async function decodedBy(inflater: () => Inflater, body: Body): Promise<{ bytes: Buffer; error?: unknown }> {
  const parts: Buffer[] = [];
  try {
    for await (const chunk of decompress(body(), async () => body(), undefined, inflater))
      parts.push(Buffer.from(chunk));
    return { bytes: Buffer.concat(parts) };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error };
  }
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 5 });

test('Node lets its engine be used, which is no part of its interface', () => {
  expect(usesEngine()).toBe(true);
});

describe.each(INFLATERS)('decompress, by %s', (_, inflater) => {
  const decoded = (body: Body) => decodedBy(inflater, body);

  test('gives back what was compressed, in one member or several, and plain bytes as they are, over any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5000 }), { minLength: 1, maxLength: 4 }),
        chunkSizes,
        fc.boolean(),
        async (members, sizes, compress) => {
          const plain = Buffer.concat(members);
          fc.pre(compress || !(plain[0] === 0x1f && plain[1] === 0x8b));
          const stored = compress ? Buffer.concat(members.map((member) => gzipSync(member))) : plain;
          const { bytes, error } = await decoded(() => chunked(stored, sizes));
          expect(error).toBeUndefined();
          expect(bytes.equals(plain)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('gives all that stands before a break, then says that the gzip is broken', async () => {
    const plain = noise(1_000_000);
    const stored = gzipSync(plain);
    const cut = await decoded(() => chunked(stored.subarray(0, stored.length / 2), [65_536]));
    expect(cut.error).toMatchObject({ reason: 'broken_gzip' });
    expect(cut.bytes.length).toBeGreaterThan(400_000);
    expect(plain.subarray(0, cut.bytes.length).equals(cut.bytes)).toBe(true);

    const damaged = Buffer.from(stored);
    damaged.fill(0xff, stored.length >> 1, (stored.length >> 1) + 64);
    const flipped = await decoded(() => chunked(damaged, [65_536]));
    expect(flipped.error).toMatchObject({ reason: 'broken_gzip' });
    expect(flipped.bytes.length).toBeGreaterThan(490_000);
  });

  test('gives every line that stands before a break, though zlib fails in the call that holds them', async () => {
    const lines = Array.from({ length: 400 }, (_, index) => `line ${index} of a log that shrinks well\n`).join('');
    const stored = gzipSync(lines);
    const wrongSum = Buffer.from(stored);
    wrongSum.writeUInt8(wrongSum.readUInt8(stored.length - 8) ^ 1, stored.length - 8);
    const garbage = Buffer.concat([stored, Buffer.from('garbage')]);
    for (const broken of [wrongSum, garbage]) {
      for (const sizes of [[65_536], [7]]) {
        const { bytes, error } = await decoded(() => chunked(broken, sizes));
        expect(error).toMatchObject({ reason: 'broken_gzip' });
        expect(bytes.toString()).toBe(lines);
      }
    }
  });

  test('takes zeros after the compressed data for padding, and nothing else', async () => {
    const stored = gzipSync('a line\n');
    const padded = Buffer.concat([stored, Buffer.alloc(512)]);
    for (const sizes of [[65_536], [stored.length], [1]]) {
      expect(await decoded(() => chunked(padded, sizes))).toEqual({ bytes: Buffer.from('a line\n') });
      const { bytes, error } = await decoded(() => chunked(Buffer.concat([padded, stored]), sizes));
      expect(error).toMatchObject({ reason: 'broken_gzip' });
      expect(bytes.toString()).toBe('a line\n');
    }
  });

  test('passes on an error of the body as it is: the object is then read again, not rejected', async () => {
    const failure = new Error('socket hang up');
    const stored = gzipSync(noise(200_000));
    const { error } = await decoded(async function* () {
      yield stored.subarray(0, 50_000);
      throw failure;
    });
    expect(error).toBe(failure);
  });

  test('gives up on a bomb when it has made what is free, and on no log however alike its lines', {
    timeout: 30_000,
  }, async () => {
    const made = async (text: string): Promise<{ bytes: number; error?: unknown }> => {
      const unit = Buffer.alloc(16 * 1024 * 1024, text);
      const member = gzipSync(unit);
      const members = Array.from({ length: 2 * (FREE_BYTES / unit.length) }, () => member);
      let bytes = 0;
      try {
        for await (const chunk of decompress(
          chunked(Buffer.concat(members), [65_536]),
          async () => undefined,
          inflater,
        ))
          bytes += chunk.length;
        return { bytes };
      } catch (error) {
        return { bytes, error };
      }
    };
    const bomb = await made('\0');
    expect(bomb.error).toMatchObject({ reason: 'decompression_bomb' });
    expect(bomb.bytes).toBeLessThan(1.5 * FREE_BYTES);
    expect(await made('2026-11-22T10:00:00Z OK\n')).toEqual({ bytes: 2 * FREE_BYTES });
  });

  test('gives an object the same after others that ended, broke or were given up, and beside one', {
    timeout: 30_000,
  }, async () => {
    const text = noise(1_000_000);
    const whole = gzipSync(text);
    const broken = Buffer.concat([whole.subarray(0, 500_000), Buffer.alloc(1000), whole.subarray(501_000)]);
    const before = {
      ended: async () => decoded(() => chunked(whole, [])),
      broken: async () => decoded(() => chunked(broken, [65_536])),
      short: async () => decoded(() => chunked(whole.subarray(0, 400_000), [])),
      'given up': async () => {
        for await (const _ of decompress(chunked(whole, [65_536]), async () => undefined, undefined, inflater)) break;
      },
    };
    for (const [name, other] of Object.entries(before)) {
      await other();
      const [one, two] = await Promise.all([10_000, 70_000].map((size) => decoded(() => chunked(whole, [size]))));
      expect([name, one?.bytes.equals(text), two?.bytes.equals(text)]).toEqual([name, true, true]);
    }
  });

  test('is closed once, however often it is told', async () => {
    const one = inflater();
    one.close();
    const two = inflater();
    one.close();
    expect(
      await decodedBy(
        () => two,
        () => chunked(gzipSync('a line'), []),
      ),
    ).toEqual({ bytes: Buffer.from('a line') });
    expect(await decoded(() => chunked(gzipSync('another'), []))).toEqual({ bytes: Buffer.from('another') });
  });

  test('gives nothing for nothing', async () => {
    expect(await decoded(() => chunked(Buffer.alloc(0), []))).toEqual({ bytes: Buffer.alloc(0) });
  });
});

function split(chunks: readonly Uint8Array[]): (string | number)[] {
  const lines: (string | number)[] = [];
  const splitter = new LineSplitter({
    line: (bytes) => lines.push(bytes.toString('latin1')),
    longLine: (_, length) => lines.push(length),
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  test('finds the same lines over any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', ' '), { maxLength: 60 }),
        chunkSizes,
        async (parts, sizes) => {
          const text = parts.join('');
          const expected = text.split('\n').map((line) => line.replace(/\r$/, ''));
          if (text === '' || text.endsWith('\n')) expected.pop();
          const chunks: Uint8Array[] = [];
          for await (const chunk of chunked(
            Buffer.from(text),
            sizes.map((size) => size % 7),
          ))
            chunks.push(chunk);
          expect(split(chunks)).toEqual(expected);
        },
      ),
    );
  });

  test('tells a line that is too long by its length, and goes on after it', () => {
    const long = Buffer.alloc(MAX_LINE_BYTES + 1, 'x');
    const exact = Buffer.alloc(MAX_LINE_BYTES, 'y');
    const newline = Buffer.from('\n');
    const end = Buffer.from('\nend');
    expect(split([long, newline, exact, end])).toEqual([MAX_LINE_BYTES + 1, exact.toString(), 'end']);
    expect(split([Buffer.concat([long, newline, exact, end])])).toEqual([MAX_LINE_BYTES + 1, exact.toString(), 'end']);
  });

  test('keeps no more than the head of a line that never ends', () => {
    const heads: number[] = [];
    const splitter = new LineSplitter({ line: () => {}, longLine: (head) => heads.push(head.length) });
    const chunk = Buffer.alloc(1_000_000, 'x');
    for (let turn = 0; turn < 200; turn++) splitter.push(chunk);
    splitter.end();
    expect(heads).toEqual([65_536]);
  });
});

describe('textOf', () => {
  test('reads well-formed UTF-8 as it is, the replacement character included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(text.isWellFormed());
        expect(textOf(Buffer.from(text, 'utf8'))).toBe(text);
      }),
    );
    expect(textOf(Buffer.from('a\uFFFDb'))).toBe('a\uFFFDb');
  });

  test('writes each byte that is no UTF-8 as \\xHH', () => {
    expect(textOf(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0x20]))).toBe('a\\xFFé\\xE2\\x82 ');
    expect(textOf(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\\xED\\xA0\\x80');
  });

  test('gives well-formed text for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(textOf(Buffer.from(bytes)).isWellFormed()).toBe(true);
      }),
    );
  });
});
