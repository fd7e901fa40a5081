import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Holds a lake's folder for this process. */
export interface Lock {
  release(): void;
}

/**
 * Takes a lake's folder: two processes at one folder would do everything twice. The lock of a process
 * that has died is taken over.
 *
 * @throws Error naming the folder and the process that has it.
 */
export function lockFolder(dir: string): Lock {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'lock');
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { flag: 'wx' });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = holderOf(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new Error(`lake ${dir} is in use by process ${holder.pid}: wait for it to end, or use another folder`);
    }
    rmSync(file, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  /** When the process started, where the system tells: ids are given again, in containers at once. */
  readonly started: string;
}

function holderOf(file: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
    return pid === undefined ? undefined : { pid, started: started ?? '' };
  } catch {
    // Gone meanwhile, or its process died while writing it.
    return undefined;
  }
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
