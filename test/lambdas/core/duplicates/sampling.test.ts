import { describe, expect, test } from 'vitest';
import { countPages, type StoredPage } from '../../../../lambdas/core/duplicates/counting.ts';
import { type Page, Pager } from '../../../../lambdas/core/duplicates/pages.ts';
import { RecordReader } from '../../../../lambdas/core/duplicates/records.ts';
import { blocksOf } from '../../../helpers/blocks.ts';
import { compiled } from '../../../helpers/compiled.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

const RATE = 0.2;
const RECORDS = 1000;
/** Records that come twice in one object, and others that come in two. */
const WITHIN = 40;
const ACROSS = 100;
const SEEDS = 400;

/** How far a mean or a variance may be off, in its standard errors. */
const DEVIATIONS = 5;

const FORMAT = compiled('json', { columns: { at: 'timestamp', request_id: 'string' } });

/** Pages of an object of the given records, of which each seed has others. */
function pagesOf(seed: number, origin: string, ids: readonly number[]): StoredPage[] {
  const pages: StoredPage[] = [];
  const take = ({ fingerprints }: Page) => pages.push({ origin, sampleRate: RATE, fingerprints });
  const pager = new Pager({ sampleRate: RATE, from: 0, to: Number.POSITIVE_INFINITY, take });
  const reader = new RecordReader(FORMAT, undefined, (records) => pager.add(records, NOW));
  const at = new Date(NOW).toISOString();
  for (const id of ids)
    for (const block of blocksOf([JSON.stringify({ at, request_id: `${seed}/${id}` })])) reader.readEvents(block);
  pager.end(NOW);
  return pages;
}

function countsOf(seed: number) {
  const ids = Array.from({ length: RECORDS }, (_, id) => id);
  return countPages([
    ...pagesOf(seed, 'a', [...ids, ...ids.slice(-WITHIN)]),
    ...pagesOf(seed, 'b', ids.slice(0, ACROSS)),
  ]);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0) / numbers.length;
}

describe('a sample of the records', () => {
  const counts = Array.from({ length: SEEDS }, (_, seed) => countsOf(seed));

  // Each identity is in the sample with probability p, so a kind with m identities that come twice has a
  // binomial count. Scaled up by 1/p, its mean is m and its standard deviation s = sqrt(m (1 - p) / p):
  // 12.6 for 40, 20 for 100. Over n = 400 seeds the mean has a standard error of s / 20, 0.63 and 1.0. That
  // of the variance is s² sqrt((2 + excess kurtosis) / (n - 1)), 7.1 % of it, as the kurtosis is below 0.01.
  // At five standard errors, a mean of 6 in ten million good hashes is taken for a bad one, and a variance,
  // being skew, of fewer than 1 in 100,000. With one hash and these seeds the outcome is always the same.
  test.each([
    ['withinObject', WITHIN],
    ['acrossObjects', ACROSS],
  ] as const)('has the true number of %s on average, spread as binomial sampling has it', (kind, size) => {
    const estimates = counts.map((count) => count[kind] / RATE);
    const mean = meanOf(estimates);
    const variance = (meanOf(estimates.map((each) => (each - mean) ** 2)) * SEEDS) / (SEEDS - 1);
    const expected = (size * (1 - RATE)) / RATE;
    expect(Math.abs(mean - size)).toBeLessThan(DEVIATIONS * Math.sqrt(expected / SEEDS));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(DEVIATIONS * Math.sqrt(2 / (SEEDS - 1)));
  });

  // A rate is the ratio of two counts of one sample. Of N records and the rate r, its standard deviation is
  // sqrt((1 - p) / p * Σ (d - r c)²) / N over identities that come c times and make d duplicates (delta
  // method): 0.017 for one seed, 0.00084 for the mean. A ratio's bias is of the order of 1 / N, here -0.0003.
  test('has the true rate on average, spread as binomial sampling has it', () => {
    const duplicates = WITHIN + ACROSS;
    const records = RECORDS + duplicates;
    const rate = duplicates / records;
    const squares = duplicates * (1 - 2 * rate) ** 2 + (RECORDS - duplicates) * rate ** 2;
    const expected = Math.sqrt((squares * (1 - RATE)) / RATE) / records;
    const rates = counts.map(({ checked, withinObject, acrossObjects }) => (withinObject + acrossObjects) / checked);
    const mean = meanOf(rates);
    const variance = (meanOf(rates.map((each) => (each - mean) ** 2)) * SEEDS) / (SEEDS - 1);
    expect(Math.abs(mean - rate)).toBeLessThan((DEVIATIONS * expected) / Math.sqrt(SEEDS));
    expect(Math.abs(variance / expected ** 2 - 1)).toBeLessThan(DEVIATIONS * Math.sqrt(2 / (SEEDS - 1)));
  });
});
