import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { pageBytes, withoutPages } from '../../../lambdas/edges/answer-pages.ts';

/** An answer as it comes from the network, in pieces that end anywhere. */
async function* pieces(answer: string, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(answer);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

const read = async (answer: unknown, bytes = 7) =>
  JSON.parse(Buffer.from(await withoutPages(pieces(JSON.stringify(answer), bytes))).toString());

describe('an answer with pages', () => {
  test('is read without their bytes, which are given for what stands in their place', async () => {
    const pages = [randomBytes(1), randomBytes(5000), Buffer.alloc(0), randomBytes(20_002)];
    const Items = pages.map((page, index) => ({ d: { B: page.toString('base64') }, sk: { S: `ä${index}` } }));
    const answers = await Promise.all([read({ Items, Count: 4 }), read({ Items: Items.toReversed(), Count: 4 }, 4096)]);
    const [inOrder, reversed] = answers.map(({ Items: read }) =>
      read.map(({ d }: { d: { B: string } }) => Buffer.from(pageBytes(d.B))),
    );
    expect(inOrder).toEqual(pages);
    expect(reversed).toEqual(pages.toReversed());
    expect(answers[0]).toMatchObject({ Count: 4, Items: Items.map(({ sk }) => ({ sk })) });
  });

  test('may hold texts that look like a binary value', async () => {
    const answer = { Items: [{ what: { S: 's3://b/"B":"AAAA"' }, S: { S: 'B' } }] };
    expect(await read(answer)).toEqual(answer);
  });

  test('that is cut short is given as it is', async () => {
    const answer = '{"Items":[{"d":{"B":"AAAA';
    expect(Buffer.from(await withoutPages(pieces(answer, 5))).toString()).toBe(answer);
  });

  test('gives each of them once', async () => {
    const { B } = await read({ B: 'AAAA' });
    expect([...pageBytes(B)]).toEqual([0, 0, 0]);
    expect(() => pageBytes(B)).toThrow('binary value: expected one that was taken from an answer, got ');
  });
});
