import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of the table that the fault suite prints. */
export interface FaultRun {
  readonly name: string;
  /** Objects and payloads loaded. */
  readonly runs: number;
  /** Faults that hit. */
  readonly faults: number;
  readonly lines: number;
  /** Lines that should be rows or rejected lines, and are not. */
  readonly lost: number;
  /** Rows more than once in the table, recognisable by origin and position. */
  readonly repeated: number;
  readonly rejected: number;
  readonly deadLetters: number;
}

const FILE = 'runs.jsonl';

/** Notes a run for the table in the folder that all test files share: each is a process of its own. */
export function report(folder: string, run: FaultRun): void {
  appendFileSync(join(folder, FILE), `${JSON.stringify(run)}\n`);
}

/** What has been noted, in the order of the names. */
export function faultRuns(folder: string): FaultRun[] {
  const file = join(folder, FILE);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as FaultRun).sort((a, b) => a.name.localeCompare(b.name));
}
