/** Duplicates planted in the sample, each of a known kind. */
import type { PlantedDuplicates, SampleLine } from './sample-line.ts';

/** One everyday line in so many comes twice, the second right after: a payload's end seldom lies between. */
const REPEATED_EVERY = 400;

/** Lines, some of which come again in the same file. */
export function* repeated(lines: Iterable<SampleLine>): Generator<SampleLine> {
  for (const [index, line] of everyday(lines)) {
    yield line;
    if (index % REPEATED_EVERY === REPEATED_EVERY - 1) yield { ...line, plants: 'withinObject' };
  }
}

/** One everyday line in so many is written to another file too, as by a sender that tries again. */
const CARRIED_EVERY = 900;

/** Some of another file's lines. */
export function* carried(lines: Iterable<SampleLine>): Generator<SampleLine> {
  for (const [index, line] of everyday(lines)) {
    if (index % CARRIED_EVERY === CARRIED_EVERY - 1) yield { ...line, plants: 'acrossObjects' };
  }
}

/** All lines, marked as what they are in this file. */
export function* marked(lines: Iterable<SampleLine>, plants: keyof PlantedDuplicates): Generator<SampleLine> {
  for (const line of lines) yield { ...line, plants };
}

/** Lines with their number among everyday lines; -1 for others. */
function* everyday(lines: Iterable<SampleLine>): Generator<[index: number, line: SampleLine]> {
  let index = 0;
  for (const line of lines) yield [line.fate.oddity === undefined ? index++ : -1, line];
}
