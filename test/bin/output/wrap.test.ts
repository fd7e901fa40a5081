import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutInMiddle, displayWidth, wrapped } from '../../../bin/output/wrap.ts';

describe('wrapped', () => {
  test('breaks at spaces, and indents the lines after the first', () => {
    expect(wrapped('lake: one two three four', 14, '  ')).toEqual(['lake: one two', '  three four']);
  });

  test('keeps the spaces between words that stay on one line', () => {
    expect(wrapped('  name   a value that is long', 20, '    ')).toEqual(['  name   a value', '    that is long']);
  });

  test('keeps a command between backticks on one line', () => {
    expect(wrapped('run `lake audit --fix` again', 20)).toEqual(['run', '`lake audit --fix`', 'again']);
  });

  test('breaks what is longer than a line where the line ends', () => {
    expect(wrapped('a 0123456789 b', 4)).toEqual(['a', '0123', '4567', '89 b']);
    expect(wrapped('`a command that is long`', 10)).toEqual(['`a command', 'that is', 'long`']);
  });

  test('leaves text whole without a width', () => {
    expect(wrapped('a b '.repeat(100), undefined)).toEqual(['a b '.repeat(100)]);
  });

  const text = fc.array(fc.constantFrom('a', 'bcd', ' ', '  ', '茶', '🫖', '`')).map((parts) => parts.join(''));

  test('has lines that fit, and loses nothing but spaces', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 30 }), (given, width) => {
        const lines = wrapped(given, width, ' ');
        expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(given.replaceAll(' ', ''));
      }),
    );
  });

  test('a text that is cut fits, and has its beginning and its end', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 5, max: 30 }), (given, width) => {
        const cut = cutInMiddle(given, width);
        expect(displayWidth(cut)).toBeLessThanOrEqual(width);
        const [head = '', tail = ''] = cut === given ? [given, given] : cut.split('…');
        expect(given.startsWith(head) && given.endsWith(tail)).toBe(true);
      }),
    );
  });
});
