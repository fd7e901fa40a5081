import { describe, expect, test } from 'vitest';
import { pageDone, pageMemory } from '../../../../lambdas/core/duplicates/page-memory.ts';

const page = (bytes: number) => new Uint8Array(pageMemory(bytes), 0, bytes);

describe('the memory of pages', () => {
  test('serves another page of about the same size, once it is given back', () => {
    const first = page(16_000);
    const { buffer } = first;
    pageDone(first);
    expect(page(15_000).buffer).toBe(buffer);
    expect(page(15_000).buffer).not.toBe(buffer);
  });

  test('serves one page at a time, however often it is given back', () => {
    const first = page(100_000);
    pageDone(first);
    pageDone(first);
    expect(page(100_000).buffer).not.toBe(page(100_000).buffer);
  });

  test('is never that of others', () => {
    const foreign = new Uint8Array(4096);
    pageDone(foreign);
    expect(page(4096).buffer).not.toBe(foreign.buffer);
  });

  test('serves pages of the sizes there are now, whatever there were before', () => {
    const burst = Array.from({ length: 300 }, (_, index) => page(20_000 + index * 900));
    for (const each of burst) pageDone(each);
    const pages = Array.from({ length: 25 }, () => page(16_000));
    const before = new Set(pages.map(({ buffer }) => buffer));
    for (const each of pages) pageDone(each);
    expect(pages.map(() => page(16_000)).every(({ buffer }) => before.has(buffer))).toBe(true);
  });

  test('is not kept without bound', () => {
    const pages = Array.from({ length: 100 }, () => page(300_000));
    const before = new Set(pages.map(({ buffer }) => buffer));
    for (const each of pages) pageDone(each);
    const again = pages.map(() => page(300_000)).filter(({ buffer }) => before.has(buffer));
    expect(again.length).toBeGreaterThan(0);
    expect(again.length * 300_000).toBeLessThanOrEqual(16 * 1024 * 1024);
  });
});
