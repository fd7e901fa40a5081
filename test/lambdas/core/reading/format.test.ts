import { describe, expect, test } from 'vitest';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import { type CompiledFormat, ROW } from '../../../../lambdas/core/reading/format.ts';
import { defineColumns, int, text } from '../../../../lambdas/core/tables/table.ts';
import { readLines } from '../../../helpers/read-lines.ts';

const format: CompiledFormat = {
  columns: defineColumns({ name: text('A name.') }),
  reader: {
    read(line, row) {
      const match = /^name=(\w+)$/.exec(line) as RegExpExecArray;
      row.text('name', match[1] as string);
      return ROW;
    },
  },
};

describe('a reader that throws', () => {
  test('has its line rejected with what was thrown, and the lines after it read', () => {
    const now = () => new Date('2026-11-22T12:00:00Z');
    const batcher = new LineBatcher({ source: 's', origin: 'o', format, keepRaw: 'never', shared: new Map(), now });
    batcher.push(Buffer.from('name=a\nno name\nname=b\n'));
    batcher.end();
    expect(batcher.counts).toMatchObject({ lines: 3, rows: 2, rejected: 1 });
    expect([...batcher.reasons]).toEqual([['reader_failed', 1]]);
    const [batch] = batcher.takeRemaining();
    const kept = rowsOf(Buffer.concat(batch?.rejected ?? [])).join('');
    expect(kept).toContain('no name');
    expect(kept).toContain("it threw TypeError: Cannot read properties of null (reading '1')");
  });

  test('is named in a golden test with the file, the line and its text', () => {
    expect(() => readLines(format, ['name=a', 'no name'], 'golden/x.log')).toThrow(
      "golden/x.log, line 2: expected the format's reader to give an outcome, it threw TypeError: Cannot read properties of null (reading '1'): no name",
    );
  });
});

describe('defineColumns', () => {
  test('refuses a name with a capital, both when it is compiled and when it runs', () => {
    // @ts-expect-error: a column name is written in lower case
    expect(() => defineColumns({ statusCode: int('Status code.') })).toThrow(
      'column statusCode: expected a name of a-z, 0-9 and _ that begins with a letter, at most 63 characters',
    );
  });

  test.each(['', '1st', 'a-b', 'a b', 'x'.repeat(64), 'ümlaut'])('refuses %j', (name) => {
    const columns: Record<Lowercase<string>, ReturnType<typeof int>> = {
      [name as Lowercase<string>]: int('A number.'),
    };
    expect(() => defineColumns(columns)).toThrow(`column ${name}: expected`);
  });

  test('gives back the columns as they were written', () => {
    const columns = { status_code: int('Status code.'), x1: text('Text.') };
    expect(defineColumns(columns)).toBe(columns);
  });
});
