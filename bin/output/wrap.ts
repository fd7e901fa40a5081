/** Makes text fit into columns: sentences are wrapped at spaces, names are cut in the middle. */

/**
 * Upper bound of the columns a text takes: two for an East Asian character, and two for a character outside the basic
 * multilingual plane, whose length in UTF-16 is two.
 */
export function displayWidth(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;

/** Spaces, or a word with what is attached to it: a command between backticks is one word. */
const SPACES_OR_WORD = / +|`[^`]*`[^ ]*|[^ ]+/g;

/**
 * Breaks one line of text at spaces into lines of at most `width` columns. What is longer than a line, such as a path, is
 * broken where the line ends. Lines after the first begin with `indent`, and so may the first.
 *
 * @param width whole text on one line if undefined
 */
export function wrapped(text: string, width: number | undefined, indent = ''): string[] {
  if (width === undefined || displayWidth(text) <= width) return [text];
  const room = Math.max(1, width - indent.length);
  const lines: string[] = [];
  let line = indent.slice(0, /^ */.exec(text)?.[0].length);
  let isEmpty = true;
  const end = () => {
    lines.push(line);
    line = indent;
    isEmpty = true;
  };
  let gap = '';
  for (const [found] of text.matchAll(SPACES_OR_WORD)) {
    if (found.startsWith(' ')) {
      gap = found;
      continue;
    }
    for (const piece of displayWidth(found) > room ? piecesOf(found, room) : [found]) {
      if (!isEmpty && displayWidth(line) + gap.length + displayWidth(piece) > width) end();
      line += isEmpty ? piece : `${gap}${piece}`;
      isEmpty = false;
      gap = ' ';
    }
  }
  end();
  return lines;
}

/** A word that is longer than a line: the words of a command, or else pieces as long as a line. */
function piecesOf(word: string, width: number): string[] {
  if (word.includes(' ')) return word.split(' ').flatMap((part) => piecesOf(part, width));
  const pieces: string[] = [];
  let piece = '';
  let columns = 0;
  for (const character of word) {
    const more = displayWidth(character);
    if (columns + more > width && piece !== '') {
      pieces.push(piece);
      piece = '';
      columns = 0;
    }
    piece += character;
    columns += more;
  }
  return [...pieces, piece];
}

/** A text of at most `width` columns: of a longer one the beginning and the end, as most names differ there. */
export function cutInMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  // No more of a long text is looked at than can be shown.
  const first = [...text.slice(0, 2 * width)];
  const last = [...text.slice(-2 * width)].toReversed();
  return `${fitting(first, head).join('')}…${fitting(last, width - 1 - head)
    .toReversed()
    .join('')}`;
}

/** As many of the characters, from the first, as fit. */
function fitting(characters: readonly string[], width: number): string[] {
  let columns = 0;
  const end = characters.findIndex((character) => {
    columns += displayWidth(character);
    return columns > width;
  });
  return characters.slice(0, end < 0 ? undefined : end);
}
