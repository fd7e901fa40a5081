/** Finds what was meant by a name that is not known. */

/**
 * `, did you mean x?` for the known name that is most like the given one, or nothing. Names are alike if one begins with
 * the other, or if few letters have to be changed; capitals make no difference.
 */
export function didYouMean(given: string, known: readonly string[]): string {
  const name = nearest(given, known);
  return name === undefined ? '' : `, did you mean ${name}?`;
}

/** Longer names than this are no slip of the fingers. */
const MAX_CHARS = 64;

/** The known name that is most like the given one; undefined if none is. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > MAX_CHARS) return undefined;
  const wanted = given.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const changes = changesBetween(wanted, name.toLowerCase());
    if (changes < least && isNear(wanted, name.toLowerCase(), changes)) {
      best = name;
      least = changes;
    }
  }
  return best;
}

/** Fewer letters than this at the beginning of a name say too little. */
const MIN_COMMON = 4;

function isNear(wanted: string, name: string, changes: number): boolean {
  const shorter = Math.min(wanted.length, name.length);
  if (shorter >= MIN_COMMON && (name.startsWith(wanted) || wanted.startsWith(name))) return true;
  return changes <= Math.max(1, Math.floor(shorter / 3));
}

/** Number of letters to insert, remove or replace, or of neighbours to swap, that make one text of the other. */
function changesBetween(one: string, other: string): number {
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let changes = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) changes = Math.min(changes, (before[column - 2] ?? 0) + 1);
      current.push(changes);
    }
    before = above;
    above = current;
  }
  return above[other.length] ?? 0;
}
