/** Before and after a run of vitest: one folder for what the fault suite's files share, one table of what they found. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { renderTable, thousands } from '../../bin/output/render.ts';
import { type FaultRun, faultRuns } from './report.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by all test files of a run. */
    readonly faultsFolder: string;
  }
}

export function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-faults-'));
  provide('faultsFolder', folder);
  return () => {
    const runs = faultRuns(folder);
    if (runs.length > 0) process.stdout.write(`\n${tableOf(runs)}\n`);
    if (existsSync(folder)) rmSync(folder, { recursive: true });
  };
}

const COUNTS = ['runs', 'faults', 'lines', 'lost', 'repeated', 'rejected', 'deadLetters'] as const;

function tableOf(runs: readonly FaultRun[]): string {
  const row = (name: string, of: readonly FaultRun[]) => [
    name,
    ...COUNTS.map((count) => thousands(of.reduce((sum, run) => sum + run[count], 0))),
  ];
  return renderTable(
    [{ name: 'fault' }, ...COUNTS.map((name) => ({ name, align: 'right' as const }))],
    [...runs.map((run) => row(run.name, [run])), row('all', runs)],
  );
}
