/** CPU time and memory of another process on this machine. */
import { existsSync, readFileSync } from 'node:fs';

/** Whether this system reports the CPU time and memory of other processes: only Linux does. */
export const CAN_MEASURE_PROCESSES = existsSync('/proc/self/stat');

/** The value on every Linux that Node runs on. https://man7.org/linux/man-pages/man7/time.7.html */
const TICKS_PER_SECOND = 100;

/**
 * CPU milliseconds of a running process so far, user and system, of all its threads, including ended ones; in steps
 * of 10. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function cpuMillis(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

/** Peak memory of a running process so far, in MiB. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
export function peakMemoryMib(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
