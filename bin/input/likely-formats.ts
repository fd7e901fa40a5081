/** Finds formats that read the first lines of a file, for a user who gave another one. */
import { createReadStream } from 'node:fs';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { decompress } from '../../lambdas/core/lines/decompress.ts';
import { LineSplitter } from '../../lambdas/core/lines/lines.ts';
import { UnreadableError } from '../../lambdas/core/lines/unreadable.ts';
import { textOf, withoutBom } from '../../lambdas/core/lines/utf8.ts';
import { type Format, readLine } from '../../lambdas/core/reading/format.ts';
import { Row } from '../../lambdas/core/reading/row.ts';

/** Lines that are tried. */
const MAX_LINES = 20;

/** A row of fewer values says too little: prose may give one by chance. */
const MIN_VALUES = 3;

/** Share of the lines that must be rows without an error. */
const MIN_SHARE = 0.5;

/**
 * Names of the formats, with their default options, that read at least half of the first lines of a file as rows
 * without an error; the one that reads most lines first.
 */
export async function likelyFormats(path: string): Promise<string[]> {
  const lines = (await firstLines(path, MAX_LINES)).filter((line) => line.trim() !== '');
  if (lines.length === 0) return [];
  return [...FORMATS.values()]
    .map((format) => ({ name: format.name, share: shareOfRows(format, lines) }))
    .filter(({ share }) => share >= MIN_SHARE)
    .toSorted((a, b) => b.share - a.share)
    .map(({ name }) => name);
}

function shareOfRows({ compile, exampleOptions = {} }: Format, lines: readonly string[]): number {
  const { reader, columns } = compile(exampleOptions);
  const row = new Row(columns);
  const rows = lines.filter((line) => {
    row.begin();
    return readLine(reader, line, row).kind === 'row' && row.values >= MIN_VALUES && row.fieldErrors === 0;
  });
  return rows.length / lines.length;
}

/** The first lines of a file, plain or compressed; of JSON, the objects. */
export async function firstLines(path: string, count: number): Promise<string[]> {
  const lines: string[] = [];
  const sink = { objects: true, line: (bytes: Buffer) => void lines.push(textOf(bytes)), longLine: () => {} };
  const splitter = new LineSplitter(sink);
  try {
    for await (const chunk of decompress(createReadStream(path), async () => undefined)) {
      splitter.push(chunk);
      if (lines.length >= count) break;
    }
    if (lines.length < count) splitter.end();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
  }
  return lines.slice(0, count).map((line, index) => (index === 0 ? withoutBom(line) : line));
}

/** A warning about a file of which no line is a row. */
export function noRowsText(path: string, format: string, likely: readonly string[]): string {
  const others = likely.filter((name) => name !== format);
  const hint =
    others.length > 0
      ? `the first lines are read by the format ${others.join(', or by ')}`
      : `\`lake init --like ${path}\` guesses another`;
  return `${path}: none of its lines is a row: is this a log of the format ${format}?; ${hint}`;
}
