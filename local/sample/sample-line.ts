/** What must become of a sample line: known when it is written, so that a run can be checked against it. */
export interface Fate {
  /** What is special about the line; undefined for everyday traffic. */
  readonly oddity?: string;
  readonly outcome: 'row' | 'filtered' | 'rejected';
  /** Values that do not convert, and values beyond the declared columns. */
  readonly fieldErrors: number;
  readonly unknownFields: number;
}

/** How many records of each kind the duplicate check must find. */
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
  /** What the line is there for besides: a duplicate of another one, or a line too late to be checked. */
  readonly plants?: keyof PlantedDuplicates;
}

/** The fate of everyday traffic: a row, all of it understood. */
export const ORDINARY: Fate = { outcome: 'row', fieldErrors: 0, unknownFields: 0 };

/** What must become of many lines, in the words of the `loads` table. */
export interface Tally {
  lines: number;
  rows: number;
  filtered: number;
  rejected: number;
  fieldErrors: number;
  unknownFields: number;
  /** Lines with something special about them, by what it is. */
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
 * Goes through the oddities in turn, so that each comes equally often: one in every `every` lines.
 * Which one comes first is left to `offset`, or short files would all hold the same ones.
 */
export function oddityAt<T>(oddities: readonly T[], line: number, every: number, offset: number): T | undefined {
  if (line % every !== every - 1) return undefined;
  return oddities[(Math.floor(line / every) + offset) % oddities.length];
}
