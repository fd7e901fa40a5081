/** The command `lake`, as its users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { everydayAlbLines } from './alb.ts';
import { sharedFolder } from './folder.ts';

const LAKE = fileURLToPath(new URL('../../bin/lake.ts', import.meta.url));
const FROM = Date.parse('2026-01-05T10:00:00Z');

/** The folder that it is started in, of the running test file's own. */
export const dir = sharedFolder();

/** What came of a command. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function lake(...args: readonly string[]): Promise<Ended> {
  return lakeIn({}, args);
}

/**
 * @param variables of the environment, which otherwise says nothing of a terminal
 * @param watch is called whenever the command has written to stderr
 */
export function lakeIn(
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
  watch?: (child: ChildProcess, stderr: string) => void,
): Promise<Ended> {
  const { COLUMNS: _, FORCE_COLOR: __, NO_COLOR: ___, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const options = {
      cwd: dir,
      env: { ...env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    };
    const child = spawn(process.execPath, [LAKE, ...args], options);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    if (watch) child.stderr.on('data', () => watch(child, stderr));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Lines of an ALB log, drawn by a seed. */
export const sample = (seed: string, lines: number) =>
  everydayAlbLines(seed, lines, { from: FROM, node: '192.0.2.9' })
    .map((line) => `${line}\n`)
    .join('');

/** The lines a command addresses to its user, without progress. */
export const complaints = ({ stderr }: Ended) => stderr.split('\n').filter((line) => line.startsWith('lake: '));
