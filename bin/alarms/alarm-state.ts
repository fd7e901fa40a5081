import type { State } from './evaluate.ts';

/** What `lake alarms` shows of an alarm. */
export interface AlarmState {
  readonly name: string;
  readonly state: State;
  readonly reason: string;
  /** What has happened, what to type first, and where to read on. */
  readonly description: string;
  /** When the state began, if that is known. */
  readonly since?: string;
  /** Whether somebody is told, if that is known. */
  readonly actions?: boolean;
}

/** Those first that somebody has to look at; otherwise in the order of the template. */
export function inOrder(alarms: readonly AlarmState[]): AlarmState[] {
  return alarms.toSorted((a, b) => Number(b.state === 'ALARM') - Number(a.state === 'ALARM'));
}
