import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../lib/config/config.ts';
import { filterPatternProblem } from '../../../lib/config/filter-pattern.ts';

describe('a filter pattern', () => {
  test.each([
    '',
    'ERROR',
    'ERROR -"health check"',
    '?ERROR ?WARN',
    '"a \\"quoted\\" word"',
    '%AUTHORIZED|UNAUTHORIZED%',
    '{ $.level = "ERROR" }',
    '{ ($.level = "ERROR") && ($.status >= 500) }',
    '{ $.message = "a ) and a } in quotes" }',
    '{ $.path = %^/orders/(\\d+)$% }',
    '[ip, user, ..., status = 4*, bytes]',
    '[w1 = "a ] in quotes", ...]',
  ])('%j is let pass', (pattern) => {
    expect(filterPatternProblem(pattern)).toBeUndefined();
  });

  test.each([
    ['"not closed', 'each double quote is closed'],
    ['{ $.level = "ERROR }', 'each double quote is closed'],
    ['{ $.level = "ERROR"', 'begins with { and ends with }'],
    ['{ level = "ERROR" }', 'with a property, such as'],
    ['{ ($.a = 1 }', 'each parenthesis is closed'],
    ['{ $.a = 1) && ($.b = 2 }', 'each parenthesis is closed'],
    ['[ip, status = 4*', 'begins with [ and ends with ]'],
  ])('%j is refused', (pattern, allowed) => {
    expect(filterPatternProblem(pattern)).toContain(allowed);
  });

  test('that is refused names the param', () => {
    const sources = [{ name: 'app', format: 'kong', from: { logGroups: ['/app'], filterPattern: '{ $.a = 1' } }];
    expect(() => readConfig({ sources })).toThrow(
      /^sources\[0\]\.from\.filterPattern: got "\{ \$\.a = 1", allowed: a JSON/,
    );
  });
});
