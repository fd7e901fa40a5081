import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { textOf, withoutBom } from '../../../../lambdas/core/lines/utf8.ts';
import { readLines } from '../../../helpers/read-lines.ts';

/**
 * Golden pairs: `<format>/<case>.log` (a line each) or `<case>.message` (one log event) beside
 * `<case>.rows.json`, and `<case>.options.json` where the format needs options.
 */
const GOLDEN = join(import.meta.dirname, '..', '..', '..', 'golden');

const formats = readdirSync(GOLDEN, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('every format has golden pairs', () => {
  expect(formats.toSorted()).toEqual([...FORMATS.keys()].toSorted());
});

describe.each(formats)('%s', (format) => {
  const folder = join(GOLDEN, format);
  const files = readdirSync(folder);
  const inputs = files.filter((file) => /\.(log|message)$/.test(file));

  test('every expectation has its input', () => {
    const cases = (ends: RegExp) => files.filter((file) => ends.test(file)).map((file) => file.replace(ends, ''));
    expect(cases(/\.(log|message)$/)).toEqual(cases(/\.rows\.json$/));
  });

  test.each(
    inputs.map((file) => [
      basename(file)
        .replace(/\.\w+$/, '')
        .replaceAll('-', ' '),
      file,
    ]),
  )('%s', (_, file) => {
    const beside = (end: string) => join(folder, file.replace(/\.(log|message)$/, end));
    const options = existsSync(beside('.options.json')) ? readJson(beside('.options.json')) : {};
    const text = withoutBom(textOf(readFileSync(join(folder, file))));
    const lines = file.endsWith('.message') ? [text] : text.replace(/\n$/, '').split(/\r?\n/);
    const compiled = FORMATS.get(format)?.compile(options as Record<string, unknown>);
    expect(compiled && readLines(compiled, lines)).toEqual(readJson(beside('.rows.json')));
  });
});

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
