/**
 * Golden pairs: `test/golden/<format>/<case>.log` (a line each) or `<case>.message` (one log event) beside the answer,
 * `<case>.rows.json`, and `<case>.options.json` if the format needs options.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { textOf, withoutBom } from '../../lambdas/core/lines/utf8.ts';
import type { FormatOptions } from '../../lambdas/core/reading/format.ts';
import { type Reading, readLines } from './read-lines.ts';

export const GOLDEN = join(import.meta.dirname, '..', 'golden');

/** One input with its options, and where its answer belongs. */
export interface GoldenCase {
  readonly format: string;
  /** The name of the file as a sentence. */
  readonly name: string;
  readonly path: string;
  readonly options: FormatOptions;
  readonly answerPath: string;
}

/** The formats that have a folder. */
export function goldenFormats(): string[] {
  return readdirSync(GOLDEN, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The inputs of a format. */
export function goldenCases(format: string): GoldenCase[] {
  const folder = join(GOLDEN, format);
  return readdirSync(folder)
    .filter((file) => /\.(log|message)$/.test(file))
    .map((file) => {
      const path = join(folder, file);
      const beside = (end: string) => path.replace(/\.(log|message)$/, end);
      const options = existsSync(beside('.options.json')) ? readJson(beside('.options.json')) : {};
      return {
        format,
        name: basename(file)
          .replace(/\.\w+$/, '')
          .replaceAll('-', ' '),
        path,
        options: options as FormatOptions,
        answerPath: beside('.rows.json'),
      };
    });
}

/**
 * What the format makes of the input's lines.
 *
 * @throws Error naming the file, the line and its text if the format's reader throws.
 */
export function readGolden({ format, path, options }: GoldenCase): Reading[] {
  const compiled = FORMATS.get(format)?.compile(options);
  if (!compiled) throw new Error(`${path}: expected a folder named for a format, of ${[...FORMATS.keys()].join(', ')}`);
  const text = withoutBom(textOf(readFileSync(path)));
  const lines = path.endsWith('.message') ? [text] : text.replace(/\n$/, '').split(/\r?\n/);
  return readLines(compiled, lines, path);
}

/** @throws Error saying how to make the answer if there is none. */
export function goldenAnswer({ answerPath }: GoldenCase): unknown {
  if (existsSync(answerPath)) return readJson(answerPath);
  throw new Error(`${answerPath} is missing: run npm run golden, then check what it wrote line by line`);
}

/**
 * Writes the answers that are missing, for review.
 *
 * @returns the files written
 */
export function writeMissingAnswers(): string[] {
  return goldenFormats()
    .flatMap(goldenCases)
    .filter(({ answerPath }) => !existsSync(answerPath))
    .map((golden) => {
      writeFileSync(golden.answerPath, `${JSON.stringify(readGolden(golden), undefined, 2)}\n`);
      return golden.answerPath;
    });
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
