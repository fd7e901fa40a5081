/** Which tables are committed to now, and in which order. */
import { createHash } from 'node:crypto';
import type { WaitingTable } from './waiting-files.ts';

export interface DueOptions {
  /** The time of this run, in milliseconds since the epoch: it decides what has waited long enough. */
  readonly dueAt: number;
  /** Milliseconds after which files wait no longer for others. */
  readonly intervalMs: number;
  /** A table that many of its kind share a source with: its few files wait longer. */
  readonly isQuiet: (table: string) => boolean;
}

/** Files of quiet tables wait until there are so many bytes, or until the turn of their table, which it has once in this time. */
export const QUIET_BYTES = 32 * 1024 * 1024;
export const QUIET_MS = 60 * 60_000;

const MINUTE_MS = 60_000;

/** The tables whose files have waited long enough; quiet ones, of which there may be thousands, after all others. */
export function dueOf<Table extends WaitingTable>(waiting: Iterable<Table>, options: DueOptions): Table[] {
  const first: Table[] = [];
  const quiet: Table[] = [];
  for (const each of waiting) if (isDue(each, options)) (options.isQuiet(each.table) ? quiet : first).push(each);
  return [...first, ...rotated(quiet, options.dueAt)];
}

function isDue({ table, bytes, since }: WaitingTable, { dueAt, intervalMs, isQuiet }: DueOptions): boolean {
  const from = Date.parse(since) + intervalMs;
  if (dueAt < from) return false;
  return !isQuiet(table) || bytes >= QUIET_BYTES || lastTurn(table, dueAt) >= from;
}

/**
 * The last time until now at which it was the turn of a quiet table: each has one of the minutes of an hour. The commits of many
 * tables are so spread over the hour, though all of them get files at the same time.
 */
function lastTurn(table: string, now: number): number {
  const minutes = QUIET_MS / MINUTE_MS;
  const turn = (createHash('sha256').update(table).digest().readUInt32BE() % minutes) * MINUTE_MS;
  return Math.floor((now - turn) / QUIET_MS) * QUIET_MS + turn;
}

/** Minutes times this, without what is whole, lie far from each other. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/** Where a run takes longer than a minute, the next one begins somewhere else, and each finds made what the other has made. */
function rotated<Of>(all: readonly Of[], dueAt: number): Of[] {
  const start = Math.floor((((dueAt / MINUTE_MS) * GOLDEN_RATIO) % 1) * all.length);
  return [...all.slice(start), ...all.slice(0, start)];
}
