/** What the terminal can show: how wide it is, and whether in colours. */
import { styleText } from 'node:util';

/** A stream that may be a terminal. */
export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;

/**
 * Columns that a line may have: of the variable COLUMNS, if it is set, or else of the terminal. Undefined without either:
 * what a file or another program gets is neither cut nor wrapped.
 */
export function terminalWidth(stream: Output = process.stdout): number | undefined {
  const given = Number(process.env.COLUMNS);
  if (Number.isInteger(given) && given > 0) return Math.max(given, MIN_TERMINAL);
  return stream.isTTY && stream.columns ? Math.max(stream.columns, MIN_TERMINAL) : undefined;
}

/** Nothing useful can be laid out in less. */
const MIN_TERMINAL = 20;

/** What a colour means. Only what is wrong has one. */
export type Mark = 'bad' | 'warning';

const COLOURS = { bad: 'red', warning: 'yellow' } as const;

/**
 * Colours a text if the stream is a terminal that shows colours: not with the variable NO_COLOR, and always with
 * FORCE_COLOR. The text must not contain anything that a terminal obeys.
 */
export function marked(text: string, mark: Mark, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(COLOURS[mark], text, { stream });
}

export function showsColours(stream: NodeJS.WriteStream): boolean {
  return marked('?', 'bad', stream) !== '?';
}

/** The sequences that `marked` writes. */
export const MARKS = /(\x1b\[(?:31|33|39)m)/;
