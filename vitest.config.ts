import { configDefaults, defineConfig } from 'vitest/config';

/** Two hundred kills take longer than all other tests together: `npm run test:kills` runs them by themselves. */
const KILLS = 'test/faults/kills.test.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.env.TRIBUTARY_KILLS ? [] : [KILLS])],
    globalSetup: ['test/faults/setup.ts'],
    // The first synth of a process and the local stack's start take seconds on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
