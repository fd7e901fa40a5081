/** Duplicates planted in the sample, each of a known kind. */
import type { PlantedDuplicates, SampleLine } from './sample-line.ts';

/** One everyday line in this many is repeated immediately, so both are mostly in the same payload. */
const REPEATED_EVERY = 400;

/** Yields lines, and repeats some of them in the same file. */
export function* repeated(lines: Iterable<SampleLine>): Generator<SampleLine> {
  for (const [index, line] of everyday(lines)) {
    yield line;
    if (index % REPEATED_EVERY === REPEATED_EVERY - 1) yield { ...line, plants: 'withinObject' };
  }
}

/** One everyday line in this many is also written to another file, as by a sender that tries again. */
const CARRIED_EVERY = 900;

/** Some of another file's lines. */
export function* carried(lines: Iterable<SampleLine>): Generator<SampleLine> {
  for (const [index, line] of everyday(lines)) {
    if (index % CARRIED_EVERY === CARRIED_EVERY - 1) yield { ...line, plants: 'acrossObjects' };
  }
}

/** All lines, marked with the kind of duplicate that they are in this file. */
export function* marked(lines: Iterable<SampleLine>, plants: keyof PlantedDuplicates): Generator<SampleLine> {
  for (const line of lines) yield { ...line, plants };
}

/** Lines with their number among everyday lines; -1 for others. */
function* everyday(lines: Iterable<SampleLine>): Generator<[index: number, line: SampleLine]> {
  let index = 0;
  for (const line of lines) yield [line.fate.oddity === undefined ? index++ : -1, line];
}
