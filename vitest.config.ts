import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longer than a few seconds: whole stacks, whole processes, faults, memory and measuring. */
const SLOW = [
  'test/bench/bench.test.ts',
  'test/bin/commands/{duplicates,init}.test.ts',
  'test/bin/{lake,lake-run}.test.ts',
  'test/bin/operations/{added,divided,iceberg}-rows.test.ts',
  'test/bin/operations/{audit,aws,backfill,changed-format,from-landing,promoted,rebuild,redrive,schema}.test.ts',
  'test/faults/*.test.ts',
  'test/bin/prove/prove.test.ts',
  'test/lambdas/core/direct/{commit,lane}.test.ts',
  'test/lambdas/core/reading/kernel-{fuzz,json}.test.ts',
  'test/lambdas/edges/duplicates-{cost,deaths}.test.ts',
  'test/lib/synth.test.ts',
  'test/local/{duplicates,lanes,open-lake,open-stack*}.test.ts',
  'test/local/iam/least-privilege.test.ts',
  'test/local/firehose/streams.test.ts',
  'test/memory/*.test.ts',
];

/** The longest, which start first: else a processor would have nothing to do while the other ends one of these. */
const LONGEST = [
  'test/regular-expressions.test.ts',
  'test/linear.test.ts',
  'test/faults/kills.test.ts',
  'test/lambdas/core/reading/kernel-fuzz.test.ts',
  'test/faults/iceberg.test.ts',
  'test/faults/direct.test.ts',
  'test/faults/lake-run.test.ts',
  'test/bin/operations/added-rows.test.ts',
  'test/bin/lake-run.test.ts',
  'test/bin/lake.test.ts',
  'test/bin/operations/redrive.test.ts',
  'test/bench/bench.test.ts',
  'test/faults/bombs.test.ts',
  'test/faults/dynamodb.test.ts',
  'test/bin/commands/duplicates.test.ts',
  'test/faults/firehose.test.ts',
  'test/bin/prove/prove.test.ts',
  'test/memory/memory.test.ts',
];

/** Runs of each property that takes long, in the fast project. */
const FEW_RUNS = '20';

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
      return index < 0 ? LONGEST.length : index;
    };
    // Stable: the others stay in the order that vitest gives them.
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

/** What all processes of a run share: bundles, and the code that V8 has compiled. */
const shared = mkdtempSync(join(tmpdir(), 'tributary-run-'));
process.once('exit', () => rmSync(shared, { recursive: true, force: true }));

const ENV = {
  // Text is laid out as for a file, whatever terminal the tests run on.
  COLUMNS: '',
  NO_COLOR: '1',
  TRIBUTARY_BUNDLES: shared,
  NODE_COMPILE_CACHE: join(shared, 'compiled'),
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // What a test waits for comes in milliseconds, and on a busy machine in seconds.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: SLOW,
          env: { ...ENV, TRIBUTARY_FUZZ_RUNS: process.env.TRIBUTARY_FUZZ_RUNS ?? FEW_RUNS },
          // A machine that is busy with others may be ten times slower.
          testTimeout: 30_000,
          // Before the slow ones.
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: SLOW,
          globalSetup: ['test/faults/setup.ts'],
          env: ENV,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
