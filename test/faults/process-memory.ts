import { existsSync, readFileSync } from 'node:fs';

/** Can the memory of other processes be looked up here? Linux only. */
export const MEMORY_IS_TOLD = existsSync('/proc/self/status');

/** The most memory a running process ever had, in MiB. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
export function peakMemoryMib(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
