/** Text for a terminal: tables, numbers, and log text with its control characters escaped. */
import Table from 'cli-table3';
import { type Mark, marked, terminalWidth } from './terminal.ts';
import { cutInMiddle, displayWidth, wrapped } from './wrap.ts';

/** A table's column. */
export interface RenderColumn {
  readonly name: string;
  /**
   * `right` is for numbers, which are never cut.
   *
   * @default left
   */
  readonly align?: 'left' | 'right';
  /**
   * Whether the values are sentences, which are wrapped at spaces. Others are names (paths, ids, URLs, lines of a log),
   * which are cut in the middle.
   */
  readonly wrap?: true;
}

/** A value, or one that is wrong, which has a colour on a terminal. */
export type Cell = string | { readonly text: string; readonly mark: Mark };

const GAP = '  ';

/** A column of names or sentences gets at least this width, if its values have it. */
const MIN_WIDTH = 16;

/**
 * An aligned table without lines. Control characters in values are escaped. If a line does not fit into `width`, the
 * widest columns are narrowed. If that does not suffice, the rows are shown one under the other, as `renderRecords` does.
 *
 * @param width width of the terminal; undefined if the text is not written to a terminal
 */
export function renderTable(
  columns: readonly RenderColumn[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const cells = rows.map((row) => row.map((cell) => escapeControls(textOf(cell))));
  const head = columns.map(({ name }) => escapeControls(name));
  const widest = head.map((_, index) => cells.reduce((most, row) => Math.max(most, displayWidth(row[index] ?? '')), 0));
  const colWidths = columnWidths(columns, head, widest, width);
  if (!colWidths) return renderRecords(columns, rows, width);
  const options = {
    colWidths,
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: NO_LINES,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  };
  const laidOut = cells.map((row, at) =>
    row.map((cell, index) => {
      const lines = columns[index]?.wrap ? wrapped(cell, colWidths[index]) : [cutInMiddle(cell, colWidths[index] ?? 0)];
      return lines.map((line) => markedLike(rows[at]?.[index], line)).join('\n');
    }),
  );
  const headLines = head.map((name, index) => wrapped(name, colWidths[index]).join('\n'));
  const lines: string[] = [];
  for (let at = 0; at === 0 || at < laidOut.length; at += ROWS_PER_BLOCK) {
    const table = new Table({ ...options, head: at === 0 ? headLines : [] });
    table.push(...laidOut.slice(at, at + ROWS_PER_BLOCK));
    lines.push(...table.toString().split('\n'));
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Laying out n rows takes the library O(n²); with fixed column widths, several blocks look like one table. */
const ROWS_PER_BLOCK = 50;

/**
 * Rows one under the other, each value in full beside the name of its column and on as many lines as it needs. A value
 * that is null or empty has nothing beside its name.
 */
export function renderRecords(
  columns: readonly RenderColumn[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const records = rows.map((row, at) => {
    const record = columns.map(({ name }, index): [string, Cell] => [name, row[index] ?? '']);
    return `row ${thousands(at + 1)} of ${thousands(rows.length)}\n${renderRecord(record, width)}`;
  });
  return records.length > 0 ? records.join('\n\n') : `no rows of ${columns.map(({ name }) => name).join(', ')}`;
}

/** One row: each value in full beside its name, on as many lines as it needs. */
export function renderRecord(
  values: readonly (readonly [name: string, value: Cell])[],
  width: number | undefined = terminalWidth(),
): string {
  const names = values.map(([name]) => escapeControls(name));
  const nameWidth = Math.max(0, ...names.map(displayWidth));
  const indent = ' '.repeat(nameWidth + 2 * GAP.length);
  const room = width === undefined ? undefined : Math.max(MIN_WIDTH, width - indent.length);
  const lines = values.flatMap(([, cell], index) => {
    const name = names[index] ?? '';
    const before = `${GAP}${name}${' '.repeat(nameWidth - displayWidth(name))}${GAP}`;
    const [first = '', ...others] = wrapped(escapeControls(textOf(cell)), room);
    return [`${before}${markedLike(cell, first)}`, ...others.map((line) => `${indent}${markedLike(cell, line)}`)];
  });
  return lines.map((line) => line.trimEnd()).join('\n');
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function markedLike(cell: Cell | undefined, text: string): string {
  return typeof cell === 'object' && text !== '' ? marked(text, cell.mark) : text;
}

/**
 * The widths of the columns in a line of at most `total`: the widest columns are narrowed first, so that narrow ones stay
 * whole. Undefined if the columns do not fit.
 *
 * @param widest width of the widest value of each column
 */
function columnWidths(
  columns: readonly RenderColumn[],
  head: readonly string[],
  widest: readonly number[],
  total: number | undefined,
): number[] | undefined {
  const natural = widest.map((width, index) => Math.max(width, displayWidth(head[index] ?? '')));
  if (total === undefined) return natural;
  const least = columns.map(({ align }, index) => {
    const longestWord = Math.max(...(head[index] ?? '').split(' ').map(displayWidth));
    const value = widest[index] ?? 0;
    return Math.max(longestWord, align === 'right' ? value : Math.min(value, MIN_WIDTH));
  });
  const space = total - GAP.length * (columns.length - 1);
  for (let level = space; level >= 0; level--) {
    const widths = natural.map((most, index) => Math.min(most, Math.max(level, least[index] ?? 0)));
    if (widths.reduce((sum, width) => sum + width, 0) <= space) return widths;
  }
  return undefined;
}

/** `1234567` as `1,234,567`. */
export function thousands(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** A number with its noun in the singular or plural: `1 file`, `2,000 files`. */
export function quantity(count: number, noun: string, plural = `${noun}s`): string {
  return `${thousands(count)} ${count === 1 ? noun : plural}`;
}

/** Names of many things: the first of them, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${thousands(names.length - most)} more` : shown;
}

/** Bytes in the largest unit in which the number is at least 1: 1536 as `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const unit = UNITS.findLast(({ size }) => bytes >= size) ?? { size: 1, name: 'B' };
  return `${(bytes / unit.size).toFixed(unit.size === 1 ? 0 : 1)} ${unit.name}`;
}

const UNITS = [
  { size: 1, name: 'B' },
  { size: 1024, name: 'KiB' },
  { size: 1024 ** 2, name: 'MiB' },
  { size: 1024 ** 3, name: 'GiB' },
  { size: 1024 ** 4, name: 'TiB' },
];

/**
 * Escapes the characters that a terminal would interpret: escape sequences, line breaks, marks that change the
 * direction of text. Log lines may contain any of them.
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) => {
    const code = control.charCodeAt(0);
    return SHORT.get(control) ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

/** JSON that is safe on a terminal: JSON.stringify itself does not escape DEL, C1 controls and direction marks. */
export function jsonText(value: unknown): string {
  const json = JSON.stringify(value, undefined, 2);
  return json.replace(BEYOND_ASCII_CONTROLS, (control) => `\\u${hex(control.charCodeAt(0), 4)}`);
}

const CONTROLS = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const BEYOND_ASCII_CONTROLS = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: GAP,
};
