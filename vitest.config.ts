import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/faults/setup.ts'],
    // The first synth of a process and the local stack's start take seconds on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
