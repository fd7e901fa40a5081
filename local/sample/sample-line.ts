/** The expected outcome of a sample line. It is known when the line is written, so a run can be checked against it. */
export interface Fate {
  /** What is special about the line; undefined for everyday traffic. */
  readonly oddity?: string;
  readonly outcome: 'row' | 'filtered' | 'rejected';
  /** Number of values that do not convert, and of values beyond the declared columns. */
  readonly fieldErrors: number;
  readonly unknownFields: number;
}

/** The number of records of each kind that the duplicate check must find. */
export interface PlantedDuplicates {
  withinObject: number;
  acrossObjects: number;
  /** Objects delivered a second time. */
  redelivered: number;
  /** Records too old to be checked. */
  outsideWindow: number;
}

export function noDuplicates(): PlantedDuplicates {
  return { withinObject: 0, acrossObjects: 0, redelivered: 0, outsideWindow: 0 };
}

export interface SampleLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
  readonly fate: Fate;
  /** Set if the line is planted for the duplicate check: a duplicate of another line, or a line outside the window. */
  readonly plants?: keyof PlantedDuplicates;
}

/** The outcome of everyday traffic: a row without errors or unknown fields. */
export const ORDINARY: Fate = { outcome: 'row', fieldErrors: 0, unknownFields: 0 };

/** The expected outcome of many lines, with the counts of the `loads` table. */
export interface Tally {
  lines: number;
  rows: number;
  filtered: number;
  rejected: number;
  fieldErrors: number;
  unknownFields: number;
  /** Number of odd lines, by kind. */
  readonly oddities: Map<string, number>;
}

export function emptyTally(): Tally {
  return { lines: 0, rows: 0, filtered: 0, rejected: 0, fieldErrors: 0, unknownFields: 0, oddities: new Map() };
}

const COUNTER = { row: 'rows', filtered: 'filtered', rejected: 'rejected' } as const;

export function count(tally: Tally, { oddity, outcome, fieldErrors, unknownFields }: Fate): void {
  tally.lines++;
  tally[COUNTER[outcome]]++;
  tally.fieldErrors += fieldErrors;
  tally.unknownFields += unknownFields;
  if (oddity) tally.oddities.set(oddity, (tally.oddities.get(oddity) ?? 0) + 1);
}

/**
 * Cycles through the oddities, so that each is equally frequent: one line in `every` is odd. `offset` selects the first
 * one; without it, short files would all contain the same ones.
 */
export function oddityAt<T>(oddities: readonly T[], line: number, every: number, offset: number): T | undefined {
  if (line % every !== every - 1) return undefined;
  return oddities[(Math.floor(line / every) + offset) % oddities.length];
}
