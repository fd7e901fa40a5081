/**
 * `npm test`: lint, types, docs and every test, all of them even when one fails, and at the end one
 * line with the true counts. Arguments are handed to vitest: `npm test -- test/lambdas/core`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

const CHECKS: readonly (readonly [string, ...string[]])[] = [
  ['biome', 'check', '--error-on-warnings', '.'],
  ['tsc', '--noEmit'],
  ['node', 'bin/docs.ts', '--check'],
  ['node', 'bin/kernel.ts', '--check'],
];

let passed = 0;
let failed = 0;
const failedChecks: string[] = [];

// All at once: most of them use one processor.
await Promise.all(
  CHECKS.map(async ([command, ...args]) => {
    const check = [command, ...args].join(' ');
    const { succeeded, output } = await outcomeOf(command, args);
    process.stdout.write(`\n> ${check}\n${output}`);
    if (succeeded) passed++;
    else failedChecks.push(check);
  }),
);
failed += failedChecks.length;

const folder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
const reportFile = join(folder, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${reportFile}`];
// By itself vitest leaves one processor for its main process, which needs little.
const options = ['run', '--maxWorkers=100%', ...reporters, ...process.argv.slice(2)];
const { status } = spawnSync('vitest', options, { stdio: 'inherit' });
const report = readReport();
rmSync(folder, { recursive: true });
passed += report.numPassedTests;
failed += report.numFailedTests;
// A file that does not load has no tests that could fail; neither has a runner that died.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
);
failed += brokenFiles.length;
if (status !== 0 && report.numFailedTests + brokenFiles.length === 0) failed++;

// Their output stands far above, before that of all tests.
for (const check of failedChecks) process.stdout.write(`\nfailed: ${check}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs a command to its end; what it writes is kept together, as others write at the same time. */
function outcomeOf(command: string, args: readonly string[]): Promise<{ succeeded: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ succeeded: false, output: `${error.message}\n` }));
    child.on('close', (code) => resolve({ succeeded: code === 0, output }));
  });
}

function readReport(): VitestReport {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}
