import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Holds a lake's folder for this process. */
export interface Lock {
  release(): void;
}

/**
 * Number of attempts while another process asks for the folder at the same moment, and the longest wait between them.
 */
const ATTEMPTS = 4;
const LONGEST_WAIT_MS = 100;

/**
 * Locks a lake's folder, because two processes in one folder would do everything twice. Each process first writes a
 * file with its own name and then looks for other files, so at least one of two processes sees the other. The lock of a
 * process that has ended does not count. Its name is not used again, so any process may remove it.
 *
 * @throws Error naming the folder and the process that holds it.
 */
export function lockFolder(dir: string): Lock {
  requireWritable(dir);
  const folder = join(dir, LOCKS);
  // Logs are nobody else's: of a lake's folder only its owner may read anything.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const ownName = nameOf({ pid: process.pid, started: startOf(process.pid) });
  const ownLock = join(folder, ownName);
  for (let attempt = 1; ; attempt++) {
    // The file exists already, so this very process holds the lock.
    if (existsSync(ownLock)) throw inUse(dir, process.pid);
    writeFileSync(ownLock, '');
    const other = liveHolder(folder, ownName);
    if (!other) return { release: () => rmSync(ownLock, { force: true }) };
    rmSync(ownLock, { force: true });
    if (attempt === ATTEMPTS) throw inUse(dir, other.pid);
    // The other process may have seen this one too, and given way.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * LONGEST_WAIT_MS);
  }
}

/**
 * Checks that this user may write a lake in the folder, whether it exists already or not.
 *
 * @throws Error that names the folder, and says that it is read-only or what else it is
 */
export function requireWritable(dir: string): void {
  let existing = resolve(dir);
  while (!existsSync(existing)) existing = dirname(existing);
  if (!statSync(existing).isDirectory()) {
    throw new Error(`${dir}: a file, where the folder of a lake was expected; give another one with --lake`);
  }
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch (error) {
    const where = existing === resolve(dir) ? '' : ` (${existing})`;
    throw new Error(
      `${dir}: read-only${where}: this user cannot write there, and a lake that is open writes to its folder; ` +
        'change its permissions, or give another folder with --lake',
      { cause: error },
    );
  }
}

/**
 * Opens something in a lake's folder. The folder stays locked until it is closed, or until opening it fails.
 *
 * @throws Error naming the folder and the process that holds it
 */
export async function openLocked<Opened extends { close(): Promise<void> }>(
  dir: string,
  open: () => Promise<Opened>,
): Promise<Opened> {
  const lock = lockFolder(dir);
  try {
    const opened = await open();
    return {
      ...opened,
      close: async () => {
        await opened.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Folder within a lake's folder, with a file for each process that holds the lake or asks for it. */
export const LOCKS = 'locks';

function inUse(dir: string, pid: number): Error {
  return new Error(`lake ${dir} is in use by process ${pid}: wait for it to end, or use another folder`);
}

interface Holder {
  readonly pid: number;
  /** When the process started, if the system provides it: process ids are reused, in containers even quickly. */
  readonly started: string;
}

function nameOf({ pid, started }: Holder): string {
  return `${pid}-${started}`;
}

function liveHolder(folder: string, ownName: string): Holder | undefined {
  for (const name of readdirSync(folder)) {
    if (name === ownName) continue;
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

/** The 22nd field of Linux's /proc/<pid>/stat, counted after the name, which may contain spaces. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
