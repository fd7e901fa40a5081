/** Guesses by which format, and with which of its options, the lines of a file are read best. */

import { type JsonPreset, PRESETS } from '../../lambdas/core/formats/json-presets.ts';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { type Format, type FormatOptions, readLine } from '../../lambdas/core/reading/format.ts';
import type { Member } from '../../lambdas/core/reading/json-text.ts';
import { recordFinder } from '../../lambdas/core/reading/record-envelope.ts';
import { Row } from '../../lambdas/core/reading/row.ts';
import { type Declared, isWithin, proposeColumns } from './json-columns.ts';

/** A format with options that reads the lines. */
export interface Guess {
  readonly format: string;
  readonly options: FormatOptions;
  /** Share of the lines, without filtered ones, that are rows without an error; 0 to 1. */
  readonly share: number;
  /** Values in columns, and fields that no column takes, of all rows. */
  readonly values: number;
  readonly unknown: number;
  /** Values that could not be converted. */
  readonly errors: number;
}

/** Lines that are tried. */
export const SAMPLE_LINES = 500;

/** Share of the lines that must be rows without an error. */
const MIN_SHARE = 0.5;
/** A row of fewer values says too little: prose may give one by chance. */
const MIN_VALUES = 3;

/** The formats in the order in which they win where they leave nothing: Kong's reads lines of nginx too. */
const ORDER = ['alb', 'nginx', 'kong', 'kong-json'];
const rank = ({ format }: Pick<Guess, 'format'>) => ORDER.indexOf(format);

/**
 * The formats that read the lines, the best first. A format of its own goes before `json`, which reads any object.
 *
 * @param asked only this format, and these options if there are any
 */
export function guessFormats(
  lines: readonly string[],
  asked: { readonly format?: string; readonly options?: FormatOptions } = {},
): Guess[] {
  const { format, options = {} } = asked;
  const isGiven = Object.keys(options).length > 0;
  const candidates = [...FORMATS.keys()].filter((name) =>
    format === undefined ? !isGiven || name !== 'json' : name === format,
  );
  const own = candidates
    .filter((name) => name !== 'json')
    .flatMap((name) => (isGiven ? [options] : presetsOf(name)).map((each) => guessOf(name, each, lines)));
  const isJson = candidates.includes('json');
  const json = !isJson ? [] : isGiven ? [guessOf('json', options, lines)] : jsonGuess(lines);
  const byShare = own
    .filter(isGood)
    .toSorted((a, b) => b.share - a.share || a.unknown - b.unknown || rank(a) - rank(b) || b.values - a.values);
  return [...byShare, ...json.filter(isGood)];
}

function isGood({ share, values, unknown }: Guess): boolean {
  return share >= MIN_SHARE && values > unknown;
}

/** The options that a format is tried with: each preset of a log_format. */
function presetsOf(name: string): FormatOptions[] {
  const presets = name === 'json' ? [] : (FORMATS.get(name)?.options.preset?.values ?? []);
  return presets.length > 0 ? presets.map((preset) => ({ preset })) : [{}];
}

function guessOf(format: string, options: FormatOptions, lines: readonly string[]): Guess {
  const { reader, columns } = (FORMATS.get(format) as Format).compile(options);
  const row = new Row(columns);
  const counts = { read: 0, rows: 0, values: 0, unknown: 0, errors: 0 };
  for (const line of lines) {
    row.begin();
    const { kind } = readLine(reader, line, row);
    if (kind === 'filtered') continue;
    counts.read++;
    if (kind !== 'row') continue;
    counts.values += row.values;
    counts.unknown += row.unknownFields;
    counts.errors += row.fieldErrors;
    if (row.fieldErrors === 0 && row.values >= Math.min(MIN_VALUES, row.values + row.unknownFields)) counts.rows++;
  }
  const { read, rows, ...others } = counts;
  return { format, options, share: read === 0 ? 0 : rows / read, ...others };
}

/** The preset that takes most, with further columns for the other keys, or else columns for all keys. */
function jsonGuess(lines: readonly string[]): Guess[] {
  const records = recordsIn(lines);
  if (records.length === 0) return [];
  const proposed = proposeColumns(records);
  const paths = Object.entries(proposed).map(([name, column]) => pathOf(name, column));
  const [best] = Object.entries(PRESETS)
    .filter(([, preset]) => isLike(paths, preset))
    .map(([preset]) => guessOf('json', { preset }, lines))
    .filter((guess) => isGood(guess) && guess.values >= MIN_VALUES * records.length)
    .toSorted((a, b) => b.values - a.values);
  const columns = columnsBeside(proposed, best?.options.preset, lines);
  if (Object.keys(columns).length === 0) return best ? [best] : [];
  return [guessOf('json', { ...best?.options, columns }, lines)];
}

/** Share of a preset's columns that must be in the records, and how many keys that other logs will hardly have. */
const MIN_PRESENT = 0.25;
const MIN_TYPICAL = 2;

/** Whether records with these paths are likely of a preset: a time, a level and a message are in many logs. */
function isLike(paths: readonly string[], { columns }: JsonPreset): boolean {
  const present = [...columns.values()].filter(({ from }) => paths.some((path) => isWithin(path, from.toLowerCase())));
  const typical = present.filter(({ from }) => /[.@A-Z]/.test(from) && from !== '@timestamp');
  return present.length >= MIN_PRESENT * columns.size || typical.length >= MIN_TYPICAL;
}

/** In lower case, as keys match whatever their case. */
function pathOf(name: string, column: Declared): string {
  return (typeof column === 'string' ? name : column.from).toLowerCase();
}

function recordsIn(lines: readonly string[]): (readonly Member[])[] {
  const records = recordFinder(() => false);
  return lines.flatMap((line) => {
    const { members } = records.read(line);
    return members && members.length > 0 ? [members] : [];
  });
}

/** The proposed columns that a preset does not have. One whose values the format cannot convert becomes text. */
function columnsBeside(
  proposed: Readonly<Record<string, Declared>>,
  preset: unknown,
  lines: readonly string[],
): Record<string, Declared> {
  const own = typeof preset === 'string' ? PRESETS[preset]?.columns : undefined;
  const taken = [...(own?.values() ?? [])].map(({ from }) => from.toLowerCase());
  const isTaken = (path: string) => taken.some((from) => isWithin(path, from) || isWithin(from, path));
  const columns: Record<string, Declared> = {};
  for (const [name, column] of Object.entries(proposed)) {
    if (isTaken(pathOf(name, column)) || own?.has(name)) continue;
    const { errors } = guessOf('json', { columns: { [name]: column } }, lines);
    if (errors === 0) columns[name] = column;
    else columns[name] = typeof column === 'string' ? 'string' : { type: 'string', from: column.from };
  }
  return columns;
}
