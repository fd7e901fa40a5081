import { onTestFinished, vi } from 'vitest';

/** Lets time pass, as performance.now() tells it, until the running test ends. The time of day stays as it is. */
export function passTime(milliseconds: number): void {
  shift(performance, milliseconds);
}

/** Sets the clock forward, or back if `milliseconds` is negative, until the running test ends. No time passes. */
export function stepClock(milliseconds: number): void {
  shift(Date, milliseconds);
}

/** A clock that a test has shifted, by how much, and how it told the time before. */
const shifts = new Map<Clock, { by: number; readonly now: () => number }>();

interface Clock {
  now(): number;
}

function shift(clock: Clock, milliseconds: number): void {
  const before = shifts.get(clock);
  if (before) {
    before.by += milliseconds;
    return;
  }
  const shifted = { by: milliseconds, now: clock.now.bind(clock) };
  shifts.set(clock, shifted);
  const spy = vi.spyOn(clock, 'now').mockImplementation(() => shifted.now() + shifted.by);
  onTestFinished(() => {
    spy.mockRestore();
    shifts.delete(clock);
  });
}
