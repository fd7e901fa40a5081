import { describe, expect, test } from 'vitest';
import { parseExpression } from '../../../bin/alarms/expression.ts';

const VALUES: Readonly<Record<string, number>> = { zero: 0, one: 1, two: 2, ten: 10 };
const value = (expression: string) => parseExpression(expression)((id) => VALUES[id]);

describe('metric math', () => {
  test.each([
    ['one + two * ten', 21],
    ['(one + two) * ten', 30],
    ['ten - two - one', 7],
    ['ten / two / two', 2.5],
    ['0.5 * two', 1],
    ['two > one', 1],
    ['two >= 2', 1],
    ['two < one', 0],
    ['one <= one', 1],
    ['one == two', 0],
    ['one > 0 AND two > 5 OR ten == 10', 1],
    ['one > 5 OR two > 5 AND ten == 10', 0],
    ['IF(two > one, ten, zero)', 10],
    ['IF(two < one, ten, zero)', 0],
    ['MAX([one, ten, two])', 10],
    ['SUM([one, ten, two])', 13],
    ['FILL(two, 7)', 2],
  ])('of %s is %d', (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });

  test.each([
    ['absent', undefined],
    ['absent + one', undefined],
    ['IF(absent > 0, 1, 0)', undefined],
    ['FILL(absent, 0) + one', 1],
    ['MAX([absent, one])', 1],
    ['MAX([absent])', undefined],
    ['one / zero', undefined],
  ])('of %s, where a metric has no data, is %s', (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });

  test.each([
    ['SEARCH(one)', 'metric math: the function SEARCH is not known here: SEARCH(one)'],
    ['one +', 'metric math: a value expected, got the end: one +'],
    ['(one', 'metric math: ) expected, got the end: (one'],
    ['one two', 'metric math: two is too much: one two'],
    ['one % two', 'metric math:  % two is not known here: one % two'],
  ])('of %s is refused', (expression, message) => {
    expect(() => value(expression)).toThrow(message);
  });
});
