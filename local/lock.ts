import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Holds a lake's folder for this process. */
export interface Lock {
  release(): void;
}

/** Times a folder is tried that another process asks for at the same moment, and the longest wait between. */
const ATTEMPTS = 4;
const LONGEST_WAIT_MS = 100;

/**
 * Takes a lake's folder: two processes at one folder would do everything twice. Each that wants it writes
 * down its own name first and looks for others then, so that of two at least one sees the other. The lock
 * of a process that has died does not count: its name is no other's, so anyone may remove it.
 *
 * @throws Error naming the folder and the process that has it.
 */
export function lockFolder(dir: string): Lock {
  const folder = join(dir, LOCKS);
  mkdirSync(folder, { recursive: true });
  const own = nameOf({ pid: process.pid, started: startOf(process.pid) });
  const mine = join(folder, own);
  for (let attempt = 1; ; attempt++) {
    // There already: this very process has it.
    if (existsSync(mine)) throw inUse(dir, process.pid);
    writeFileSync(mine, '');
    const other = liveHolder(folder, own);
    if (!other) return { release: () => rmSync(mine, { force: true }) };
    rmSync(mine, { force: true });
    if (attempt === ATTEMPTS) throw inUse(dir, other.pid);
    // It may have seen this one too, and have given way.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * LONGEST_WAIT_MS);
  }
}

/** Below a lake's folder, a file for each process that has it or asks for it. It is there from the first on. */
export const LOCKS = 'locks';

function inUse(dir: string, pid: number): Error {
  return new Error(`lake ${dir} is in use by process ${pid}: wait for it to end, or use another folder`);
}

interface Holder {
  readonly pid: number;
  /** When the process started, where the system tells: ids are given again, in containers at once. */
  readonly started: string;
}

function nameOf({ pid, started }: Holder): string {
  return `${pid}-${started}`;
}

function liveHolder(folder: string, own: string): Holder | undefined {
  for (const name of readdirSync(folder)) {
    if (name === own) continue;
    const [pid = '', started = ''] = name.split('-');
    const holder = { pid: Number(pid), started };
    if (isAlive(holder)) return holder;
    rmSync(join(folder, name), { force: true });
  }
  return undefined;
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return startOf(pid) === started;
}

/** The 22nd field of Linux's /proc/<pid>/stat, counted after the name, which may hold spaces. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
