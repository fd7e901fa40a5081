/**
 * Finds where one JSON object ends and the next one begins, in text that has several behind each other without a line end
 * between them, as Firehose writes records that were sent without one:
 * https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
 *
 * A line is cut before an object that follows another one, with nothing or white space between them. So a line is cut
 * only from its beginning on: what follows something else than an object stays in one piece, up to the line's end.
 * Where a line is cut follows from its bytes up to there alone, so that every reading cuts it in the same places.
 */

const [OPENING_BRACE, CLOSING_BRACE, OPENING_BRACKET, CLOSING_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const [QUOTE, BACKSLASH, SPACE, TAB, RETURN, LINE_FEED] = [0x22, 0x5c, 0x20, 0x09, 0x0d, 0x0a];
/** The bytes of a byte order mark. */
const [BOM_1, BOM_2, BOM_3] = [0xef, 0xbb, 0xbf];

/** Where in a line the scanner is: before its object, in it, in a string of it, behind it, or in other text. */
const [BEFORE, WITHIN, STRING, BEHIND, OTHER] = [0, 1, 2, 3, 4];

/** Scans the bytes of one line, in parts of any size. */
export class ObjectScanner {
  #place = BEFORE;
  /** Number of objects and lists that are open. */
  #depth = 0;
  /** The last byte was a backslash in a string. */
  #escaped = false;

  /** Begins a line. */
  reset(): void {
    this.#place = BEFORE;
  }

  /**
   * Scans bytes, which follow those that have been scanned.
   *
   * @param from offset in the bytes from which on to scan
   * @returns the offset at which the next object begins, from which on to scan next; -1 if there is none in the bytes
   */
  next(bytes: Uint8Array, from: number): number {
    let place = this.#place;
    let depth = this.#depth;
    let escaped = this.#escaped;
    let at = from;
    for (; at < bytes.length && place !== OTHER; at++) {
      const byte = bytes[at] as number;
      if (place === STRING) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) place = WITHIN;
      } else if (place === WITHIN) {
        if (byte === QUOTE) place = STRING;
        else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth++;
        else if ((byte === CLOSING_BRACE || byte === CLOSING_BRACKET) && --depth === 0) place = BEHIND;
      } else if (byte === OPENING_BRACE) {
        if (place === BEHIND) {
          this.#place = BEFORE;
          return at;
        }
        place = WITHIN;
        depth = 1;
      } else if (!isSpace(byte) && (place === BEHIND || !isOfBom(byte))) place = OTHER;
    }
    this.#place = place;
    this.#depth = depth;
    this.#escaped = escaped;
    return -1;
  }
}

/** Offsets in a line at which its objects begin; of a line that is not several objects, 0 alone. */
export function objectStarts(line: Uint8Array): number[] {
  const scanner = new ObjectScanner();
  const starts = [0];
  for (let next = scanner.next(line, 0); next > 0; next = scanner.next(line, next)) starts.push(next);
  return starts;
}

/** The end of the text that white space follows up to `end`. */
export function endWithoutSpace(bytes: Uint8Array, end: number): number {
  let at = end;
  while (at > 0 && isSpace(bytes[at - 1] as number)) at--;
  return at;
}

function isOfBom(byte: number): boolean {
  return byte === BOM_1 || byte === BOM_2 || byte === BOM_3;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN || byte === LINE_FEED;
}
