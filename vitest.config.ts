import { defineConfig } from 'vitest/config';

/** Files that take longer than a few seconds: whole stacks, whole processes, faults, memory and measuring. */
const SLOW = [
  'test/bench/bench.test.ts',
  'test/bin/commands/{duplicates,init}.test.ts',
  'test/bin/lake.test.ts',
  'test/bin/operations/{aws,changed-format,operations}.test.ts',
  'test/faults/*.test.ts',
  'test/bin/prove/prove.test.ts',
  'test/lambdas/core/direct/lane.test.ts',
  'test/lambdas/edges/duplicates-{cost,deaths}.test.ts',
  'test/lib/synth.test.ts',
  'test/local/{duplicates,lanes,open-lake,open-stack}.test.ts',
  'test/local/firehose/streams.test.ts',
  'test/memory/*.test.ts',
];

/** Runs of each property of the kernel in the fast project; the slow one runs them again, eight times as often. */
const FUZZ = ['test/lambdas/core/reading/kernel.test.ts'];
const FEW_RUNS = '20';

/** Text is laid out as for a file, whatever terminal the tests run on. */
const NO_TERMINAL = { COLUMNS: '', NO_COLOR: '1' };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: SLOW,
          env: { ...NO_TERMINAL, TRIBUTARY_FUZZ_RUNS: process.env.TRIBUTARY_FUZZ_RUNS ?? FEW_RUNS },
          // A machine that is busy with others may be ten times slower.
          testTimeout: 30_000,
          // Before the slow ones.
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'slow',
          include: [...SLOW, ...FUZZ],
          globalSetup: ['test/faults/setup.ts'],
          env: NO_TERMINAL,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
