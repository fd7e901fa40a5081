/** A text as a policy writes it, in which `*` stands for any characters and `?` for one. */
export type Pattern = (text: string) => boolean;

/** Compiles a pattern. Most are a plain text, or one that ends in a star. */
export function patternOf(pattern: string): Pattern {
  if (pattern === '*') return () => true;
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const start = pattern.slice(0, -1);
  if (pattern.endsWith('*') && !/[*?]/.test(start)) return (text) => text.startsWith(start);
  return (text) => matches(pattern, text);
}

/** Goes back to the last star alone, which is enough: an earlier one need never take more. */
function matches(pattern: string, text: string): boolean {
  let [at, position] = [0, 0];
  let [star, taken] = [-1, 0];
  while (position < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      taken = position;
    } else if (pattern[at] === '?' || pattern[at] === text[position]) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++taken;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Parts of an ARN before that which names the resource, which may have colons of its own. */
const PARTS = 6;

/** Compiles an ARN with wildcards, each of which stands for characters within one part. A star alone is any ARN. */
export function arnPatternOf(pattern: string): Pattern {
  if (pattern === '*') return () => true;
  const parts = partsOf(pattern).map(patternOf);
  return (arn) => {
    const given = partsOf(arn);
    return given.length === parts.length && parts.every((part, index) => part(given[index] as string));
  };
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, PARTS - 1), parts.slice(PARTS - 1).join(':')];
}
