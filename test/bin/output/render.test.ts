import { describe, expect, test } from 'vitest';
import { bytesText, escapeControls, jsonText, renderTable, thousands } from '../../../bin/output/render.ts';

const COLUMNS = [{ name: 'name' }, { name: 'lines', align: 'right' as const }, { name: 'what' }];

describe('renderTable', () => {
  test('aligns columns, numbers to the right, without lines around them', () => {
    const text = renderTable(COLUMNS, [
      ['alb', '1,000', 'x'],
      ['a', '5', ''],
    ]);

    expect(text).toBe(['name  lines  what', 'alb   1,000  x', 'a         5'].join('\n'));
  });

  test('leaves wide values whole where there is no terminal', () => {
    const wide = 'w'.repeat(500);

    expect(renderTable(COLUMNS, [['a', '1', wide]], undefined)).toContain(wide);
  });

  test('cuts names in the middle until the lines fit the terminal', () => {
    const lines = renderTable(COLUMNS, [['a name', '12', `${'b'.repeat(200)}${'e'.repeat(200)}`]], 40).split('\n');

    expect(lines.every((line) => line.length <= 40)).toBe(true);
    expect(lines[1]).toMatch(/^a name {5}12 {2}(b+)…(e+)$/);
  });

  test('is no wider than the terminal with characters of double width', () => {
    const [, line = ''] = renderTable(COLUMNS, [['a', '1', '茶'.repeat(100)]], 30).split('\n');

    expect(line).toContain('…');
    expect(line.length + (line.match(/茶/g)?.length ?? 0)).toBeLessThanOrEqual(30);
  });

  test('wraps sentences at spaces', () => {
    const columns = [
      { name: 'n', align: 'right' as const },
      { name: 'what', wrap: true as const },
    ];
    expect(
      renderTable(
        columns,
        [
          ['1', 'one two three four five six'],
          ['22', 'seven'],
        ],
        20,
      ),
    ).toBe([' n  what', ' 1  one two three', '    four five six', '22  seven'].join('\n'));
  });

  test('never cuts a number, and wraps the name of its column instead', () => {
    const columns = [{ name: 'name' }, { name: 'a long head of numbers', align: 'right' as const }];
    const text = renderTable(columns, [['n'.repeat(60), '12,345,678,901,234']], 40);

    expect(text).toContain('12,345,678,901,234');
    expect(text.split('\n').every((line) => line.length <= 40)).toBe(true);
    expect(text.split('\n')[1]).toMatch(/ {2}numbers$/);
  });

  test('shows rows one under the other where the columns do not fit, with every value whole', () => {
    const columns = Array.from({ length: 6 }, (_, index) => ({ name: `column_${index}` }));
    const long = `https://example.com/${'x'.repeat(100)}`;
    const text = renderTable(columns, [columns.map(() => long), columns.map(() => '')], 60);

    expect(text.split('\n').every((line) => line.length <= 60)).toBe(true);
    expect(text.split('\n')[0]).toBe('row 1 of 2');
    expect(text.split('\n')[1]).toMatch(/^ {2}column_0 {2}https:/);
    expect(text.replaceAll(/\n {12}/g, '')).toContain(`column_5  ${long}\n`);
    expect(text).toMatch(/row 2 of 2\n {2}column_0\n/);
  });

  test('looks the same however many rows there are', () => {
    const rows = Array.from({ length: 333 }, (_, row) => ['r', String(row), 'same']);
    const lines = renderTable(COLUMNS, rows).split('\n');

    expect(lines).toHaveLength(334);
    expect(new Set(lines.map((line) => line.indexOf('same')))).toEqual(new Set([-1, 13]));
  });

  test('shows only the head of a table without rows', () => {
    expect(renderTable(COLUMNS, [])).toBe('name  lines  what');
  });

  test('keeps a value with a line break on its line', () => {
    expect(renderTable(COLUMNS, [['a\nb', '1', '']])).toContain('a\\nb');
  });
});

describe('escapeControls', () => {
  test.each([
    ['an escape sequence', '\x1b[31mred', '\\x1b[31mred'],
    ['a bell and a NUL', '\x07\0', '\\x07\\x00'],
    ['a control character of eight bits', '\x9b31m', '\\x9b31m'],
    ['a mark that turns text around', 'a\u202eb', 'a\\u202eb'],
    ['tabs and line ends', '\t\r\n', '\\t\\r\\n'],
    ['ordinary text of any script', 'möbel 茶 🫖', 'möbel 茶 🫖'],
  ])('of %s', (_name, text, shown) => {
    expect(escapeControls(text)).toBe(shown);
  });
});

describe('jsonText', () => {
  test('has no control character in it and says the same', () => {
    const value = { text: '\x1b\x7f\x9b\u202e', more: ['茶'] };

    expect(jsonText(value)).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(JSON.parse(jsonText(value))).toEqual(value);
  });
});

describe('numbers', () => {
  test('get separators between thousands', () => {
    expect([thousands(999), thousands(1_234_567), thousands(12345678901234567n)]).toEqual([
      '999',
      '1,234,567',
      '12,345,678,901,234,567',
    ]);
  });

  test('of bytes get the unit that keeps them short', () => {
    expect([0, 1023, 1024, 1_572_864, 5 * 1024 ** 3].map(bytesText)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 MiB',
      '5.0 GiB',
    ]);
  });
});
