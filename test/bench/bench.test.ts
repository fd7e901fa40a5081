import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CAN_MEASURE_PROCESSES } from '../../bench/process.ts';

const RUN = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

/** Every figure, by its path. */
const FIGURES = [
  'ingestRatio.alb',
  'ingestRatio.kong',
  'ingestRatio.json',
  'eventsRatio.kong',
  'eventsRatio.json',
  'eventsRatio.kong-json',
  'directRatio.alb',
  'directRatio.kong',
  'directRatio.json',
  'directSizeRatio.alb',
  'directSizeRatio.kong',
  'directSizeRatio.json',
  'directPeakMiB.oneGiB',
  'directPeakMiB.fiveGiB',
  'directMinutesFor50GB',
  'directLedgerWrites',
  'usualRatio',
  'handlerRatio',
  'billedBytesRatio.alb',
  'billedBytesRatio.json',
  'billedBytesRatio.usual',
  'billedBytesRatio.iceberg',
  'peakRssMiB.oneGiB',
  'peakRssMiB.fiveGiB',
  'bundleKiB',
  'initMs',
  'trackerShare',
  'writeUnitsPerMillion',
  'readUnitsPerMillion',
  'dollarsPerTB.ours',
  'dollarsPerTB.usual',
  'dollarsPerTB.direct',
  'dollarsPerTB.directUnchecked',
  'newColumnRatio',
  'oddLineRatio',
];

/** Numbers by their paths; whatever is no number by its own as well. */
function leaves(value: unknown, path: readonly string[] = []): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

describe.runIf(CAN_MEASURE_PROCESSES)('npm run bench', { timeout: 240_000 }, () => {
  test('with --json prints every figure, a number above 0, and nothing else', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [RUN, '--tiny', '--json']);
    const found = leaves(JSON.parse(stdout));
    expect(found.map(([path]) => path)).toEqual(FIGURES);
    for (const [path, value] of found) {
      expect(value, path).toSatisfy((number) => Number.isFinite(number) && (number as number) > 0);
    }
  });

  test('stops at a file that cannot be read, with its name and exit code 1', async () => {
    const run = promisify(execFile)(process.execPath, [RUN, '--tiny', '/no/such/file.log']);
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('bench: /no/such/file.log: no such file'),
    });
  });
});
