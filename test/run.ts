/**
 * `npm test`: lint, types, docs and every test, all of them even when one fails, and at the end one
 * line with the true counts. Arguments are handed to vitest: `npm test -- test/lambdas/core`.
 */
import { spawnSync } from 'node:child_process';
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

for (const [command, ...args] of CHECKS) {
  const check = [command, ...args].join(' ');
  process.stdout.write(`\n> ${check}\n`);
  if (run(command, args)) passed++;
  else failedChecks.push(check);
}
failed += failedChecks.length;

const folder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
const reportFile = join(folder, 'report.json');
const succeeded = run('vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile=${reportFile}`,
  ...process.argv.slice(2),
]);
const report = readReport();
rmSync(folder, { recursive: true });
passed += report.numPassedTests;
failed += report.numFailedTests;
// A file that does not load has no tests that could fail; neither has a runner that died.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
);
failed += brokenFiles.length;
if (!succeeded && report.numFailedTests + brokenFiles.length === 0) failed++;

// Their output stands far above, before that of all tests.
for (const check of failedChecks) process.stdout.write(`\nfailed: ${check}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

function readReport(): VitestReport {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}
