/** Text for a terminal: tables, numbers, and log text with its control characters escaped. */
import Table from 'cli-table3';

/** A table's column. */
export interface RenderColumn {
  readonly name: string;
  /** @default left */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/**
 * An aligned table without lines. Control characters in values are escaped. If `width` is given, the values in the
 * widest columns are cut, with `…`, until a line fits.
 *
 * @param width width of the terminal; undefined if the text is not written to a terminal
 */
export function renderTable(
  columns: readonly RenderColumn[],
  rows: readonly (readonly string[])[],
  width: number | undefined = terminalWidth(),
): string {
  const cells = rows.map((row) => row.map(escapeControls));
  const head = columns.map(({ name }) => escapeControls(name));
  const natural = head.map((name, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), displayWidth(name)),
  );
  const colWidths = fitting(natural, width);
  const options = {
    colWidths,
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: NO_LINES,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  };
  const blocks = [cells.slice(0, ROWS_PER_BLOCK)];
  for (let at = ROWS_PER_BLOCK; at < cells.length; at += ROWS_PER_BLOCK)
    blocks.push(cells.slice(at, at + ROWS_PER_BLOCK));
  const lines = blocks.flatMap((block, index) => {
    const table = new Table({ ...options, head: index === 0 ? head : [] });
    for (const row of block) table.push(row.map((cell, column) => ahead(cell, colWidths[column])));
    return table.toString().split('\n');
  });
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Laying out n rows takes the library O(n²); with fixed column widths, several blocks look like one table. */
const ROWS_PER_BLOCK = 50;

/** A value's visible part and one more character, which makes the library mark the cut. It cuts long values slowly. */
function ahead(cell: string, width = 0): string {
  return cell.slice(0, width + 1);
}

/** `1234567` as `1,234,567`. */
export function thousands(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** A number with its noun in the singular or plural: `1 file`, `2,000 files`. */
export function quantity(count: number, noun: string, plural = `${noun}s`): string {
  return `${thousands(count)} ${count === 1 ? noun : plural}`;
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

/**
 * Upper bound of the columns a text takes: two for an East Asian character, and two for a character outside the basic
 * multilingual plane, whose length in UTF-16 is two.
 */
function displayWidth(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;

/** Column widths that fit into `total`: the widest columns are narrowed first, so that narrow ones stay whole. */
function fitting(widths: readonly number[], total: number | undefined): number[] {
  if (total === undefined) return [...widths];
  const space = total - GAP.length * (widths.length - 1);
  let open = widths.length;
  let left = space;
  let share = left;
  for (const width of widths.toSorted((a, b) => a - b)) {
    share = Math.floor(left / open);
    if (width > share) break;
    left -= width;
    open--;
  }
  const limit = open === 0 ? Number.POSITIVE_INFINITY : Math.max(share, MIN_WIDTH);
  return widths.map((width) => Math.min(width, limit));
}

/** Values cut shorter than this are useless: a table with very many columns becomes wider than the terminal instead. */
const MIN_WIDTH = 4;

function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: GAP,
};
