import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { GOLDEN, goldenAnswer, goldenCases, goldenFormats, readGolden } from '../../../helpers/golden.ts';

test('every format has golden pairs', () => {
  expect(goldenFormats().toSorted()).toEqual([...FORMATS.keys()].toSorted());
});

describe.each(goldenFormats())('%s', (format) => {
  const cases = goldenCases(format);

  test('every answer has its input', () => {
    const answers = readdirSync(join(GOLDEN, format)).filter((file) => file.endsWith('.rows.json'));
    const expected = new Set(cases.map(({ answerPath }) => answerPath));
    expect(answers.filter((file) => !expected.has(join(GOLDEN, format, file)))).toEqual([]);
  });

  test.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    expect(readGolden(golden)).toEqual(goldenAnswer(golden));
  });
});

describe('a golden input without an answer', () => {
  const path = join(import.meta.dirname, 'without-an-answer.log');
  afterEach(() => rmSync(path, { force: true }));

  test('says what to run', () => {
    writeFileSync(path, '{}\n');
    const answerPath = path.replace(/log$/, 'rows.json');
    const golden = { format: 'json', name: '', path, options: { columns: { a: 'int' } }, answerPath };
    expect(existsSync(answerPath)).toBe(false);
    expect(() => goldenAnswer(golden)).toThrow(/without-an-answer\.rows\.json is missing: run npm run golden/);
    expect(readGolden(golden)).toEqual([{ row: {} }]);
  });
});
